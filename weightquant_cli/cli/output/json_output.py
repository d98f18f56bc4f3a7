"""JSON documents: their text, reading and writing them, numbers that JSON cannot hold."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import OptionError

if TYPE_CHECKING:
    from ...core.lite.naive_buffer import NaiveBufferSize
    from ...core.model.inputs_outputs import Port
    from ...formats.model_dir import ModelFiles
    from ..options.shared import ModelArguments

Document = dict[str, Any]

MAX_BYTES = 128 << 20
"""What is read of a file at most: a report has some 600 bytes for each weight."""


def dumps(document: Document) -> str:
    """The document's text, indented; what does not print (escape sequences, C1 controls, bytes
    that are not UTF-8) is escaped.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)
    lines = (line if line.isprintable() else _escaped(line) for line in text.split("\n"))
    return "\n".join(lines) + "\n"


def _escaped(line: str) -> str:
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line)


def encoded(document: Document) -> bytes:
    """The document's bytes, for a file."""
    return dumps(document).encode()


def read_file(path: Path, what: str) -> object:
    """The document in a file.

    Raises:
        OptionError: the file cannot be read, has no end, or is not JSON.
    """
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise OptionError(f"the {what} has more than {MAX_BYTES} bytes", path=path)
        document: object = json.loads(content)
    except OSError as error:
        raise OptionError(f"cannot read the {what}: {error.strerror}", path=path) from error
    except (ValueError, RecursionError) as error:
        raise OptionError(f"the {what} is not JSON: {error}", path=path) from error
    return document


def model_files(files: ModelFiles) -> Document:
    """Which files a model is."""
    return {
        "folder": str(files.folder),
        "program": files.program,
        "params": files.params,
        "layout": files.layout,
    }


def port_document(port: Port) -> Document:
    """An input or output of the model."""
    return {
        "name": port.name,
        "dtype": None if port.dtype is None else port.dtype.name,
        "shape": None if port.shape is None else list(port.shape),
    }


def naive_buffer(size: NaiveBufferSize | None) -> Document | None:
    """The bytes of the `.nb` to expect; None where they are not known."""
    if size is None:
        return None
    return {"smallest": size.smallest, "expected": size.middle, "largest": size.largest}


def config_file(arguments: ModelArguments) -> Document | None:
    """Which file `--config` named, and which options came from it."""
    if arguments.config is None:
        return None
    return {"file": str(arguments.config), "options": sorted(arguments.from_file)}


def sqnr_fields(sqnr: float) -> Document:
    """An SQNR in dB. Without any error it is null and `lossless`; null alone means NaN or -inf."""
    return {"sqnr_db": finite(sqnr), "lossless": sqnr == math.inf}


def finite(value: float, digits: int | None = 4) -> float | None:
    """The number, rounded unless `digits` is None; None where JSON has no such number."""
    if not math.isfinite(value):
        return None
    return value if digits is None else round(value, digits)

"""SHA-256 of a model's files: written into a report, and compared with one later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ...errors import ModelError, OptionError, counted
from ...formats.files.digests import FileDigest
from ..model.model import Model
from .compare_reference import Adaptive


def differences(model: Model, expected: Iterable[FileDigest]) -> tuple[str, ...]:
    """What of a model's folder is no longer as `expected` says, a line per file."""
    found = []
    for file in expected:
        try:
            now = model.stored.folder.digest(file.name)
        except ModelError as error:
            found.append(str(error))
            continue
        if now.size != file.size:
            found.append(
                f"{file.name} has {counted(now.size, 'byte')}, the report says {file.size}"
            )
        elif now.sha256 != file.sha256:
            found.append(f"{file.name} has other content than the report says")
    return tuple(found)


def parse_digests(document: object) -> tuple[FileDigest, ...]:
    """The output files of a report on a run of `quantize`.

    Raises:
        OptionError: not such a report.
    """
    files = document.get("files") if isinstance(document, dict) else None
    output = files.get("output") if isinstance(files, dict) else None
    if not isinstance(output, list) or not output:
        raise OptionError(
            "not a report with the digests of the output", remedy="make it with quantize `report`"
        )
    return tuple(_parse(entry) for entry in output)


def parse_adaptive(document: object) -> Adaptive | None:
    """What a report says of adaptive rounding; None where weights were rounded to nearest.

    Raises:
        OptionError: a damaged list of parameters.
    """
    options = document.get("options") if isinstance(document, dict) else None
    if not isinstance(options, dict) or options.get("rounding") != "adaptive":
        return None
    corrected = document.get("corrected") if isinstance(document, dict) else None
    if not isinstance(corrected, list) or not all(isinstance(name, str) for name in corrected):
        raise OptionError("the report's list of corrected parameters is damaged")
    return Adaptive(frozenset(corrected))


def _parse(entry: object) -> FileDigest:
    if isinstance(entry, Mapping):
        name, size, sha256 = entry.get("name"), entry.get("bytes"), entry.get("sha256")
        if isinstance(name, str) and type(size) is int and isinstance(sha256, str):
            return FileDigest(name, size, sha256)
    raise OptionError("the report's list of files is damaged", found=repr(entry)[:80])

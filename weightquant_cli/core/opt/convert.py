"""Convert a model with the real `opt`, into a temporary folder, and look at what it wrote.

Its exit code proves nothing (`opt_script`): only a `.nb` with its header does.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import OutputError
from ...formats.files.input_folder import InputFolder
from ...formats.own_files import NAIVE_BUFFER_SUFFIX
from ..model.model import Model
from .process import run
from .scratch import scratch_folder

SECONDS = 1800.0
"""How long opt may take; a model of 500 MB takes it a minute."""

ARM = ("arm",)

SEPARATE_PROGRAM = "__model__"
"""Beside separate parameters opt looks for this name only."""

# Version of the layout, version of opt, bytes of the program behind the header.
_HEADER = struct.Struct("<H16sQ")
_LAYOUTS = (0, 1, 2)
_VERSION = re.compile(rb"v(\d+\.\d+[\w.-]*)\0")

_PIECE = 8 << 20
_LOG_HEAD = re.compile(r"^\[[A-Z] [^\]]*\] *")
_MAX_WORDS = 300


@dataclass(frozen=True)
class Conversion:
    """What `opt` made of a model.

    Attributes:
        opt: the program.
        targets: what it converted for.
        size: bytes of the `.nb`; None where there is none.
        version: opt's, as the `.nb` has it, such as ``2.12`` or ``2.13-rc``; None without one.
        failure: how opt failed, in words; None where it converted.
        said: the line of its output that tells most about a failure, or empty.
    """

    opt: Path
    targets: tuple[str, ...]
    size: int | None
    version: str | None
    failure: str | None
    said: str

    @property
    def ok(self) -> bool:
        """Whether it converted the model."""
        return self.failure is None


def convert(
    model: Model, opt: Path, targets: Sequence[str] = ARM, seconds: float = SECONDS
) -> Conversion:
    """Convert a model as it was read: a `.json` as the program it was translated into.

    Args:
        model: quantized or not.
        opt: the program (`find_opt`).
        targets: what to convert for.
        seconds: how long opt may take.

    Raises:
        OptionError: opt cannot be started.
        OutputError: the temporary folder cannot be written.
        ModelError: a file cannot be read, or has changed.
    """
    with scratch_folder() as folder:
        arguments = _place(model, folder / "model")
        out = folder / "out"
        command = (
            str(opt),
            *arguments,
            "--optimize_out_type=naive_buffer",
            f"--optimize_out={out}",
            f"--valid_targets={','.join(targets)}",
        )
        ended = run(command, folder, seconds)
        size, version = _result(Path(f"{out}{NAIVE_BUFFER_SUFFIX}"))
    model.stored.verify_unchanged()
    failure = ended.how
    if failure is None and size is None:
        failure = "wrote no model, though its exit code was 0"
    if failure is None:
        return Conversion(opt, tuple(targets), size, version, None, "")
    return Conversion(opt, tuple(targets), None, None, failure, _most_telling(ended.output))


def _place(model: Model, folder: Path) -> tuple[str, ...]:
    """Lay out the model for opt; the arguments that name it."""
    stored = model.stored
    program = folder / SEPARATE_PROGRAM
    combined = stored.parameters.combined
    try:
        folder.mkdir()
        program.write_bytes(model.program.serialize())
        if combined is not None:
            _give(model, combined, folder / "params")
            return f"--model_file={program}", f"--param_file={folder / 'params'}"
        for name in (*stored.parameters, *stored.carried):
            _give(model, name, folder / name)
    except OSError as error:
        raise OutputError(
            f"cannot write the model for opt: {error.strerror}",
            path=error.filename,
            remedy="set TMPDIR to a folder with free space",
        ) from error
    return (f"--model_dir={folder}",)


def _give(model: Model, name: str, place: Path) -> None:
    """Link to one of the model's files, or copy it where it lies in a tar."""
    place.parent.mkdir(parents=True, exist_ok=True)
    source = model.stored.folder
    if isinstance(source, InputFolder):
        os.symlink((source.path / name).absolute(), place)
        return
    with source.opened(name) as file, open(place, "xb") as copy:
        for offset in range(0, file.size, _PIECE):
            copy.write(file.read_at(_PIECE, offset))


def _result(path: Path) -> tuple[int | None, str | None]:
    """Size and version of a `.nb`; None where there is none. A link or a pipe is none."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # there is none, or a link
        return None, None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size <= _HEADER.size:
            return None, None
        layout, version, program = _HEADER.unpack(os.pread(descriptor, _HEADER.size, 0))
    finally:
        os.close(descriptor)
    told = _VERSION.match(version)
    if layout not in _LAYOUTS or told is None or not 0 < program < status.st_size:
        return None, None
    return status.st_size, told[1].decode("ascii", "replace")


def _most_telling(output: bytes) -> str:
    """The last fatal line of opt's log, else the last line that says something."""
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines()]
    lines = [line for line in lines if line]
    fatal = [line for line in lines if line.startswith("[F ") or "Check failed" in line]
    line = (fatal or lines or [""])[-1]
    told = _LOG_HEAD.sub("", line) or line
    return told if len(told) <= _MAX_WORDS else told[: _MAX_WORDS - 3] + "..."

"""Write bytes to an open file, all of them, with the file system's refusal in our words."""

from __future__ import annotations

import os
from pathlib import Path

from ...errors import OutputError


def write_at(descriptor: int, data: bytes | memoryview, offset: int, path: Path) -> None:
    """Write all of `data` at `offset`; OutputError where the file system refuses."""
    view = memoryview(data).cast("B")
    done = 0
    while done < len(view):
        try:
            done += os.pwrite(descriptor, view[done:], offset + done)
        except OSError as error:
            raise write_error(error, path) from error


def write_error(error: OSError, path: Path) -> OutputError:
    """The refusal of the file system in our words."""
    return OutputError(
        f"cannot write the output: {error.strerror or error}",
        path=path,
        remedy="nothing was changed; make room or choose another OUTPUT_DIR",
    )

"""A temporary folder that is gone afterwards, whatever ended the work in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import OutputError
from ...formats.files.signals import deferred_signals

PREFIX = "weightquant-opt-"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new folder, removed with all that is in it when the block ends.

    Raises:
        OutputError: it cannot be made.
    """
    folder = None
    try:
        with deferred_signals():  # else a signal could come between the folder and its name
            folder = _made()
        yield Path(folder.name)
    finally:
        if folder is not None:
            with deferred_signals():
                folder.cleanup()


def _made() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix=PREFIX)
    except OSError as error:
        raise OutputError(
            f"cannot make a temporary folder: {error.strerror}",
            path=error.filename,
            remedy="set TMPDIR to a folder with free space",
        ) from error

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
        OutputError: it cannot be made, or not removed: a program may have left something at work
            in it, or put something else in its place.
    """
    folder, left = None, None
    try:
        with deferred_signals():  # else a signal could come between the folder and its name
            folder = _made()
        yield Path(folder.name)
    finally:
        if folder is not None:
            with deferred_signals():
                left = _not_removed(folder)
    if left is not None:
        raise OutputError(
            f"cannot remove the temporary folder: {getattr(left, 'strerror', None) or left}",
            path=folder.name,
            remedy="see what opt has left there, and remove it",
        ) from left


def _not_removed(folder: tempfile.TemporaryDirectory[str]) -> Exception | None:
    """Remove the folder; why that could not be done, or None."""
    try:
        folder.cleanup()
    except (OSError, RecursionError) as error:
        return error
    return None


def _made() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix=PREFIX)
    except OSError as error:
        raise OutputError(
            f"cannot make a temporary folder: {error.strerror}",
            path=error.filename,
            remedy="set TMPDIR to a folder with free space",
        ) from error

"""All-or-nothing folder output: a sibling temporary folder, fsync, one rename.

`new_folder` appears whole or not at all; with REPLACE an existing folder is exchanged for the new
one in one step, never deleted first. MERGE, for Paddle's own calling convention, moves finished
files into an existing folder and leaves what else is there alone.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import OptionError, OutputError
from .flush import flush_files
from .signals import deferred_signals
from .writing import write_error

TEMPORARY_PREFIX = ".weightquant-"

# What follows the stem in a temporary folder's name. Another output's stem may begin with ours.
_SUFFIX = re.compile("[0-9a-f]{12}(-old)?")

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2  # linux/fs.h


class Existing(enum.Enum):
    """What to do with an output folder that exists already and is not empty."""

    REFUSE = "refuse"
    REPLACE = "replace"
    MERGE = "merge"


def refuse_overlap(source: Path, target: Path) -> None:
    """Refuse an output folder that is, holds or lies within the input folder.

    Raises:
        OptionError: the two overlap, links resolved.
    """
    real_source = os.path.realpath(source)
    real_target = os.path.realpath(target)
    common = os.path.commonpath([real_source, real_target])
    if common not in (real_source, real_target):
        return
    if real_source == real_target:
        relation = "is the input folder"
    elif common == real_source:
        relation = "lies inside the input folder"
    else:
        relation = "contains the input folder"
    raise OptionError(f"the output folder {relation}", path=target, remedy="choose another")


@contextmanager
def new_folder(target: Path, existing: Existing = Existing.REFUSE) -> Iterator[Path]:
    """Yield an empty temporary folder that becomes `target` when the block ends without error.

    Temporary folders of runs that were killed are cleared first: a live one is locked.

    Raises:
        OutputError: `target` exists (REFUSE), is not a folder, or the file system refuses; then,
            as on every other exception, nothing is left behind and `target` is untouched.
    """
    final = Path(os.path.realpath(target))
    _refuse_existing(final, existing)
    attempt = _Attempt()
    try:
        with _wrapped(final), deferred_signals():
            attempt.parents = _make_parents(final.parent)
            _clear_leftovers(final)
            attempt.temporary, attempt.lock = _make_temporary(final)
        yield attempt.temporary
        with _wrapped(final):
            flush_files(attempt.temporary)
        with _wrapped(final), deferred_signals():
            _sync_folders(attempt.temporary)
            _publish(attempt.temporary, final, existing)
            attempt.clean()
    except BaseException:
        with deferred_signals():
            attempt.clean()
            _remove_parents(attempt.parents)
        raise


class _Attempt:
    """What one run has made so far and must not leave behind.

    A signal raises wherever it arrives; whatever is made is noted here before it can.
    """

    def __init__(self) -> None:
        self.parents: list[Path] = []
        self.temporary: Path | None = None
        self.lock = -1

    def clean(self) -> None:
        """Remove the temporary folder; after an exchange it holds what was replaced."""
        if self.temporary is not None:
            _remove(self.temporary)
            with contextlib.suppress(OSError):
                os.close(self.lock)
            self.temporary = None


def _remove(folder: Path) -> None:
    """Remove a folder; a failure that does not last, such as EMFILE, is got over.

    What stays is for the next run to clear: the output may be in place already, and then nothing
    may be called failed. rmtree lets errors of fstat through, told to ignore them or not.
    """
    for _ in range(3):
        with contextlib.suppress(OSError):
            shutil.rmtree(folder, ignore_errors=True)
        if not os.path.lexists(folder):
            return


def _make_temporary(final: Path) -> tuple[Path, int]:
    """A new temporary folder beside `final`, and the descriptor that keeps it locked."""
    while True:
        temporary = final.parent / f"{_temporary_stem(final)}{os.urandom(6).hex()}"
        os.mkdir(temporary)
        try:
            lock = _locked(temporary)
        except FileNotFoundError:
            continue  # another run took it for a leftover before it was locked
        except OSError:
            os.rmdir(temporary)
            raise
        if os.path.lexists(temporary):
            return temporary, lock
        os.close(lock)  # likewise


def _locked(folder: Path) -> int:
    """A descriptor that holds a lock on the folder; without locks none is taken for left over."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP):
            with contextlib.suppress(OSError):
                os.close(descriptor)
            raise
    return descriptor


def _temporary_stem(final: Path) -> str:
    # Names are limited in bytes: 150 of them leave room for all that is added.
    name = os.fsdecode(os.fsencode(final.name)[:150])
    return f"{TEMPORARY_PREFIX}{name}-"


def _clear_leftovers(final: Path) -> None:
    """Remove temporary folders for the same output that no living run holds."""
    stem = _temporary_stem(final)
    with os.scandir(final.parent) as entries:
        leftovers = [
            entry.path
            for entry in entries
            if entry.name.startswith(stem)
            and _SUFFIX.fullmatch(entry.name.removeprefix(stem))
            and entry.is_dir(follow_symlinks=False)
        ]
    for path in leftovers:
        with contextlib.suppress(OSError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(Path(path))
            finally:
                os.close(descriptor)


def _refuse_existing(final: Path, existing: Existing) -> None:
    with _wrapped(final):
        if not final.exists():
            return
        if not final.is_dir():
            raise OutputError("the output exists and is not a folder", path=final)
        if existing is Existing.REFUSE and any(final.iterdir()):
            raise OutputError(
                "the output folder exists already",
                path=final,
                remedy="replace it with --force, or choose another",
            )


def _make_parents(folder: Path) -> list[Path]:
    """Make `folder` and what is missing above it; those made, innermost first."""
    missing: list[Path] = []
    while not os.path.lexists(folder):
        missing.append(folder)
        folder = folder.parent
    made: list[Path] = []
    for path in reversed(missing):
        try:
            os.mkdir(path)
        except FileExistsError:
            continue  # another run's, or one that could not be looked at: not ours to remove
        except OSError as error:
            _remove_parents(made)
            raise write_error(error, path) from error
        made.insert(0, path)
    return made


def _remove_parents(made: list[Path]) -> None:
    """Remove the folders that were made, those that are empty still."""
    for path in made:
        with contextlib.suppress(OSError):
            os.rmdir(path)


def _publish(temporary: Path, final: Path, existing: Existing) -> None:
    if existing is Existing.MERGE and final.is_dir():
        _merge(temporary, final)
    elif existing is Existing.REPLACE:
        _rename_or_exchange(temporary, final)
    else:
        os.rename(temporary, final)  # refuses a folder that was filled meanwhile
    _settle(final.parent)


def _rename_or_exchange(temporary: Path, final: Path) -> None:
    """Put the folder in place, whatever other runs do to the same place at the same time."""
    while True:
        try:
            os.rename(temporary, final)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        try:
            _exchange(temporary, final)
            return
        except FileNotFoundError:
            continue


def _exchange(temporary: Path, final: Path) -> None:
    """Swap two folders in one step; the old content is then under the temporary name."""
    import ctypes  # 2 ms that only a replacement needs

    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "renameat2"):
        if (
            libc.renameat2(
                _AT_FDCWD, os.fsencode(temporary), _AT_FDCWD, os.fsencode(final), _RENAME_EXCHANGE
            )
            == 0
        ):
            return
        number = ctypes.get_errno()
        if number not in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
            raise OSError(number, os.strerror(number), str(final))
    _exchange_in_two_steps(temporary, final)


def _exchange_in_two_steps(temporary: Path, final: Path) -> None:
    """For file systems without an exchange: set the old folder aside, put it back on failure."""
    aside = temporary.with_name(temporary.name + "-old")
    os.rename(final, aside)
    try:
        os.rename(temporary, final)
    except BaseException:
        os.rename(aside, final)
        raise
    os.rename(aside, temporary)


def _refuse_clashes(temporary: Path, final: Path) -> None:
    """Refuse a merge that would stop half-way, at a folder in place of a file or the reverse."""
    for folder, folders, names in os.walk(temporary):
        inside = final / Path(folder).relative_to(temporary)
        for name in folders:
            if os.path.lexists(inside / name) and not os.path.isdir(inside / name):
                raise OutputError(
                    "a file is where a folder of the output belongs", path=inside / name
                )
        for name in names:
            if os.path.isdir(inside / name):
                raise OutputError(
                    "a folder is where a file of the output belongs", path=inside / name
                )


def _merge(temporary: Path, final: Path) -> None:
    _refuse_clashes(temporary, final)
    for folder, _, names in os.walk(temporary, topdown=False):
        inside = final / Path(folder).relative_to(temporary)
        inside.mkdir(parents=True, exist_ok=True)
        for name in names:
            os.replace(os.path.join(folder, name), inside / name)
        _settle(inside)


def _settle(folder: Path) -> None:
    """Flush a folder once the output is in place: too late to take it back, or to call it failed.

    The files themselves are on the disk by then.
    """
    with contextlib.suppress(OSError):
        _sync_folder(folder)


def _sync_folders(root: Path) -> None:
    for folder, _, _ in os.walk(root):
        _sync_folder(Path(folder))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _wrapped(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise OutputError(
                "the output folder came into being meanwhile",
                path=path,
                remedy="does another run write to it?",
            ) from error
        raise write_error(error, path) from error

"""A model's folder, opened once, and its files, which must stay as they were when first opened.

Every file is opened relative to the folder. A fingerprint is taken the first time, and compared
whenever the file is opened again, and with `verify_unchanged` once everything has been read: a
model that is modified meanwhile is an error, never a mixture.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ...errors import ModelError, counted
from .fingerprint import Fingerprint
from .folder import Folder
from .input_files import InputFile, InputFiles
from .open_files import OpenFiles
from .regular import file_size, file_status, open_regular, unreadable

_COARSE_CLOCK = 5
"""CLOCK_REALTIME_COARSE of Linux, from which its file systems take their times."""


def _tick() -> int:
    """Nanoseconds between two times that a file system can tell apart, and a little more."""
    if not sys.platform.startswith("linux"):
        return 1_000_000
    return int(time.clock_getres(_COARSE_CLOCK) * 1e9) + 1_000_000


_TICK_NS = _tick()


class _Seen(NamedTuple):
    """A file as it was when it was first opened."""

    path: Path
    fingerprint: Fingerprint


class InputFolder(InputFiles):
    """The files of an open folder, by their path in it (parts separated by ``/``).

    Any number of threads may read. A file stays open after use, so that it is opened once and not
    for every part of a weight; few files at a time do, however many there are.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._files = OpenFiles(_close)
        self._seen: dict[str, _Seen] = {}
        self._mode = 0o777

    @classmethod
    def open(cls, path: Path) -> InputFolder:
        """The folder at `path`; OSError."""
        return cls(Folder.open(path))

    @property
    def path(self) -> Path:
        """How the folder was named."""
        return self._folder.path

    @property
    def mode(self) -> int:
        """The permissions that all files opened so far have in common."""
        return self._mode

    def names(self) -> list[str]:
        """The names in it; OSError."""
        return self._folder.names()

    def is_folder(self, name: str) -> bool:
        """Whether `name` is a folder, or a link to one."""
        try:
            status = os.stat(name, dir_fd=self._folder.descriptor)
        except (OSError, ValueError):
            return False
        return stat.S_ISDIR(status.st_mode)

    def exists(self, name: str) -> bool:
        """Whether there is something of this name."""
        try:
            return self._folder.find(name) is not None
        except (OSError, ValueError):
            return False

    @contextmanager
    def opened(self, name: str) -> Iterator[InputFile]:
        """The file `name`.

        Raises:
            FileNotFoundError: there is none; callers know best what that means.
            ModelError: not a regular file of this folder, not readable, or not the one that was
                opened before.
        """
        try:
            file = self._files.take(name, self._open)
        except FileNotFoundError as error:
            if name in self._seen:
                raise _changed(self.path / name, "it vanished") from error
            raise
        except OSError as error:
            raise unreadable(self.path / name, error) from error
        try:
            seen = self._seen[name]
            yield InputFile(file.descriptor, seen.path, seen.fingerprint.size)
        finally:
            self._files.give_back(file)

    def read(self, name: str) -> bytes:
        """All bytes of the file `name`; raises as `opened` does."""
        with self.opened(name) as file:
            data = file.read_at(file.size + 1, 0)  # no more than that, however it grows
            if len(data) != file.size:
                now = file_size(file.descriptor, file.path)
                raise _changed(file.path, f"it had {counted(file.size, 'byte')} and now has {now}")
        return data

    def verify_unchanged(self) -> None:
        """See that every file that was read is still there and as it was when it was opened.

        Raises:
            ModelError: one has changed: what was read may be half of one model, half of another.
        """
        for name, seen in self._seen.items():
            _compare(seen, self._look(name, seen.path))

    def close(self) -> None:
        """Close the folder and its files; also done when it is garbage-collected."""
        self._files.close()
        self._folder.close()

    def __del__(self) -> None:
        self._files.close()

    def _look(self, name: str, path: Path) -> Fingerprint:
        """The fingerprint of what `name` leads to now."""
        try:
            if "/" not in name:
                status = self._folder.status(name)
                if stat.S_ISREG(status.st_mode):
                    return Fingerprint.of(status)
            descriptor = open_regular(self._folder, name)
        except FileNotFoundError as error:
            raise _changed(path, "it vanished") from error
        except OSError as error:
            raise unreadable(path, error) from error
        try:
            return Fingerprint.of(file_status(descriptor, path))
        finally:
            _close(name, descriptor)

    def _open(self, name: str) -> int:
        descriptor = open_regular(self._folder, name)
        seen = self._seen.get(name)
        try:
            path = self.path / name if seen is None else seen.path
            status = file_status(descriptor, path)
            if seen is None and _wait_for_clock(status):
                status = file_status(descriptor, path)
            found = Fingerprint.of(status)
            _compare(self._seen.setdefault(name, _Seen(path, found)), found)
        except BaseException:
            _close(name, descriptor)
            raise
        self._mode &= stat.S_IMODE(status.st_mode)
        return descriptor


def _wait_for_clock(status: os.stat_result) -> bool:
    """Wait until a file that was written just now would get another time if written again.

    File systems tell the time of a change in ticks of some milliseconds: within one tick, nothing
    shows that a file was written a second time. Whether that took a wait.
    """
    age = time.time_ns() - status.st_ctime_ns
    if not 0 <= age < _TICK_NS:
        return False
    time.sleep((_TICK_NS - age) / 1e9)
    return True


def _close(name: str, descriptor: int) -> None:
    with contextlib.suppress(OSError):  # all data has been read already
        os.close(descriptor)


def _compare(seen: _Seen, now: Fingerprint) -> None:
    path, before = seen
    if now == before:
        return
    if (now.device, now.inode) != (before.device, before.inode):
        raise _changed(path, "another file is in its place")
    if now.size != before.size:
        raise _changed(path, f"it had {counted(before.size, 'byte')} and now has {now.size}")
    raise _changed(path, "it was written to")


def _changed(path: Path, how: str) -> ModelError:
    return ModelError(
        f"the model changed while it was read: {how}",
        path=path,
        remedy="do not write to the model while it is being read",
    )

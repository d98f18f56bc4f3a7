"""Many files, each opened once as long as few of them are in use, by any number of threads."""

from __future__ import annotations

import errno
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from itertools import islice

# Idle files kept open, at most; of the descriptors that the process may have, a quarter.
KEPT = 256


def most_kept() -> int:
    """How many idle files may stay open."""
    limit = os.sysconf("SC_OPEN_MAX")
    return KEPT if limit < 0 else min(KEPT, limit // 4)  # -1: there is no limit


class OpenFile:
    """An open file, and how many use it now."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self.users = 0


class OpenFiles:
    """Open files by name; the ones longest unused are closed when there are too many."""

    def __init__(self, close: Callable[[str, int], None], kept: int | None = None) -> None:
        """`close` closes the descriptor of the file of a name, and raises what it likes."""
        self._close = close
        self._kept = most_kept() if kept is None else kept
        # An interrupt may come before the lock is given back; closing must not wait for it then.
        self._lock = threading.RLock()
        self._files: OrderedDict[str, OpenFile] = OrderedDict()

    def take(self, name: str, open: Callable[[str], int]) -> OpenFile:
        """The file `name`, which stays open at least until it is given back.

        `open` opens it where it is not open now, and raises what it likes; with too many files
        open in this process (EMFILE), it is called again once others have been closed.
        """
        with self._lock:
            file = self._files.get(name)
            if file is None:
                file = self._files[name] = OpenFile(self._opened(name, open))
            file.users += 1
            self._files.move_to_end(name)
        return file

    def give_back(self, file: OpenFile) -> None:
        """The file is not used any more."""
        with self._lock:
            file.users -= 1
            self._close_unused(self._kept)

    def close(self) -> None:
        """Close every idle file."""
        with self._lock:
            self._close_unused(0)

    def _opened(self, name: str, open: Callable[[str], int]) -> int:
        try:
            return open(name)
        except OSError as error:
            if error.errno not in (errno.EMFILE, errno.ENFILE) or not self._files:
                raise
        self._close_unused(0)
        return open(name)

    def _close_unused(self, kept: int) -> None:
        surplus = len(self._files) - kept
        if surplus <= 0:
            return
        idle = (name for name, file in self._files.items() if not file.users)
        for name in list(islice(idle, surplus)):
            self._close(name, self._files.pop(name).descriptor)

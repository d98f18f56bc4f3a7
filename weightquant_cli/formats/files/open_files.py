"""Many files, each opened once as long as few of them are in use, by any number of threads."""

from __future__ import annotations

import errno
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Idle files kept open: a process may be limited to 256 descriptors.
KEPT = 32


@dataclass
class _Open:
    descriptor: int
    users: int = 0


class OpenFiles:
    """Descriptors by name; the ones longest unused are closed when there are too many."""

    def __init__(self, close: Callable[[str, int], None], kept: int = KEPT) -> None:
        """`close` closes the descriptor of the file of a name, and raises what it likes."""
        self._close = close
        self._kept = kept
        self._lock = threading.Lock()
        self._files: OrderedDict[str, _Open] = OrderedDict()

    @contextmanager
    def use(self, name: str, open: Callable[[str], int]) -> Iterator[int]:
        """The descriptor of the file `name`, which stays open at least until the block ends.

        `open` opens it where it is not open now, and raises what it likes; with too many files
        open in this process (EMFILE), it is called again once others have been closed.
        """
        with self._lock:
            file = self._files.get(name)
            if file is None:
                file = self._files[name] = _Open(self._opened(name, open))
            file.users += 1
            self._files.move_to_end(name)
        try:
            yield file.descriptor
        finally:
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
        for name in [name for name, file in self._files.items() if not file.users][:surplus]:
            self._close(name, self._files.pop(name).descriptor)

"""Work that goes on beside the caller, in order for each key.

Sums of floating point numbers depend on the order of adding. Here the work of one key is done in
the order in which it was submitted, so that results do not depend on the number of threads.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from types import TracebackType

WAITING = 4
"""Pieces of work that wait in a lane; the next one makes the caller wait. They hold memory."""

Work = Callable[[], None]


class Lanes:
    """Threads, each with a queue of its own; to be used in a `with` statement, which waits for all.

    Args:
        count: of the threads; with none, work is done at once by the caller.

    Raises:
        BaseException: on submitting or leaving, the first error of any work; what was still
            waiting is then not done.
    """

    def __init__(self, count: int) -> None:
        self._lanes = [_Lane() for _ in range(max(count, 0))]
        self._by_key: dict[str, _Lane] = {}

    def submit(self, key: str, work: Work) -> None:
        """Have work done behind all earlier work of the same key."""
        if not self._lanes:
            work()
            return
        if key not in self._by_key:  # keys are dealt out in turns
            self._by_key[key] = self._lanes[len(self._by_key) % len(self._lanes)]
        lane = self._by_key[key]
        lane.raise_error()
        lane.waiting.put(work)

    def __enter__(self) -> Lanes:
        for lane in self._lanes:
            lane.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for lane in self._lanes:
            if error is not None:
                lane.stopped = True
            lane.waiting.put(None)
        for lane in self._lanes:
            lane.join()
        if error is None:
            for lane in self._lanes:
                lane.raise_error()


class _Lane(threading.Thread):
    """One thread: works until it gets None; behind an error it only empties its queue."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.waiting: queue.Queue[Work | None] = queue.Queue(WAITING)
        self.stopped = False
        self._error: BaseException | None = None

    def run(self) -> None:
        """Do the work of the queue in order."""
        while (work := self.waiting.get()) is not None:
            if self.stopped:
                continue
            try:
                work()
            except BaseException as error:
                self._error, self.stopped = error, True

    def raise_error(self) -> None:
        """Raise what a piece of work raised."""
        if self._error is not None:
            raise self._error

"""Work spread over threads: results in order, and the first error stops the rest.

numpy and file reads release the interpreter's lock, so threads do run side by side.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Stopped(Exception):
    """Raised in a worker when another one has failed: that other error is the one that counts."""


class StopSignal:
    """Told to every worker when one fails or the run is interrupted."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def set(self) -> None:
        """Ask every worker to give up."""
        self._event.set()

    def check(self) -> None:
        """Raise Stopped where the work has been given up."""
        if self._event.is_set():
            raise Stopped


def run(
    work: Callable[[Item, StopSignal], Result],
    items: Sequence[Item],
    cost: Sequence[int],
    jobs: int,
) -> list[Result]:
    """``[work(item, stop) for item in items]`` on `jobs` threads, the costliest first.

    Args:
        work: called once per item; it calls ``stop.check()`` now and then.
        items: what to work on.
        cost: a number for each item, to start the longest first.
        jobs: number of threads; one runs everything in the calling thread.

    Raises:
        BaseException: the error of the first item (in order of `items`) that failed on its own.
    """
    stop = StopSignal()
    if jobs == 1 or len(items) < 2:
        return [work(item, stop) for item in items]
    order = iter(sorted(range(len(items)), key=lambda index: -cost[index]))
    results: dict[int, Result] = {}
    errors: dict[int, BaseException] = {}

    def take() -> None:
        for index in order:
            try:
                stop.check()
                results[index] = work(items[index], stop)
            except BaseException as error:
                errors[index] = error
                stop.set()
                return

    workers = [_Worker(take) for _ in range(min(jobs, len(items)))]
    try:
        with suppress(RuntimeError):  # the system grants no more threads: so many will do
            for worker in workers:
                worker.start()
        if workers[0].ident is None:
            take()
        for worker in workers:
            worker.wait()
    finally:
        if len(results) < len(items):  # an error, or a signal that interrupted this thread
            stop.set()
        for worker in workers:
            worker.wait()
    for index in sorted(errors):
        if not isinstance(errors[index], Stopped):
            raise errors[index]
    return [results[index] for index in range(len(items))]


class _Worker(threading.Thread):
    """A thread with an event for its end: a signal may cut short a wait for it, but not a join."""

    def __init__(self, take: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._take = take
        self._done = threading.Event()

    def run(self) -> None:
        """Work until there is nothing left to take."""
        try:
            self._take()
        finally:
            self._done.set()

    def wait(self) -> None:
        """Wait for the thread's end, if it was started."""
        if self.ident is not None:
            self._done.wait()
            self.join()


def default_jobs() -> int:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

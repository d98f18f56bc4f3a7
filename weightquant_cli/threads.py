"""The thread pool: results in order, the costliest items first, and the first error ends the run.

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


class Cancelled(Exception):
    """Raised in a worker because another one failed; that other error is the one to report."""


class CancelToken:
    """Shared by the workers of one run: set when one fails or the run is interrupted."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        """Ask every worker to give up."""
        self._event.set()

    def check(self) -> None:
        """Raise Cancelled once the run has been cancelled."""
        if self._event.is_set():
            raise Cancelled


def run(
    work: Callable[[Item, CancelToken], Result],
    items: Sequence[Item],
    jobs: int | None,
    cost: Callable[[Item], int] = lambda _: 1,
) -> list[Result]:
    """``[work(item, token) for item in items]`` on `jobs` threads.

    Args:
        work: called once per item; a long one calls ``token.check()`` now and then.
        items: what to work on.
        jobs: number of threads; one runs everything in the calling thread, None takes the CPUs
            that this process may use.
        cost: of an item; the costliest are started first, so that all threads end together.

    Raises:
        BaseException: the error of the first item, in order of `items`, that failed on its own.
    """
    token = CancelToken()
    jobs = jobs or default_jobs()
    if jobs == 1 or len(items) < 2:
        return [work(item, token) for item in items]
    order = iter(sorted(range(len(items)), key=lambda index: -cost(items[index])))
    results: dict[int, Result] = {}
    errors: dict[int, BaseException] = {}

    def take() -> None:
        for index in order:
            try:
                token.check()
                results[index] = work(items[index], token)
            except BaseException as error:
                errors[index] = error
                token.cancel()
                return

    workers = [_Worker(take) for _ in range(min(jobs, len(items)))]
    try:
        with suppress(RuntimeError):  # Thread limit reached; continue with those already started.
            for worker in workers:
                worker.start()
        if workers[0].ident is None:
            take()
        for worker in workers:
            worker.wait()
    finally:
        if len(results) < len(items):  # an error, or a signal that interrupted this thread
            token.cancel()
        for worker in workers:
            worker.wait()
    for index in sorted(errors):
        if not isinstance(errors[index], Cancelled):
            raise errors[index]
    return [results[index] for index in range(len(items))]


class _Worker(threading.Thread):
    """A thread that can be waited for by an event, which a signal interrupts; a join it may not."""

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

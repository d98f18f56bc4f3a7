"""Work spread over threads: results in order, and the first error stops the rest.

numpy and file reads release the interpreter's lock, so threads do run side by side.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
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
    order = sorted(range(len(items)), key=lambda index: -cost[index])
    with ThreadPoolExecutor(max_workers=min(jobs, len(items))) as executor:
        futures = {index: executor.submit(work, items[index], stop) for index in order}
        try:
            wait(futures.values(), return_when=FIRST_EXCEPTION)
        finally:
            if not all(
                f.done() and not f.cancelled() and not f.exception() for f in futures.values()
            ):
                stop.set()
                executor.shutdown(wait=True, cancel_futures=True)
    errors = [
        error
        for index in range(len(items))
        if not futures[index].cancelled() and (error := futures[index].exception()) is not None
    ]
    for error in errors:
        if not isinstance(error, Stopped):
            raise error
    return [futures[index].result() for index in range(len(items))]


def default_jobs() -> int:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

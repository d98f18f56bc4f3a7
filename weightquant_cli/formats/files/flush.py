"""Wait for many files side by side, until the system has brought each to the disk."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

FLUSH_THREADS = 16


def run_side_by_side(flush: Callable[[str], None], names: Sequence[str]) -> None:
    """Call `flush` with every name, on up to FLUSH_THREADS threads.

    The file system's journal takes files that are waited for together in one step, which for
    thousands of small files is fifty times as fast as one after the other.

    Raises:
        OSError: of the first file that could not be written.
    """
    waiting = iter(names)
    errors: list[OSError] = []

    def work() -> None:
        for name in waiting:
            try:
                flush(name)
            except OSError as error:
                errors.append(error)
                return

    helpers = [threading.Thread(target=work) for _ in range(min(FLUSH_THREADS, len(names)) - 1)]
    started = []
    with suppress(RuntimeError):  # thread limit reached; continue with those already started
        for helper in helpers:
            helper.start()
            started.append(helper)
    work()
    for helper in started:
        helper.join()
    if errors:
        raise errors[0]

"""Hold back SIGINT and SIGTERM for the few steps that must not be cut in two."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

HELD = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Deliver signals that arrive within the block when it ends.

    Handlers are swapped rather than signals masked: a mask holds for one thread only, and the
    others (numpy's among them) would take the signal. Outside the main thread, where Python
    delivers no signals, this does nothing. A signal that is ignored (`nohup`, a shell's
    background job) or that is not Python's to handle is left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        arrived.append(number)

    held = [number for number in HELD if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, note) for number in held}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if arrived:
            signal.raise_signal(arrived[0])

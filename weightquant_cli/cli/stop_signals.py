"""Signals that ask the process to end, as an exception that unwinds it. None gets lost."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import TypeAlias

ExceptHook: TypeAlias = Callable[[type[BaseException], BaseException, TracebackType | None], object]


class StoppedBySignal(BaseException):
    """A signal asked the process to end: unwind, so that nothing half-written stays.

    Attributes:
        number: the signal.
    """

    def __init__(self, number: int) -> None:
        self.number = number


# Frames in which a raised exception gets lost: C code of a module that is being imported may
# swallow it, and weakref callbacks and `__del__` cannot raise.
_SWALLOWING = ("<frozen importlib._bootstrap>", "weakref.py", "_weakrefset.py")

# A signal that arrives there is raised a little later, or after a second in any case.
WAIT_SECONDS = 0.02
MAX_WAITS = 50


@contextmanager
def raising_signals(numbers: Collection[int]) -> Iterator[None]:
    """Raise `StoppedBySignal` where one of these signals arrives within the block.

    A signal that the process inherited as ignored (`nohup`, a job in the background of a script)
    stays ignored. After the first signal further ones are ignored, so that they cannot cut short
    the cleaning up.
    """
    arrived: list[int] = []
    timers: list[threading.Timer] = []
    caught = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]

    def stop(number: int, frame: FrameType | None) -> None:
        if _swallows(frame) and len(timers) < MAX_WAITS:
            again = (threading.get_ident(), number)  # wakes this thread where it waits
            timers.append(threading.Timer(WAIT_SECONDS, signal.pthread_kill, again))
            timers[-1].daemon = True
            timers[-1].start()
            return
        arrived.append(number)
        for further in caught:
            signal.signal(further, signal.SIG_IGN)
        raise StoppedBySignal(number)

    before = {number: signal.signal(number, stop) for number in caught}
    shown, sys.excepthook = sys.excepthook, _quiet_hook(sys.excepthook)
    try:
        yield
    except Exception as error:
        if arrived:  # numpy's import turns any exception raised during it into an ImportError
            raise StoppedBySignal(arrived[0]) from error
        raise
    finally:
        for timer in timers:
            timer.cancel()
        sys.excepthook = shown
        for number, handler in before.items():
            signal.signal(number, handler)


def _swallows(frame: FrameType | None) -> bool:
    """Whether an exception raised here may get lost."""
    while frame is not None:
        if frame.f_code.co_filename.endswith(_SWALLOWING) or frame.f_code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


def _quiet_hook(shown: ExceptHook) -> ExceptHook:
    """numpy's C code prints what is raised while it is imported, then raises an ImportError."""

    def show(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        if kind is not StoppedBySignal:
            shown(kind, error, where)

    return show

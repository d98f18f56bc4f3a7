"""Run a program that is not ours within bounds: its time, its output, and nothing left behind."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ...errors import OptionError
from ...formats.files.signals import deferred_signals

MAX_OUTPUT = 64 << 20
"""Bytes that it may print; opt prints some kilobytes."""

KEPT = 64 << 10
"""Bytes at the end of the output that are kept."""

_PIECE = 64 << 10
_TICK = 0.05
_SHELLS = 128  # a shell adds this to the number of the signal that ended its child


@dataclass(frozen=True)
class Ended:
    """How a program ended.

    Attributes:
        how: in words, such as "aborted (SIGABRT)"; None where its exit code was 0.
        output: the end of what it printed on stdout and stderr.
    """

    how: str | None
    output: bytes


def run(command: Sequence[str], folder: Path, seconds: float) -> Ended:
    """Run a program in `folder`, without input, in a session of its own, which ends with it.

    Args:
        command: the program's absolute path and its arguments.
        folder: where it works.
        seconds: how long it may take.

    Raises:
        OptionError: it cannot be started.
    """
    process = None
    try:
        with deferred_signals():  # else a signal could come between the process and its name
            process = _started(command, folder)
        assert process.stdout is not None
        cut, output = _watched(process, process.stdout, time.monotonic() + seconds)
    finally:
        if process is not None:
            with deferred_signals():
                _end(process)
    if cut:
        return Ended(cut.format(seconds=seconds), output)
    return Ended(_told(process.returncode), output)


def _started(command: Sequence[str], folder: Path) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise OptionError(
            f"cannot run opt: {error.strerror}",
            path=command[0],
            remedy="give another with `opt`; `pip install paddlelite` has one, as paddle_lite_opt",
        ) from error


def _watched(
    process: subprocess.Popen[bytes], stream: IO[bytes], deadline: float
) -> tuple[str, bytes]:
    """Read until the program has ended or broken a bound: why it is cut short, and the output.

    What the program started may hold the pipe open; only the program itself is waited for.
    """
    kept, total = bytearray(), 0
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while True:
            ended = process.poll() is not None
            piece = b""
            if selector.get_map() and selector.select(0 if ended else _TICK):
                piece = os.read(stream.fileno(), _PIECE)
                if not piece:
                    selector.unregister(stream)
            elif not ended and not selector.get_map():
                time.sleep(_TICK)
            total += len(piece)
            kept = (kept + piece)[-KEPT:]
            if total > MAX_OUTPUT:
                return f"was stopped: it printed more than {MAX_OUTPUT >> 20} MiB", bytes(kept)
            if ended and not piece:
                return "", bytes(kept)
            if not ended and time.monotonic() > deadline:
                return "was stopped: it took more than {seconds:g} seconds", bytes(kept)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started, and collect it."""
    # Where no one is left; macOS says it differently.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _told(code: int) -> str | None:
    if code == 0:
        return None
    number = -code if code < 0 else code - _SHELLS
    if number == signal.SIGABRT:
        return "aborted (SIGABRT)"
    if number in list(signal.Signals):
        return f"crashed ({signal.Signals(number).name})"
    return f"failed with exit code {code}"

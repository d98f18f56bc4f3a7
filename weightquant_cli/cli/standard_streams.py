"""stdin, stdout and stderr as a shell may hand them over: closed, or broken on the way."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO


def prepare() -> None:
    """Replace closed streams, and show what the locale has no character for as an escape."""
    _replace_closed()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def abandon_broken() -> None:
    """Where nothing more can be written, let the interpreter's last flush go to /dev/null."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            discard(stream)


def discard(stream: TextIO) -> None:
    """Let what was and will be written to this stream go to /dev/null."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _replace_closed() -> None:
    """Where a stream was closed (`>&-`), open /dev/null in its place.

    Otherwise the next file opened, a parameter file say, would get the stream's number and what is
    written to it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8", closefd=False))

"""The command line under test: one call, and its exit code, stdout and stderr apart.

`run` works in this process, which is fast; `run_process` starts a process, for signals, pipes and
what a shell sees; `run_terminal` gives that process a terminal of a chosen width.
"""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import weightquant_cli
from weightquant_cli.__main__ import main

Argument = str | Path

# Set by the developer or by CI, and read by the program, rich or tqdm: not by the tests' leave.
_OUTSIDE = ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "TERM", "TTY_COMPATIBLE")
_SOURCE = Path(weightquant_cli.__file__).parent.parent


@dataclass(frozen=True)
class Result:
    """What a call printed, and how it ended."""

    code: int
    out: bytes
    err: bytes

    @property
    def stdout(self) -> str:
        return self.out.decode("utf-8", "surrogateescape")

    @property
    def stderr(self) -> str:
        return self.err.decode("utf-8", "surrogateescape")

    @property
    def lines(self) -> list[str]:
        return self.stdout.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    def ok(self) -> Result:
        """The result itself, once it is known to be a success without a word on stderr."""
        assert (self.code, self.stderr) == (0, "")
        return self

    def done(self) -> Result:
        """The result itself, once it is known to be a success with what `export-opt` says."""
        assert self.code == 0, self.stderr
        assert [line.split()[0] for line in self.stderr.splitlines()] == ["input", "output"]
        return self


def run(
    *arguments: Argument,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    encoding: str = "utf-8",
) -> Result:
    """Run the command line in this process, with neither stream a terminal."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    err = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="backslashreplace")
    with (
        mock.patch.dict(os.environ, environment(env), clear=True),
        working_directory(cwd),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            code = int(main([str(argument) for argument in arguments]))
        except SystemExit as end:  # click ends a completion so
            code = int(end.code or 0)
    out.flush()
    err.flush()
    return Result(code, _bytes(out), _bytes(err))


def run_process(
    *arguments: Argument,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes = b"",
) -> Result:
    """Run the command line in a process of its own."""
    done = subprocess.run(
        command(*arguments), cwd=cwd, env=environment(env), input=input, capture_output=True
    )
    return Result(done.returncode, done.stdout, done.stderr)


def run_terminal(
    *arguments: Argument,
    columns: int = 80,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stderr_too: bool = False,
) -> Result:
    """Run the command line with stdout on a terminal of `columns`; line ends are plain newlines.

    Args:
        stderr_too: put stderr on the terminal as well; both are then in `stdout`.
    """
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    with subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        env=environment({"TERM": "xterm-256color", **(env or {})}),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs if stderr_too else subprocess.PIPE,
    ) as process:
        os.close(theirs)
        shown = _read_terminal(ours)
        told = b"" if process.stderr is None else process.stderr.read()
        code = process.wait()
    os.close(ours)
    return Result(code, shown.replace(b"\r\n", b"\n"), told)


def command(*arguments: Argument) -> list[str]:
    """The command line as a process's arguments; warnings are errors there too."""
    return [
        *(sys.executable, "-W", "error", "-m", "weightquant_cli"),
        *(str(argument) for argument in arguments),
    ]


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would change the output, and with `changes`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in _OUTSIDE and not name.startswith(("WEIGHTQUANT_", "RICH_", "TQDM_"))
    }
    path = os.pathsep.join(filter(None, (str(_SOURCE), kept.get("PYTHONPATH"))))
    return {**kept, "PYTHONPATH": path, **(changes or {})}


@contextlib.contextmanager
def working_directory(folder: Path | None) -> Iterator[None]:
    """Work in `folder` for a while; None stays."""
    before = os.getcwd()
    os.chdir(folder or before)
    try:
        yield
    finally:
        os.chdir(before)


def shell(script: str, *arguments: Argument, cwd: Path | None = None) -> Result:
    """Run a line of shell in which `weightquant` is the command line under test."""
    quoted = " ".join(f"'{part}'" for part in command())
    done = subprocess.run(
        ["sh", "-c", f'weightquant() {{ {quoted} "$@"; }}\n{script}', "sh", *map(str, arguments)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def _bytes(stream: io.TextIOWrapper) -> bytes:
    buffer = stream.detach()
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


def _read_terminal(descriptor: int) -> bytes:
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except OSError:  # Linux: the other side is closed
            break
        if not piece:
            break
        pieces.append(piece)
    return b"".join(pieces)

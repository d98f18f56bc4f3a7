"""The one object for streams, terminals, colour, quiet, verbose, debug and progress.

Results go to stdout; progress and messages go to stderr. On a terminal tables have rules and
colours; in a pipe they are plain aligned columns that `sort`, `awk` and `grep` can read.
"""

from __future__ import annotations

import enum
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from ..errors import OutputError, printable
from .standard_streams import discard

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.console import RenderableType

# No table is wider: in a pipe nothing is folded or cut.
PIPE_WIDTH = 1_000_000

# Of a terminal that does not tell.
USUAL_WIDTH, USUAL_HEIGHT = 80, 25

BAR_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {rate_fmt} {remaining} left"

STEPS_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {remaining} left"

# On a terminal with fewer columns than NARROW, where tqdm would cut the numbers of the others.
NARROW = 50
NARROW_FORMAT = "{desc} {percentage:3.0f}%|{bar}|"


class ColorMode(enum.Enum):
    """When to use colours."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(repr=False, eq=False)
class Console:
    """Where output goes. `main.run` makes one and passes it through click's context.

    Attributes:
        stdout, stderr: the streams.
        color: when to use colours.
        quiet: errors only.
        verbose: more detail on stderr.
        debug: a traceback with an error.
        as_json: one JSON document on stdout, for an error too.
        has_written: whether a document has been written to stdout.
        environment: for NO_COLOR, TERM and COLUMNS.
    """

    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    color: ColorMode = ColorMode.AUTO
    quiet: bool = False
    verbose: bool = False
    debug: bool = False
    as_json: bool = False
    has_written: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    _consoles: dict[tuple[TextIO, bool, int], RichConsole] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def print(self, renderable: RenderableType) -> None:
        """Print a result to stdout."""
        with self._writing():
            self._print(self.stdout, renderable)

    def write(self, text: str) -> None:
        """Write a document to stdout as it is: JSON, CSV, a script; UTF-8 whatever the locale."""
        self.has_written = True
        with self._writing():
            self.stdout.flush()
            self.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))

    def flush(self) -> None:
        """Write out what is buffered."""
        with self._writing():
            self.stdout.flush()

    def message(self, text: str) -> None:
        """A line on stderr, unless quiet."""
        if not self.quiet:
            self._line(printable(text))

    def notices(self, lines: Iterable[str]) -> None:
        """Lines on stderr, each with the program's name, unless quiet."""
        for line in lines:
            self.message(f"weightquant: {line}")

    def detail(self, text: str) -> None:
        """A line on stderr, if verbose."""
        if self.verbose:
            self.message(text)

    def warning(self, text: str) -> None:
        """A line on stderr, marked as a warning, unless quiet."""
        if not self.quiet:
            self._marked("warning", "yellow", text)

    def error(self, text: str) -> None:
        """A line on stderr, marked as an error, quiet or not."""
        self._marked("error", "red", text)

    def traceback(self) -> None:
        """The traceback of the exception that is being handled, if `debug`."""
        if self.debug:
            import traceback

            self.instruct(traceback.format_exc())

    def instruct(self, text: str) -> None:
        """Text of our own on stderr, as it is."""
        with suppress(OSError):
            self.stderr.write(text)
            self.stderr.flush()

    @property
    def is_terminal(self) -> bool:
        """Whether results go to a terminal."""
        return self.stdout.isatty()

    @property
    def is_utf8(self) -> bool:
        """Whether stdout can show any character."""
        return _is_utf8(self.stdout)

    @property
    def width(self) -> int:
        """Columns of the terminal that results go to; without limit in a pipe."""
        return self._columns(self.stdout)

    @contextmanager
    def progress(self, total: int, label: str) -> Iterator[Callable[[int], None]]:
        """A progress bar on stderr, where that is a terminal.

        Yields:
            A function that moves it on by so many of the `total` bytes, from any thread.
        """
        with self._bar(
            total=total, desc=label, unit="iB", unit_scale=True, unit_divisor=1024,
            bar_format=BAR_FORMAT,
        ) as advance:  # fmt: skip
            yield advance

    @contextmanager
    def counting(self, label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        """A count of steps, where stderr is a terminal; a bar where their number is known before.

        Yields:
            A function that counts so many steps, from any thread.
        """
        form = "{desc}: {n_fmt} steps, {elapsed}" if total is None else STEPS_FORMAT
        with self._bar(desc=label, total=total, bar_format=form) as advance:
            yield advance

    @contextmanager
    def waiting(self, label: str) -> Iterator[None]:
        """Say what is waited for, where stderr is a terminal."""
        with self._bar(desc=label, total=None, bar_format="{desc} ..."):
            yield

    @contextmanager
    def _bar(self, **settings: Any) -> Iterator[Callable[[int], None]]:
        if self.quiet or not self.stderr.isatty():
            yield lambda size: None
            return
        from tqdm import tqdm

        if settings["total"] is not None and self._columns(self.stderr) < NARROW:
            settings["bar_format"] = NARROW_FORMAT
        lock = threading.Lock()
        with tqdm(
            leave=False,
            dynamic_ncols=True,
            file=self.stderr,
            ascii=not _is_utf8(self.stderr),
            **settings,
        ) as bar:

            def advance(size: int) -> None:
                with lock:
                    bar.update(size)

            yield advance

    def uses_color(self, stream: TextIO) -> bool:
        """Whether text on `stream` is coloured."""
        if self.color is not ColorMode.AUTO:
            return self.color is ColorMode.ALWAYS
        plain = self.environment.get("NO_COLOR") or self.environment.get("TERM") == "dumb"
        return stream.isatty() and not plain

    def is_plain(self, stream: TextIO) -> bool:
        """Whether `stream` gets text alone: it is no terminal, and not coloured."""
        return not stream.isatty() and not self.uses_color(stream)

    def _marked(self, mark: str, color: str, text: str) -> None:
        if self.is_plain(self.stderr):
            self._line(f"weightquant: {mark}: {printable(text)}")
            return
        from rich.text import Text

        self._line(
            Text.assemble(
                ("weightquant: ", "bold"), (f"{mark}: ", f"bold {color}"), printable(text)
            )
        )

    def _line(self, line: RenderableType) -> None:
        """A line on stderr. Where it cannot be written, the exit code has to do."""
        with suppress(OSError):
            self._print(self.stderr, line, soft_wrap=True)

    def _print(
        self, stream: TextIO, renderable: RenderableType, soft_wrap: bool | None = None
    ) -> None:
        is_text = isinstance(renderable, str)
        if is_text and self.is_plain(stream):  # rich takes 30 ms to import
            stream.write(f"{renderable}\n")
            stream.flush()
        else:
            self._rich(stream).print(renderable, soft_wrap=soft_wrap or is_text)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Where the reader of a pipe has seen enough, drop the rest: the exit code still counts.

        Raises:
            OutputError: stdout cannot be written, on a full disk for example.
        """
        try:
            yield
        except BrokenPipeError:
            discard(self.stdout)
        except OSError as error:
            raise OutputError(f"cannot write to stdout: {error.strerror or error}") from error

    def _rich(self, stream: TextIO) -> RichConsole:
        key = stream, self.uses_color(stream), self._columns(stream)
        known = self._consoles.get(key)
        if known is None:
            known = self._consoles[key] = _rich_console(*key)
        return known

    def _columns(self, stream: TextIO) -> int:
        """What COLUMNS says; else the terminal; 80 where neither has a number of columns."""
        if not stream.isatty():
            return PIPE_WIDTH
        said = self.environment.get("COLUMNS", "")[:6]
        if said.isdecimal() and int(said) > 0:
            return int(said)
        try:
            return os.get_terminal_size(stream.fileno()).columns or USUAL_WIDTH
        except (OSError, ValueError):
            return USUAL_WIDTH


def _rich_console(stream: TextIO, colored: bool, columns: int) -> RichConsole:
    from rich.console import Console as RichConsole

    class RaisingConsole(RichConsole):
        """Raises a broken pipe, where rich would exit with 1."""

        def on_broken_pipe(self) -> None:
            raise  # called while a BrokenPipeError is handled

    return RaisingConsole(
        file=stream,
        force_terminal=colored,
        color_system="standard" if colored else None,
        no_color=not colored,
        highlight=False,
        markup=False,
        emoji=False,
        width=columns,
        height=USUAL_HEIGHT,  # without it rich takes every dumb terminal for 80 columns
        legacy_windows=False,
    )


def _is_utf8(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"

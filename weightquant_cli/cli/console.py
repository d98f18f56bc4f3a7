"""The one object for streams, terminals, colour, quiet, verbose and progress.

Results go to stdout; progress and messages go to stderr. On a terminal tables have rules and
colours; in a pipe they are plain aligned columns that `sort`, `awk` and `grep` can read.
"""

from __future__ import annotations

import enum
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, TextIO

from ..errors import OutputError, printable

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.console import RenderableType
    from tqdm import tqdm

# No table is wider: in a pipe nothing is folded or cut.
PIPE_WIDTH = 1_000_000

BAR_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {rate_fmt} {remaining} left"


class ReaderGone(Exception):
    """Whoever read our output has seen enough. No OSError, for which click would exit with 1."""


class ColorMode(enum.Enum):
    """When to use colours."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass
class Console:
    """Where a command's output goes.

    Attributes:
        stdout, stderr: the streams.
        color: when to use colours.
        quiet: results and errors only.
        verbose: more detail on stderr.
        environment: for NO_COLOR and TERM.
    """

    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    color: ColorMode = ColorMode.AUTO
    quiet: bool = False
    verbose: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def print(self, renderable: RenderableType) -> None:
        """Print a result to stdout."""
        with _writing():
            self._rich(self.stdout).print(renderable, soft_wrap=isinstance(renderable, str))

    def write(self, text: str) -> None:
        """Write a document to stdout as it is: JSON, CSV, a script; UTF-8 whatever the locale."""
        with _writing():
            self.stdout.flush()
            self.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))

    def flush(self) -> None:
        """Let go of the results that are still held back."""
        with _writing():
            self.stdout.flush()

    def message(self, text: str) -> None:
        """Tell something on stderr, unless quiet."""
        if not self.quiet:
            with _telling():
                self._rich(self.stderr).print(printable(text), soft_wrap=True, markup=False)

    def detail(self, text: str) -> None:
        """Tell a detail on stderr, if verbose."""
        if self.verbose:
            self.message(text)

    def error(self, text: str) -> None:
        """One line on stderr, quiet or not."""
        from rich.text import Text

        line = Text.assemble(("weightquant: ", "bold"), ("error: ", "bold red"), printable(text))
        with _telling():
            self._rich(self.stderr).print(line, soft_wrap=True)

    def instruct(self, text: str) -> None:
        """Lines of our own on stderr, as they are."""
        with _telling():
            self.stderr.write(text)
            self.stderr.flush()

    @property
    def is_terminal(self) -> bool:
        """Whether results go to a terminal."""
        return self.stdout.isatty()

    @property
    def is_utf8(self) -> bool:
        """Whether stdout can hold any character."""
        return _is_utf8(self.stdout)

    @property
    def width(self) -> int:
        """Columns of the terminal that results go to; without limit in a pipe."""
        return self._rich(self.stdout).width

    @contextmanager
    def progress(self, total: int, label: str) -> Iterator[tqdm[NoReturn] | None]:
        """A progress bar over `total` bytes on stderr; None where stderr is no terminal."""
        if self.quiet or not self.stderr.isatty():
            yield None
            return
        from tqdm import tqdm as progress_bar

        with progress_bar(
            total=total,
            desc=label,
            unit="B",
            unit_scale=True,
            unit_divisor=1024,
            leave=False,
            dynamic_ncols=True,
            file=self.stderr,
            bar_format=BAR_FORMAT,
            ascii=not _is_utf8(self.stderr),
        ) as bar:
            yield bar

    def uses_color(self, stream: TextIO) -> bool:
        """Whether text on `stream` is coloured."""
        if self.color is not ColorMode.AUTO:
            return self.color is ColorMode.ALWAYS
        plain = self.environment.get("NO_COLOR") or self.environment.get("TERM") == "dumb"
        return stream.isatty() and not plain

    def _rich(self, stream: TextIO) -> RichConsole:
        from rich.console import Console as RichConsole

        class PassingOn(RichConsole):
            """Leaves a broken pipe to `main.run`, where rich itself would exit with 1."""

            def on_broken_pipe(self) -> None:
                raise ReaderGone

        colored = self.uses_color(stream)
        return PassingOn(
            file=stream,
            force_terminal=colored,
            color_system="standard" if colored else None,
            no_color=not colored,
            highlight=False,
            markup=False,
            emoji=False,
            width=None if stream.isatty() else PIPE_WIDTH,
            legacy_windows=False,
        )


@contextmanager
def _writing() -> Iterator[None]:
    """Tell apart a reader that has seen enough and a file that cannot be written.

    Raises:
        ReaderGone: nobody reads any more.
        OutputError: a full disk, say.
    """
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderGone from error
    except OSError as error:
        raise OutputError(f"cannot write to stdout: {error.strerror or error}") from error


@contextmanager
def _telling() -> Iterator[None]:
    """Where stderr takes nothing, on a full disk say, the exit code has to tell it all."""
    with suppress(OSError, ReaderGone):
        yield


def _is_utf8(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"

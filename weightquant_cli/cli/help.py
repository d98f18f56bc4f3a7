"""Help as a person reads it: one line of what it does, examples, then the options in groups.

`Command` and `Group` take the place of click's classes. Nothing is cut with "...", and nothing
heavy is imported: `weightquant --help` answers at once.
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

import click

from .command_docs import CommandDoc, OptionDoc, command_doc, few_words, option_doc
from .console import Console
from .exit_codes import ExitCode
from .suggestions import no_such_command

MAX_WIDTH = 100
# A terminal narrower than this has an option's text below it, not beside it.
MIN_BESIDE_WIDTH = 60
TEXT_COLUMN = 30

PROGRAM = "weightquant"


class Command(click.Command):
    """A command with readable help, and one environment variable per option.

    The variable is spelled as the option: `--op-type` of `quantize` is
    WEIGHTQUANT_QUANTIZE_OP_TYPE.
    """

    def __init__(self, name: str | None, **attributes: Any) -> None:
        super().__init__(name, **attributes)
        for parameter in self.params:
            if isinstance(parameter, click.Option) and parameter.envvar is None:
                parameter.envvar = variable_name(name or "", option_doc(parameter).long_name)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write our help instead of click's."""
        formatter.write(full_help(command_doc(self), width()))

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """click's option, but for who writes the help."""
        return _by_our_console(super().get_help_option(ctx))

    def get_short_help_str(self, limit: int = 45) -> str:
        """What completions show beside the command's name."""
        return few_words(self)


class Group(click.Group):
    """The program: readable help, short help for an empty call, near names for a mistyped one."""

    def __init__(self, name: str | None = None, **attributes: Any) -> None:
        super().__init__(name, no_args_is_help=False, **attributes)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write our help instead of click's."""
        formatter.write(full_help(command_doc(self), width()))

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """click's option, but for who writes the help."""
        return _by_our_console(super().get_help_option(ctx))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """An empty call is a mistake: short help on stderr, and the exit code for usage.

        A script whose variable came out empty must not go on as if it had worked.
        """
        if not args and not ctx.resilient_parsing:
            Console().instruct(short_help(command_doc(self), width()))
            ctx.exit(ExitCode.USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of this name; a usage error that names the nearest where there is none."""
        names = self.list_commands(ctx)
        if not ctx.resilient_parsing and args[0] not in names and not args[0].startswith("-"):
            ctx.fail(no_such_command(args[0], names))
        return super().resolve_command(ctx, args)


def _by_our_console(option: click.Option | None) -> click.Option | None:
    """Where help cannot be written it is as with any other result: click knows no full disk."""

    def show(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            Console().write(ctx.get_help() + "\n")
            ctx.exit()

    if option is not None:
        option.callback = show
    return option


def variable_name(command: str, option: str) -> str:
    """The environment variable that sets a command's option."""
    return f"{PROGRAM}_{command}_{option.lstrip('-')}".upper().replace("-", "_")


def width() -> int:
    """Columns for help: the terminal's, up to a length that reads well."""
    return min(shutil.get_terminal_size().columns, MAX_WIDTH)


def full_help(doc: CommandDoc, columns: int) -> str:
    """The whole help of a command."""
    parts = [
        _filled(f"Usage: {doc.usage}", columns, hanging=7),
        _filled(doc.summary, columns),
    ]
    if doc.examples:
        parts.append(_section("Examples", (f"  {example}" for example in doc.examples)))
    parts += [_filled(text, columns) for text in doc.paragraphs]
    if doc.commands:
        parts.append(_section("Commands", _command_lines(doc, columns)))
    for group in doc.groups:
        lines = (line for option in group.options for line in _option_lines(option, columns))
        parts.append(_section(group.heading, lines))
    if doc.commands:
        parts.append(_more(doc, columns))
    return "\n\n".join(parts) + "\n"


def short_help(doc: CommandDoc, columns: int) -> str:
    """What an empty call shows: usage, the commands, and where there is more."""
    return (
        "\n\n".join(
            (
                _filled(f"Usage: {doc.usage}", columns, hanging=7),
                _section("Commands", _command_lines(doc, columns)),
                _more(doc, columns),
            )
        )
        + "\n"
    )


def _more(doc: CommandDoc, columns: int) -> str:
    return _filled(
        f"`{doc.path} COMMAND -h` shows examples and options; `man {doc.path}` tells the rest.",
        columns,
    )


def _section(heading: str, lines: Iterable[str]) -> str:
    return "\n".join((f"{heading}:", *lines))


def _command_lines(doc: CommandDoc, columns: int) -> Iterator[str]:
    column = max(len(name) for name, _ in doc.commands) + 4
    for name, summary in doc.commands:
        yield from _beside(f"  {name}", summary, column, columns)


def _option_lines(option: OptionDoc, columns: int) -> Iterator[str]:
    return _beside(f"  {spelling(option)}", option.sentence, TEXT_COLUMN, columns)


def spelling(option: OptionDoc) -> str:
    """``-b, --bits N``: long names stand below each other, short or no short one before."""
    indent = "" if not option.names[0].startswith("--") else "    "
    names = ", ".join(option.names)
    if option.negations:
        names = f"{names} / {', '.join(option.negations)}"
    return f"{indent}{names} {option.metavar}".rstrip()


def _beside(head: str, text: str, column: int, columns: int) -> Iterator[str]:
    """`text` in a column of its own beside `head`, or below it where there is no room."""
    if columns < MIN_BESIDE_WIDTH:
        yield head
        yield from _wrapped(text, columns, " " * 8)
        return
    lines = _wrapped(text, columns, " " * column)
    if len(head) + 2 <= column and lines:
        lines[0] = head + lines[0][len(head) :]
    else:
        yield head
    yield from lines


def _filled(text: str, columns: int, hanging: int = 0) -> str:
    return "\n".join(_wrapped(text, columns, "", " " * hanging))


def _wrapped(text: str, columns: int, indent: str, hanging: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        columns,
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )

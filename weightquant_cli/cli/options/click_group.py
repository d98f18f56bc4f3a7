"""click's group, and what it shares with its commands: the console, `--help`, `--version`.

What writes the help is imported on demand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from ..console import Console
from ..exit_codes import ExitCode
from .option import Heading, Option, WithExamples

Callback = Callable[[click.Context, click.Parameter, bool], None]


def console_of(context: click.Context) -> Console:
    """The console that `main.run` made."""
    assert isinstance(context.obj, Console)
    return context.obj


def help_option() -> Option:
    """`--help`, written through our console, which reports a full disk as an error."""

    def show(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if not value or ctx.resilient_parsing:
            return
        from ..output.help import full_help, width
        from .command_docs import command_doc

        console_of(ctx).write(full_help(command_doc(ctx.command), width()))
        ctx.exit()

    return _eager_flag(["-h", "--help"], show, "Show this help and exit.")


def version_option(show: Callback) -> Option:
    """`--version`, which calls `show`."""
    return _eager_flag(["--version"], show, "Show the version and exit.")


def _eager_flag(spellings: list[str], callback: Callback, text: str) -> Option:
    return Option(
        spellings,
        heading=Heading.GENERAL,
        is_flag=True,
        negatable=False,
        is_eager=True,
        expose_value=False,
        callback=callback,
        help=text,
    )


class CliGroup(WithExamples, click.Group):
    """The program: short help for an empty call, near names for a mistyped one."""

    def __init__(
        self, name: str, *, params: list[click.Parameter], examples: tuple[str, ...], **rest: Any
    ) -> None:
        super().__init__(
            name,
            params=[*params, help_option()],
            add_help_option=False,
            no_args_is_help=False,
            **rest,
        )
        self.examples = examples

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """An empty call is a mistake: short help on stderr, and the exit code for usage.

        A script whose variable was empty must not go on as if the call had worked.
        """
        if not args and not ctx.resilient_parsing:
            from ..output.help import short_help, width
            from .command_docs import command_doc

            console_of(ctx).instruct(short_help(command_doc(self), width()))
            ctx.exit(ExitCode.USAGE)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of this name; a usage error that names the nearest where there is none."""
        names = self.list_commands(ctx)
        if not ctx.resilient_parsing and args[0] not in names and not args[0].startswith("-"):
            from ..messages import no_such_command

            ctx.fail(no_such_command(args[0], names))
        return super().resolve_command(ctx, args)

"""click's classes of commands, with help, defaults from the environment and errors of our own.

What writes the help is imported when somebody asks for it.
"""

from __future__ import annotations

from typing import Any

import click

from .console import Console
from .exit_codes import ExitCode
from .suggestions import no_such_command

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
                parameter.envvar = variable_name(name or "", _long_name(parameter))

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write our help instead of click's."""
        _write_help(self, formatter)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """click's option, but for who writes the help."""
        return _by_our_console(super().get_help_option(ctx))

    def get_short_help_str(self, limit: int = 45) -> str:
        """What completions show beside the command's name."""
        from .command_docs import few_words

        return few_words(self)


class Group(click.Group):
    """The program: readable help, short help for an empty call, near names for a mistyped one."""

    def __init__(self, name: str | None = None, **attributes: Any) -> None:
        super().__init__(name, no_args_is_help=False, **attributes)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write our help instead of click's."""
        _write_help(self, formatter)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """click's option, but for who writes the help."""
        return _by_our_console(super().get_help_option(ctx))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """An empty call is a mistake: short help on stderr, and the exit code for usage.

        A script whose variable came out empty must not go on as if it had worked.
        """
        if not args and not ctx.resilient_parsing:
            from .command_docs import command_doc
            from .help import short_help, width

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


def _write_help(command: click.Command, formatter: click.HelpFormatter) -> None:
    from .command_docs import command_doc
    from .help import full_help, width

    formatter.write(full_help(command_doc(command), width()))


def _by_our_console(option: click.Option | None) -> click.Option | None:
    """Where help cannot be written it is as with any other result: click knows no full disk."""

    def show(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
        if value and not ctx.resilient_parsing:
            Console().write(ctx.get_help() + "\n")
            ctx.exit()

    if option is not None:
        option.callback = show
    return option


def _long_name(option: click.Option) -> str:
    return next((name for name in option.opts if name.startswith("--")), option.opts[0])


def variable_name(command: str, option: str) -> str:
    """The environment variable that sets a command's option."""
    return f"{PROGRAM}_{command}_{option.lstrip('-')}".upper().replace("-", "_")

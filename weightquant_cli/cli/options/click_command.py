"""click's commands, with typed arguments and one environment variable per option."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from ..console import Console
from .click_group import console_of, help_option
from .option import Option, WithExamples, parameters, variable_name
from .shared import ModelArguments, console_options

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

Arguments = TypeVar("Arguments", bound=ModelArguments)


def command(
    name: str, arguments: type[Arguments], *, brief: str, examples: tuple[str, ...]
) -> Callable[[Callable[[Console, Arguments], int | None]], CliCommand]:
    """Make a click command of a function; its docstring is the command's help.

    Args:
        name: the command's name.
        arguments: the dataclass that the function gets, filled in.
        brief: a few words, for a list of commands.
        examples: command lines, for the help.
    """

    def decorate(function: Callable[[Console, Arguments], int | None]) -> CliCommand:
        def call(**values: Any) -> int | None:
            context = click.get_current_context()
            sources = {key: context.get_parameter_source(key) for key in values}
            given = frozenset(
                key for key, source in sources.items() if source is not ParameterSource.DEFAULT
            )
            from_file = tuple(
                parameter.long_name[2:]
                for parameter in context.command.params
                if isinstance(parameter, Option)
                and sources.get(parameter.name or "") is ParameterSource.DEFAULT_MAP
            )
            return function(
                console_of(context), arguments(given=given, from_file=from_file, **values)
            )

        return CliCommand(
            name,
            callback=call,
            params=[*parameters(arguments), *console_options()],
            help=function.__doc__,
            short_help=brief,
            examples=examples,
        )

    return decorate


class CliCommand(WithExamples, click.Command):
    """One command.

    The environment variable of an option is spelled as the option: `--op-type` of `quantize` is
    WEIGHTQUANT_QUANTIZE_OP_TYPE.
    """

    def __init__(
        self, name: str, *, params: list[click.Parameter], examples: tuple[str, ...], **rest: Any
    ) -> None:
        super().__init__(name, params=[*params, help_option()], add_help_option=False, **rest)
        self.examples = examples
        for parameter in self.params[:-1]:
            if isinstance(parameter, Option):
                own = variable_name(name, parameter.long_name)
                also = [parameter.envvar] if isinstance(parameter.envvar, str) else []
                parameter.envvar = [own, *also]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; where click stops at the first wrong word, set up the console all the same."""
        given = list(args)
        try:
            return super().parse_args(ctx, args)
        except click.UsageError:
            forgiving = click.Context(
                self,
                obj=ctx.obj,
                resilient_parsing=True,
                ignore_unknown_options=True,
                allow_extra_args=True,
                default_map=ctx.default_map,
            )
            super().parse_args(forgiving, given)
            raise

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """What click finds, but no spelling for no that the help does not list either."""
        listed = {
            name
            for parameter in self.params
            if isinstance(parameter, Option)
            for name in (*parameter.opts, *parameter.negations)
        }
        return [
            item
            for item in super().shell_complete(ctx, incomplete)
            if not item.value.startswith("--no-") or item.value in listed
        ]

    def get_short_help_str(self, limit: int = 45) -> str:
        """What completions show beside the command's name: all of it."""
        return self.short_help or ""

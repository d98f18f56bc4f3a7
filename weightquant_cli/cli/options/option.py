"""One definition of each option: spelling, type, help, completion and heading, on a typed field.

A command's arguments are a frozen dataclass whose fields are made by `option` and `argument`.
`parameters` reads click's parameters off it; `click_command` fills it in from what click parsed.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable
from typing import Any

import click

PROGRAM = "weightquant"


def variable_name(command: str, option_name: str) -> str:
    """The environment variable that sets a command's option."""
    return f"{PROGRAM}_{command}_{option_name.lstrip('-')}".upper().replace("-", "_")


class WithExamples:
    """A command with examples for its help.

    Attributes:
        examples: command lines.
    """

    examples: tuple[str, ...] = ()


class Heading(enum.Enum):
    """Headings of the options in help and man pages, in that order.

    In help, FIRST stands above the examples: on the first screen of a small terminal.
    """

    FIRST = "Most used"
    WHAT = "What to quantize"
    BITS = "Bits and scales"
    ROUNDING = "Rounding, and what the model is run on"
    SHOW = "What to show"
    CHECK = "What to check"
    OUTPUTS = "What the models answer"
    CONVERSION = "Conversion"
    FILES = "Files"
    GATES = "Gates"
    OUTPUT = "Output"
    GENERAL = "General"


class Option(click.Option):
    """A click option that knows its heading.

    A flag without a spelling for no has `--no-` before its own: what a file or the environment has
    set can be unset on the command line. Help and completion do not list these.

    Attributes:
        heading: the heading under which it stands.
        negations: the spellings that turn a flag off and are listed.
    """

    def __init__(
        self,
        declarations: list[str],
        *,
        heading: Heading,
        negatable: bool = True,
        **attributes: Any,
    ) -> None:
        listed = any("/" in declaration for declaration in declarations)
        if attributes.get("is_flag") and negatable and not listed:
            declarations = [_with_negation(declaration) for declaration in declarations]
        super().__init__(declarations, **attributes)
        self.heading = heading
        self.negations = tuple(self.secondary_opts) if listed else ()

    @property
    def long_name(self) -> str:
        """The first long spelling, such as ``--bits``."""
        return next((name for name in self.opts if name.startswith("--")), self.opts[0])


def _with_negation(declaration: str) -> str:
    long = declaration.startswith("--")
    return f"{declaration}/--no-{declaration[2:]}" if long else declaration


_PARAMETER = "parameter"
_Maker = Callable[[str], click.Parameter]


def option(*spellings: str, heading: Heading, **attributes: Any) -> Any:
    """A dataclass field that an option sets; `attributes` are those of `click.Option`."""

    def make(name: str) -> click.Parameter:
        return Option([name, *spellings], heading=heading, **attributes)

    return dataclasses.field(metadata={_PARAMETER: make})


def argument(kind: click.ParamType[Any]) -> Any:
    """A dataclass field that a positional argument sets; shown as the field's name in capitals."""

    def make(name: str) -> click.Parameter:
        return click.Argument([name], type=kind)

    return dataclasses.field(metadata={_PARAMETER: make})


def parameters(arguments: type[Any]) -> list[click.Parameter]:
    """click's parameters for the fields of a dataclass, in the order of the fields."""
    makers: dict[str, _Maker] = {
        field.name: field.metadata[_PARAMETER]
        for field in dataclasses.fields(arguments)
        if _PARAMETER in field.metadata
    }
    return [make(name) for name, make in makers.items()]

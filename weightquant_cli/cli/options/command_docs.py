"""What help and man pages say about a command, read off the click command.

click's own formatting is not used: it differs between the supported versions, and generated files
must not.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass

import click

from .option import PROGRAM, Heading, Option, WithExamples

_DEFAULT = re.compile(r"\s*\[default: (?P<default>.*)\]$")


@dataclass(frozen=True)
class OptionDoc:
    """One option.

    Attributes:
        names: every spelling, short ones first.
        text: one sentence.
        negations: the spellings that turn a flag off.
        metavar: what stands for the value; empty for a flag.
        default: the value in force when the option is not given; empty where there is none.
    """

    names: tuple[str, ...]
    text: str
    negations: tuple[str, ...] = ()
    metavar: str = ""
    default: str = ""

    @property
    def long_name(self) -> str:
        """The first long spelling."""
        return next((name for name in self.names if name.startswith("--")), self.names[0])

    @property
    def sentence(self) -> str:
        """The text, with the default in brackets."""
        return f"{self.text}  [default: {self.default}]" if self.default else self.text


@dataclass(frozen=True)
class OptionGroup:
    """Options under one heading.

    Attributes:
        heading: the heading.
        options: what stands below it.
        first: they belong on the first screen of the help.
    """

    heading: str
    options: tuple[OptionDoc, ...]
    first: bool = False


@dataclass(frozen=True)
class CommandDoc:
    """One command, or the whole program.

    Attributes:
        path: the words that call it, such as ``weightquant quantize``.
        operands: what follows the options, such as ``MODEL_DIR OUTPUT_DIR``.
        summary: one sentence.
        brief: a few words, for a list of commands.
        paragraphs: what else there is to say.
        examples: command lines.
        groups: the options.
        commands: name and a few words on every command inside.
    """

    path: str
    operands: str
    summary: str
    brief: str
    paragraphs: tuple[str, ...]
    examples: tuple[str, ...]
    groups: tuple[OptionGroup, ...]
    commands: tuple[tuple[str, str], ...] = ()

    @property
    def usage(self) -> str:
        """How it is called, in one line."""
        inner = " COMMAND" if self.commands else ""
        return f"{self.path}{inner} [OPTIONS] {self.operands}"


def command_doc(command: click.Command) -> CommandDoc:
    """What there is to say about `command`; a group's commands are imported."""
    assert isinstance(command, WithExamples)
    is_group = isinstance(command, click.Group)
    summary, *paragraphs = _paragraphs(command.help)
    return CommandDoc(
        path=PROGRAM if is_group else f"{PROGRAM} {command.name}",
        operands="..." if is_group else " ".join(_operands(command)),
        summary=summary,
        brief=command.short_help or summary,
        paragraphs=tuple(paragraphs),
        examples=command.examples,
        groups=_groups(command),
        commands=tuple((name, child.short_help or "") for name, child in commands_of(command)),
    )


def commands_of(command: click.Command) -> list[tuple[str, click.Command]]:
    """Name and command of every command in a group, in the group's order."""
    if not isinstance(command, click.Group):
        return []
    context = click.Context(command)
    found = ((name, command.get_command(context, name)) for name in command.list_commands(context))
    return [(name, child) for name, child in found if child is not None]


def option_doc(option: Option) -> OptionDoc:
    """What there is to say about one option."""
    text = " ".join((option.help or "").split())
    stated = _DEFAULT.search(text)
    return OptionDoc(
        names=tuple(sorted(option.opts, key=lambda name: name.startswith("--"))),
        text=text[: stated.start()] if stated else text,
        negations=option.negations,
        metavar=_metavar(option),
        default=stated["default"] if stated else _shown_default(option),
    )


def _groups(command: click.Command) -> tuple[OptionGroup, ...]:
    options = [parameter for parameter in command.params if isinstance(parameter, Option)]
    groups = (
        (heading, tuple(option_doc(option) for option in options if option.heading is heading))
        for heading in Heading
    )
    return tuple(
        OptionGroup(heading.value, found, first=heading is Heading.FIRST)
        for heading, found in groups
        if found
    )


def _paragraphs(text: str | None) -> list[str]:
    parts = (" ".join(part.split()) for part in inspect.cleandoc(text or "").split("\n\n"))
    return [part for part in parts if part]


def _operands(command: click.Command) -> list[str]:
    arguments = [part for part in command.params if isinstance(part, click.Argument)]
    return [(argument.name or "").upper() for argument in arguments]


def _metavar(option: click.Option) -> str:
    if option.is_flag:
        return ""
    if option.metavar:
        return option.metavar
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return option.type.name.upper()


def _shown_default(option: click.Option) -> str:
    if not option.show_default:
        return ""
    if isinstance(option.show_default, str):
        return option.show_default
    if option.is_flag:
        return (option.opts if option.default else option.secondary_opts)[0]
    return str(option.default)

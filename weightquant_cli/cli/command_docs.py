"""What help, man pages and completions tell about a command, read off the click command.

One definition feeds all of them. click's own formatting is not used: it differs between the
versions that are supported, and generated files must not.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from dataclasses import dataclass

import click

from .options.groups import GROUPS, UNGROUPED, place_of

_DEFAULT = re.compile(r"\s*\[default: (?P<default>.*)\]$")
_EXAMPLES = "Examples:"


@dataclass(frozen=True)
class OptionDoc:
    """One option.

    Attributes:
        names: every spelling, short ones first.
        negations: the spellings that turn a flag off.
        metavar: what stands for the value; empty for a flag.
        text: one sentence.
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
    """Options under one heading."""

    heading: str
    options: tuple[OptionDoc, ...]


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
        if self.commands:
            return f"{self.path} COMMAND [OPTIONS] {self.operands}".rstrip()
        return f"{self.path} [OPTIONS] {self.operands}".rstrip()


HELP_OPTION = OptionDoc(("-h", "--help"), "Show this help and exit.")


def command_doc(command: click.Command, program: str = "weightquant") -> CommandDoc:
    """What there is to tell about `command`; a group's commands are imported."""
    paragraphs = _paragraphs(command.help)
    is_group = isinstance(command, click.Group)
    return CommandDoc(
        path=program if is_group else f"{program} {command.name}",
        operands="..." if is_group else " ".join(map(_operand, _arguments(command))),
        summary=paragraphs[0] if paragraphs else "",
        brief=few_words(command),
        paragraphs=paragraphs[1:],
        examples=_examples(command.epilog),
        groups=_groups(command),
        commands=tuple((name, few_words(child)) for name, child in commands_of(command)),
    )


def few_words(command: click.Command) -> str:
    """What a list of commands says about one; whole, where click would cut it."""
    if command.short_help:
        return " ".join(command.short_help.split())
    return next(iter(_paragraphs(command.help)), "")


def commands_of(command: click.Command) -> list[tuple[str, click.Command]]:
    """Name and command of every command in a group, in the group's order."""
    if not isinstance(command, click.Group):
        return []
    context = click.Context(command)
    found = ((name, command.get_command(context, name)) for name in command.list_commands(context))
    return [(name, child) for name, child in found if child is not None and not child.hidden]


def option_doc(option: click.Option) -> OptionDoc:
    """What there is to tell about one option."""
    text = " ".join((option.help or "").split())
    stated = _DEFAULT.search(text)
    if stated is None:
        return OptionDoc(
            _short_first(option.opts),
            text,
            tuple(option.secondary_opts),
            _metavar(option),
            _shown_default(option),
        )
    return OptionDoc(
        _short_first(option.opts),
        text[: stated.start()],
        tuple(option.secondary_opts),
        _metavar(option),
        stated["default"],
    )


def _groups(command: click.Command) -> tuple[OptionGroup, ...]:
    placed: dict[str, list[tuple[int, OptionDoc]]] = {}
    options = [
        option_doc(parameter)
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.hidden
    ]
    for option in (*options, HELP_OPTION):
        heading, place = place_of(command.name or "", option.long_name)
        placed.setdefault(heading, []).append((place, option))
    return tuple(
        OptionGroup(
            heading,
            tuple(option for _, option in sorted(placed[heading], key=lambda pair: pair[0])),
        )
        for heading in (*GROUPS, UNGROUPED)
        if heading in placed
    )


def _paragraphs(text: str | None) -> tuple[str, ...]:
    cleaned = inspect.cleandoc(text or "").partition("\f")[0]
    parts = (" ".join(part.split()) for part in cleaned.split("\n\n"))
    return tuple(part for part in parts if part)


def _examples(epilog: str | None) -> tuple[str, ...]:
    lines = [line.strip() for line in (epilog or "").replace("\b", "").splitlines()]
    return tuple(line for line in lines if line and line != _EXAMPLES)


def _arguments(command: click.Command) -> list[click.Argument]:
    return [parameter for parameter in command.params if isinstance(parameter, click.Argument)]


def _operand(argument: click.Argument) -> str:
    name = argument.metavar or (argument.name or "").upper()
    repeated = f"{name}..." if argument.nargs != 1 else name
    return repeated if argument.required else f"[{repeated}]"


def _short_first(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: name.startswith("--")))


def _metavar(option: click.Option) -> str:
    if option.is_flag or option.count:
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
        return (option.opts if option.default else option.secondary_opts or [""])[0]
    return str(option.default)

"""Completion for bash, zsh and fish: click's engine, with scripts of our own.

Written by hand because click's scripts (8.5.1) do not complete `--bits=au` in bash and fish, lose
`--bits=` in zsh, fail at the second tab in an autoloading zsh, and do not see what follows the
cursor, where MODEL_DIR often stands. Ours pass the whole line, before and after the cursor (fish
hides what is after it), and the words are found here for all three shells. `install` registers
them the way click documents.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    split_arg_string,
)

from .scripts import BASH, FISH, ZSH


@dataclass(frozen=True)
class CommandLine:
    """The whole line, for completions that need more than the word under the cursor.

    Attributes:
        before: the words before the one under the cursor, without the program.
        incomplete: the word under the cursor, up to the cursor.
        behind: the words after it.
    """

    before: tuple[str, ...]
    incomplete: str
    behind: tuple[str, ...]

    def words_after(self, command: str | None) -> list[str]:
        """The command's own words, as if the line were run now.

        An empty word counts, so that an option before it has a value.
        """
        words = [*self.before, self.incomplete or "?", *self.behind]
        return words[words.index(command) + 1 :] if command in words else words


class LineComplete(ShellComplete):
    """What the three shells have in common."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the one under it up to the cursor."""
        before = _words_to_cursor(os.environ.get("COMPLETE_BEFORE", ""))
        behind = split_arg_string(os.environ.get("COMPLETE_BEHIND", ""))
        *words, incomplete = before
        self.ctx_args["obj"] = CommandLine(tuple(words), incomplete, tuple(behind))
        return words, incomplete

    def complete(self) -> str:
        """The items that fit, one a line."""
        args, incomplete = self.get_completion_args()
        prefix = _option_prefix(args, incomplete)
        items = self.get_completions(args, incomplete)
        lines = (self.item_line(item, prefix, incomplete) for item in items)
        return "\n".join(line for line in lines if line.replace("\t", "").isprintable())

    def item_line(self, item: CompletionItem[Any], prefix: str, incomplete: str) -> str:
        """An item as the shell's script reads it; see `scripts`."""
        text = prefix if item.type != "plain" else f"{prefix}{item.value}"
        return "\t".join((item.type, text, " ".join((item.help or "").split())))


class BashComplete(LineComplete):
    """bash replaces from the last word break, such as `=` or `:`, and quotes nothing."""

    name = "bash"
    source_template = BASH

    def item_line(self, item: CompletionItem[Any], prefix: str, incomplete: str) -> str:
        """The part that bash inserts, quoted to fit the line."""
        if item.type != "plain":
            return item.type
        word = os.environ.get("COMPLETE_WORD", "")
        kept = len(incomplete) - len(word) if incomplete.endswith(word) else 0
        text = f"{prefix}{item.value}"[kept:]
        quote = _open_quote(os.environ.get("COMPLETE_BEFORE", ""))
        return f"plain\t{_quoted(text, quote)}"


class ZshComplete(LineComplete):
    """zsh replaces the whole word, and quotes what it inserts."""

    name = "zsh"
    source_template = ZSH


class FishComplete(LineComplete):
    """fish replaces the whole word, and quotes what it inserts."""

    name = "fish"
    source_template = FISH


def install() -> None:
    """Let click complete by these classes."""
    for shell in (BashComplete, ZshComplete, FishComplete):
        add_completion_class(shell)


# File names under completions/, each with the class whose script it is.
SCRIPTS = {
    "weightquant.bash": BashComplete,
    "_weightquant": ZshComplete,
    "weightquant.fish": FishComplete,
}

# Marks the cursor, so that an empty last word counts.
_CURSOR = "\x1f"

_SPECIAL_IN_QUOTES = frozenset('"$\\`')
_SPECIAL_TO_A_SHELL = frozenset(" !\"#$&'()*;<>?[\\]^`{|}~")


def _words_to_cursor(line: str) -> list[str]:
    """The words after the program; the last is the one under the cursor, possibly empty."""
    words = split_arg_string(line + _CURSOR)
    words[-1] = words[-1].removesuffix(_CURSOR)
    while len(words) > 1 and "=" in words[0]:  # NO_COLOR=1 weightquant ...
        del words[0]
    return words[1:] or [""]


def _option_prefix(args: list[str], incomplete: str) -> str:
    """``--report=`` of ``--report=out``; click completes only the value."""
    name, equals, _ = incomplete.partition("=")
    return name + equals if equals and name.startswith("--") and "--" not in args else ""


def _open_quote(line: str) -> str:
    """The quotation mark that is open at the end of the line; empty where none is."""
    quote = ""
    escaped = False
    for character in line:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
    return quote


def _quoted(text: str, quote: str) -> str:
    """Text quoted for a shell's line, inside that quotation or outside of any."""
    if quote == "'":
        return text.replace("'", r"'\''")
    special = _SPECIAL_IN_QUOTES if quote else _SPECIAL_TO_A_SHELL
    return "".join(f"\\{char}" if char in special else char for char in text)

"""Completion for bash, zsh and fish: click's engine, with scripts of our own.

click's scripts lose `--exclude=na` (bash, zsh), names with a colon (bash), every second tab (zsh,
where the script is autoloaded) and all that stands behind the cursor, MODEL_DIR often among it. So
ours pass the line as it is, before and behind the cursor, and the words are found here, alike for
the three shells; fish alone does not let a completion see what is behind the cursor. They take the
place of click's classes by `install`, the way click documents.

What a script gets back, one item a line: `KIND<TAB>TEXT<TAB>HELP`, where KIND is plain, dir or
file. A plain TEXT replaces the word from where the shell lets us replace it; dir and file ask for
the shell's own completion, and TEXT is the part of the word before the path (`--report=`).
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

VARIABLE = "_WEIGHTQUANT_COMPLETE"

_ORIGIN = "# Made by `python -m weightquant_cli.cli.docs`; not to be edited."

_BASH = (
    _ORIGIN
    + r"""
%(complete_func)s() {
    local kind text
    COMPREPLY=()
    while IFS=$'\t' read -r kind text _; do
        case $kind in
            plain)
                COMPREPLY+=("$text")
                [[ $text == *= ]] && compopt -o nospace
                ;;
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
        esac
    done < <(
        COMPLETE_BEFORE=${COMP_LINE:0:COMP_POINT} COMPLETE_BEHIND=${COMP_LINE:COMP_POINT} \
            COMPLETE_WORD=$2 %(complete_var)s=bash_complete "${1/#\~/$HOME}" 2>/dev/null
    )
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""
)

_ZSH = (
    "#compdef %(prog_name)s\n"
    + _ORIGIN
    + r"""
%(complete_func)s() {
    local before="${(j: :)words[1,CURRENT-1]} $IPREFIX$QIPREFIX$PREFIX"
    local behind="${(j: :)words[CURRENT+1,-1]}"
    local line entry
    local -a parts plain unfinished
    for line in "${(@f)$(COMPLETE_BEFORE=$before COMPLETE_BEHIND=$behind \
        %(complete_var)s=zsh_complete ${~words[1]} 2>/dev/null)}"; do
        parts=("${(@ps:\t:)line}")
        case $parts[1] in
            plain)
                entry="${parts[2]//:/\\:}${parts[3]:+:$parts[3]}"
                if [[ $parts[2] == *= ]]; then unfinished+=("$entry"); else plain+=("$entry"); fi
                ;;
            dir) compset -p ${#parts[2]}; _path_files -/ ;;
            file) compset -p ${#parts[2]}; _path_files ;;
        esac
    done
    (( $#plain )) && _describe -V '%(prog_name)s' plain
    (( $#unfinished )) && _describe -V '%(prog_name)s' unfinished -S ''
}

if [[ $funcstack[1] == _%(prog_name)s ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""
)

_FISH = (
    _ORIGIN
    + r"""
function %(complete_func)s
    set -l program (commandline -opc | string match -v -r '^\w+=')[1]
    set -lx COMPLETE_BEFORE (commandline -cp | string collect)
    set -lx %(complete_var)s fish_complete
    for item in ($program 2>/dev/null)
        set -l parts (string split \t -- $item)
        set -l word (string sub -s (math (string length -- "$parts[2]") + 1) -- (commandline -ct))
        switch $parts[1]
            case plain
                echo $parts[2]\t$parts[3]
            case dir
                string replace -r -- '^' $parts[2] (__fish_complete_directories "$word" '')
            case file
                string replace -r -- '^' $parts[2] (__fish_complete_path "$word")
        end
    end
end

complete --command %(prog_name)s --no-files --arguments '(%(complete_func)s)'
"""
)


@dataclass(frozen=True)
class CommandLine:
    """The line as it stands, for completions that need more than the word under the cursor.

    Attributes:
        before: the words before that under the cursor, without the program.
        incomplete: the word under the cursor, up to the cursor.
        behind: the words behind it.
    """

    before: tuple[str, ...]
    incomplete: str
    behind: tuple[str, ...]

    def words_after(self, command: str | None) -> list[str]:
        """The command's own words, as they would be if the line were run now.

        A word that is not begun is taken for one, so that an option before it has its value.
        """
        words = [*self.before, self.incomplete or "?", *self.behind]
        return words[words.index(command) + 1 :] if command in words else words


class LineComplete(ShellComplete):
    """What the three shells have in common."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the cursor, and the one under it as far as it goes."""
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
        """An item as the shell's script reads it; see the top of the file."""
        text = prefix if item.type != "plain" else f"{prefix}{item.value}"
        return "\t".join((item.type, text, " ".join((item.help or "").split())))


class BashComplete(LineComplete):
    """bash replaces from its last word break on, such as `=` and `:`, and quotes nothing."""

    name = "bash"
    source_template = _BASH

    def item_line(self, item: CompletionItem[Any], prefix: str, incomplete: str) -> str:
        """The part that bash is to insert, quoted as the line goes on."""
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
    source_template = _ZSH


class FishComplete(LineComplete):
    """fish replaces the whole word, and quotes what it inserts."""

    name = "fish"
    source_template = _FISH


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

# What turns completion on in a running shell, wherever the program is installed.
COMPLETION_LINES = {
    "bash": f'eval "$({VARIABLE}=bash_source weightquant)"',
    "zsh": f'eval "$({VARIABLE}=zsh_source weightquant)"',
    "fish": f"{VARIABLE}=fish_source weightquant | source",
}

# Ends the text up to the cursor, so that a word not yet begun is one too.
_CURSOR = "\x1f"

_SPECIAL_IN_QUOTES = frozenset('"$\\`')
_SPECIAL_TO_A_SHELL = frozenset(" !\"#$&'()*;<>?[\\]^`{|}~")


def _words_to_cursor(line: str) -> list[str]:
    """The words after the program; the last is the one under the cursor, maybe empty."""
    words = split_arg_string(line + _CURSOR)
    words[-1] = words[-1].removesuffix(_CURSOR)
    while len(words) > 1 and "=" in words[0]:  # NO_COLOR=1 weightquant ...
        del words[0]
    return words[1:] or [""]


def _option_prefix(args: list[str], incomplete: str) -> str:
    """``--report=`` of ``--report=out``: click completes the value only."""
    name, equals, _ = incomplete.partition("=")
    return name + equals if equals and name.startswith("--") and "--" not in args else ""


def _open_quote(line: str) -> str:
    """The quotation mark inside which the line ends; empty where it ends outside of any."""
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
    """Text as it goes on in a shell's line, inside that quotation or outside of any."""
    if quote == "'":
        return text.replace("'", r"'\''")
    special = _SPECIAL_IN_QUOTES if quote else _SPECIAL_TO_A_SHELL
    return "".join(f"\\{char}" if char in special else char for char in text)

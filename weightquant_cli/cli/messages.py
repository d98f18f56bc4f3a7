"""Error lines for the user: "did you mean ...?" for options, commands and files.

click's wording differs between versions, and it knows nothing of files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from ..errors import (
    MissingParameterError,
    ModelNotFoundError,
    OptionError,
    WeightQuantError,
)

# Errors whose path is a file that the user named.
_NAMED_BY_THE_USER = (ModelNotFoundError, MissingParameterError, OptionError)

# What people try first.
_OTHER_WORDS = {
    "help": "--help",
    "version": "--version",
    **dict.fromkeys(("dequantize", "check", "verify", "compare"), "dequantize-check"),
    **dict.fromkeys(("convert", "export", "opt", "nb"), "export-opt"),
    **dict.fromkeys(("info", "show", "list"), "inspect"),
    **dict.fromkeys(("compress", "quant"), "quantize"),
}

# What people name OUTPUT_DIR by.
_OUTPUT_OPTIONS = ("-o", "--out", "--output", "--output-dir", "--save-dir")

# A folder with more files is not searched for a similar name.
MAX_FILES = 5000


def usage_message(error: click.ClickException) -> str:
    """One line for a wrong option, argument or command, and where to read on."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    message = " ".join(error.format_message().split()).rstrip(".")
    if isinstance(error, click.NoSuchOption):
        message = _no_such_option(error)
    path = "weightquant" if context is None else context.command_path
    return f"{message}{' See' if message.endswith('?') else '; see'} `{path} --help`"


def no_such_command(name: str, names: Iterable[str]) -> str:
    """What to say where the program has no such command."""
    similar = _OTHER_WORDS.get(name) or most_similar(name, names)
    remedy = f"did you mean {similar}?" if similar else f"the commands are {', '.join(names)}"
    return f"No such command {name!r}; {remedy}"


def with_similar_file(error: WeightQuantError) -> WeightQuantError:
    """The error; where its file does not exist, a similar one becomes its remedy."""
    if isinstance(error, _NAMED_BY_THE_USER) and error.path is not None:
        similar = similar_file(Path(error.path))
        if similar is not None:
            error.remedy = f"did you mean {similar}?"
    return error


def most_similar(word: str, words: Iterable[str]) -> str | None:
    """The word most similar to `word`, or None where none is."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(words), n=1)), None)


def similar_file(path: Path) -> Path | None:
    """The existing file or folder whose name is most similar; None where `path` itself exists."""
    try:
        missing = next(
            (part for part in (*reversed(path.parents), path) if not part.exists()), None
        )
        if missing is None:
            return None
        names = os.listdir(missing.parent)
    except (OSError, ValueError):
        return None
    similar = most_similar(missing.name, names) if len(names) <= MAX_FILES else None
    if similar is None:
        return None
    found = missing.with_name(similar)
    whole = found / path.relative_to(missing)
    return whole if whole.exists() else found


def _no_such_option(error: click.NoSuchOption) -> str:
    """The option, and the nearest one; or where the same one is known."""
    name = error.option_name
    what = f"No such option {name}"
    if error.ctx is None:
        return what
    command, root = error.ctx.command, error.ctx.find_root()
    if command.name == "quantize" and name in _OUTPUT_OPTIONS:
        return f"{what}; the output folder is the second argument"
    elsewhere = [other for other in _commands(root) if name in _spellings(other)]
    if elsewhere and error.ctx is root:
        return f"{what} before a command; write `{root.command_path} {elsewhere[0].name} {name}`"
    if elsewhere:
        names = " and ".join(str(other.name) for other in elsewhere)
        return f"{what}; it is one of {names}"
    similar = most_similar(name, _spellings(command))
    return f"{what}; did you mean {similar}?" if similar else what


def _commands(root: click.Context) -> list[click.Command]:
    if not isinstance(root.command, click.Group):
        return []
    found = (root.command.get_command(root, name) for name in root.command.list_commands(root))
    return [command for command in found if command is not None]


def _spellings(command: click.Command) -> list[str]:
    names = (name for one in command.params for name in (*one.opts, *one.secondary_opts))
    return [name for name in names if name.startswith("-")]

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
    parameters = [] if error.ctx is None else error.ctx.command.params
    names = [
        name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)
    ]
    similar = most_similar(error.option_name, [name for name in names if name.startswith("-")])
    what = f"No such option {error.option_name}"
    return f"{what}; did you mean {similar}?" if similar else what

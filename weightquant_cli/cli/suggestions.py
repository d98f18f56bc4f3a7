""" "Did you mean ...?" for options, commands and files, in words of our own.

click's differ from version to version, and it knows nothing of files.
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

# A folder with more files is not searched for a similar name.
MAX_FILES = 5000


def near(word: str, words: Iterable[str]) -> str | None:
    """The word most similar to `word`, or None where none is."""
    import difflib

    return next(iter(difflib.get_close_matches(word, list(words), n=1)), None)


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
    meant = near(name, names)
    remedy = f"did you mean {meant}?" if meant else f"there are {', '.join(names)}"
    return f"No such command {name!r}; {remedy}"


def with_near_file(error: WeightQuantError) -> WeightQuantError:
    """The error, with a similar file or folder as its remedy where its own does not exist."""
    if isinstance(error, _NAMED_BY_THE_USER) and error.path is not None:
        meant = near_file(Path(error.path))
        if meant is not None:
            error.remedy = f"did you mean {meant}?"
    return error


def near_file(path: Path) -> Path | None:
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
    meant = near(missing.name, names) if len(names) <= MAX_FILES else None
    if meant is None:
        return None
    found = missing.with_name(meant)
    whole = found / path.relative_to(missing)
    return whole if whole.exists() else found


def _no_such_option(error: click.NoSuchOption) -> str:
    parameters = [] if error.ctx is None else error.ctx.command.params
    names = [
        name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)
    ]
    meant = near(error.option_name, [name for name in names if name.startswith("-")])
    told = f"No such option {error.option_name}"
    return f"{told}; did you mean {meant}?" if meant else told

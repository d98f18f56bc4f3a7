"""Names for completion, from the model on the same command line.

Only headers are read. A model that is missing, damaged or hostile gives no names and no error
message. Nothing heavy is imported before a completion asks for it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ...core.model.model import Model

FOLDER_ARGUMENTS = ("model_dir", "quantized_dir")


def complete_weight(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The weights that can be quantized, each with its operator and shape."""
    return [item for item in _weights(context) if item.value.startswith(incomplete)]


def complete_file(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The files in the model's folder."""
    from click.shell_completion import CompletionItem

    folder = _folder(_values(context))
    try:
        with os.scandir(folder or "") as entries:
            names = sorted(entry.name for entry in entries if _is_file(entry))
    except OSError:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def _is_file(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link to itself
        return False


def _weights(context: click.Context) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from ...core.lite.carried import carried_readers
    from ...core.lite.targets import target_readers
    from ..output import units

    try:
        model = _model(_values(context))
    except Exception:  # the tab key is no place for error messages
        return []
    if model is None:
        return []
    items = []
    for weight in model.weights:
        known = [reader for reader, _ in target_readers(weight)] + carried_readers(weight)
        if known:
            about = f"{known[0].operator.type} {units.shape(weight.record.shape)}"
            items.append(CompletionItem(weight.name, help=about))
    return items


def _model(values: dict[str, Any]) -> Model | None:
    from ...core.model.model import Model

    folder = _folder(values)
    if folder is None:
        return None
    return Model.load(folder, values.get("model_filename"), values.get("params_filename"))


def _values(context: click.Context) -> dict[str, Any]:
    """The command's parameters on the whole line, also after the cursor."""
    from .completion import CommandLine

    line = context.obj
    if not isinstance(line, CommandLine):
        return context.params
    words = line.words_after(context.info_name)
    return context.command.make_context(context.info_name, words, resilient_parsing=True).params


def _folder(values: dict[str, Any]) -> Path | None:
    """The model's folder, with `~` and variables expanded as the shell would."""
    for name in FOLDER_ARGUMENTS:
        if isinstance(values.get(name), (str, Path)):
            return Path(os.path.expandvars(os.path.expanduser(values[name])))
    return None

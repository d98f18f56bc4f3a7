"""What a folder without a model holds in its place, and what to do about it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ..errors import ModelError, ModelNotFoundError, listed
from .file_names import COMBINED_SUFFIX, find_program, not_found
from .files.input_folder import InputFolder
from .other_files import instead

MAX_FOLDERS = 200
"""Folders below that are looked into."""


def no_model(folder: Path, names: Collection[str]) -> ModelNotFoundError:
    """The error for a folder without a program: what it has in its place.

    Args:
        folder: where one looked.
        names: of everything in it.
    """
    below = _models_below(folder, names)
    if below:
        return ModelNotFoundError(
            f"no model here, but {len(below)} below: {listed(below)}",
            path=folder,
            remedy=f"give one of these folders, such as {folder / below[0]}",
        )
    found = instead(names)
    if found:
        what, remedy = found
        return ModelNotFoundError(f"no model in the folder: {what}", path=folder, remedy=remedy)
    alone = sorted(name for name in names if name.endswith(COMBINED_SUFFIX))
    if alone:
        program = alone[0].removesuffix(COMBINED_SUFFIX)
        return ModelNotFoundError(
            f"the program that belongs to {alone[0]} is missing: {program}.pdmodel or .json",
            path=folder,
            remedy="copy it into the folder, or name it with `model_filename`",
        )
    return not_found(folder)


def _models_below(folder: Path, names: Collection[str]) -> list[str]:
    """The folders right below that hold a program, by its name."""
    found = []
    for name in sorted(names)[:MAX_FOLDERS]:
        try:
            opened = InputFolder.open(folder / name)
            program = find_program(folder / name, opened.names())
        except (ModelError, OSError, ValueError):  # no folder, or none with one model
            continue
        if not opened.is_folder(program):
            found.append(name)
    return found

"""The names that Paddle gives to a model's files, and which of a folder's files they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ..errors import AmbiguousModelError, ModelError, ModelNotFoundError, OptionError, listed
from .program import pir_error

PROGRAM_NAMES = ("__model__", "model")
COMBINED_NAMES = ("__params__", "params", "weights")
PROGRAM_SUFFIX = ".pdmodel"
COMBINED_SUFFIX = ".pdiparams"
PIR_SUFFIX = ".json"


def find_program(folder: Path, names: Collection[str]) -> str:
    """Which of a folder's files is the program, by its name.

    Raises:
        AmbiguousModelError: several could be.
        ModelNotFoundError: none is.
        UnsupportedModelError: there is only a Paddle 3 `.json` program.
    """
    candidates = [name for name in PROGRAM_NAMES if name in names]
    candidates += sorted(name for name in names if name.endswith(PROGRAM_SUFFIX))
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise AmbiguousModelError(
            f"{len(candidates)} files could be the program: {listed(candidates)}",
            path=folder,
            remedy="choose one with `model_filename` (and `params_filename`)",
        )
    programs_in_json = sorted(name for name in names if name.endswith(PIR_SUFFIX))
    if programs_in_json:
        raise pir_error(folder / programs_in_json[0])
    raise ModelNotFoundError(
        "no model in the folder: no __model__, model or *.pdmodel",
        path=folder,
        remedy="name the program with `model_filename`",
    )


def find_combined(folder: Path, names: Collection[str], program: str) -> str | None:
    """Which of a folder's files holds all parameters, by its name; None where none does.

    Raises:
        AmbiguousModelError: several could.
    """
    if program.endswith(PROGRAM_SUFFIX):
        twin = program.removesuffix(PROGRAM_SUFFIX) + COMBINED_SUFFIX
        if twin in names:
            return twin
    candidates = [name for name in COMBINED_NAMES if name in names]
    if not candidates:
        candidates = sorted(name for name in names if name.endswith(COMBINED_SUFFIX))
    if len(candidates) > 1:
        raise AmbiguousModelError(
            f"{len(candidates)} files could hold the parameters: {listed(candidates)}",
            path=folder,
            remedy="choose one with `params_filename`",
        )
    return candidates[0] if candidates else None


def require_plain_name(field: str, name: str | None) -> None:
    """Refuse a file name that is a path or cannot be a name; `field` is what holds it."""
    if name is not None and (not name or name in (".", "..") or "/" in name or "\0" in name):
        raise OptionError(
            f"`{field}` is the name of a file inside the folder, not a path", found=repr(name)
        )


def refuse_unreadable_names(program: str, params: str | None, parameters: Sequence[str]) -> None:
    """Refuse names under which no command would find the model again, even with both given.

    Args:
        program: the program's file name.
        params: the name of one file for all parameters, or None for one file per parameter.
        parameters: the parameters' names.

    Raises:
        OptionError: the program would be taken for something else, or a file for all parameters.
    """
    if program.endswith(PIR_SUFFIX):
        raise OptionError(
            "a file of this name is read as a program of Paddle 3",
            option="program",
            found=repr(program),
            remedy="choose another name, such as __model__",
        )
    if params is not None:
        return
    files = {program, *(name.partition("/")[0] for name in parameters)}
    try:
        guessed = find_combined(Path(), files, program)
    except ModelError:
        guessed = program
    if guessed is not None and guessed not in parameters:
        raise OptionError(
            "with one file per parameter, a file of this name would be read as the one for all",
            option="program",
            found=repr(guessed),
            remedy="choose another name, or one file for all parameters with `params`",
        )

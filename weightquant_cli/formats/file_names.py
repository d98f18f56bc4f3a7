"""The names that Paddle gives to a model's files, and which of a folder's files they are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from ..errors import AmbiguousModelError, ModelError, ModelNotFoundError, OptionError, listed

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
    with_parameters = programs_in_json(names)
    if len(with_parameters) == 1:
        return with_parameters[0]
    if with_parameters:
        raise AmbiguousModelError(
            f"{len(with_parameters)} files could be the program: {listed(with_parameters)}",
            path=folder,
            remedy="choose one with `model_filename`",
        )
    raise not_found(folder)


def programs_in_json(names: Collection[str]) -> list[str]:
    """Which of a folder's files are programs of Paddle 3: those with their parameters beside."""
    in_json = [name for name in names if name.endswith(PIR_SUFFIX)]
    return sorted(name for name in in_json if (twin(name) or "") in names)


def passed_over(program: str, asked: str, names: Collection[str]) -> tuple[str, ...]:
    """The programs of Paddle 3 that a user may have meant, who has asked for the folder or for a
    path prefix of this name."""
    found = [name for name in programs_in_json(names) if name != program]
    if program == asked:
        return ()
    if program.startswith(f"{asked}."):
        return tuple(name for name in found if name == asked + PIR_SUFFIX)
    return tuple(found)


def not_found(folder: Path) -> ModelNotFoundError:
    """The error for a folder in which nothing has a program's name."""
    return ModelNotFoundError(
        "no model in the folder: no __model__, model, *.pdmodel, or *.json with its *.pdiparams",
        path=folder,
        remedy="name the program with `model_filename`",
    )


def find_combined(folder: Path, names: Collection[str], program: str) -> str | None:
    """Which of a folder's files holds all parameters, by its name; None where none does.

    Raises:
        AmbiguousModelError: several could.
    """
    usual = twin(program)
    if usual in names:
        return usual
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


def twin(program: str) -> str | None:
    """The parameter file that Paddle writes beside a program of this name, or None."""
    for suffix in (PROGRAM_SUFFIX, PIR_SUFFIX):
        if program.endswith(suffix):
            return program.removesuffix(suffix) + COMBINED_SUFFIX
    return None


def translated_name(program: str) -> str:
    """The name under which a program is written: a Paddle 3 `.json` becomes a `.pdmodel`."""
    if program.endswith(PIR_SUFFIX):
        return program.removesuffix(PIR_SUFFIX) + PROGRAM_SUFFIX
    return program


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
            "a file of this name is read as a program of Paddle 3 in JSON",
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

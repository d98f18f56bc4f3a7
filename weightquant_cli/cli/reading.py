"""Reads the model of a command, and says with `-v` what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import listed
from .console import Console
from .options.shared import ModelArguments

if TYPE_CHECKING:
    from ..core.model.model import Model


def load_model(
    console: Console, arguments: ModelArguments, folder: Path, unknown_operators: bool = False
) -> Model:
    """The model in the command's folder; ModelError where it is invalid.

    With `unknown_operators`, one of Paddle 3 may hold operations that cannot be translated.
    """
    names = (arguments.model_filename, arguments.params_filename)
    return load_named(console, folder, *names, unknown_operators)


def load_named(
    console: Console,
    folder: Path,
    program: str | None,
    params: str | None,
    unknown_operators: bool = False,
    option: str = "--model-filename",
) -> Model:
    """The model in a folder, with its files named where looking is ambiguous.

    `option` is the one that names the program.
    """
    from ..core.model.model import Model
    from .output import units

    model = Model.load(folder, program, params, unknown_operators)
    stored = model.stored
    if model.files.passed_over:
        others = listed(model.files.passed_over, 3)
        console.notices(
            [
                f"{folder}: took {model.files.program}; also found {others} (Paddle 3): "
                f"name it with {option} to take it"
            ]
        )
    console.detail(
        f"{folder}: {model.files.program}, {units.size(stored.program_size)}; "
        f"{model.files.params or units.count(len(stored.parameters), 'parameter file')}, "
        f"{units.size(stored.parameters.size)}; {units.count(len(model.weights), 'weight')}"
    )
    return model

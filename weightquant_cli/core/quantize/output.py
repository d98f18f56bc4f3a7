"""Where and how a result is written: folder, file names, what to do with an existing one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ...errors import ModelError, OptionError, OutputError
from ...formats.files.atomic_folder import Existing, refuse_overlap
from ...formats.model_dir import (
    ModelFiles,
    StoredModel,
    looks_like_model,
    require_plain_name,
)
from ...formats.model_writer import Layout, refuse_name_collisions


@dataclass(frozen=True)
class OutputOptions:
    """How a model is written.

    Attributes:
        folder: the output folder.
        program: the program's file name; None keeps the input's.
        params: the name of one file for all parameters; None keeps the input's layout and name.
        separate: one file per parameter, whatever the input's layout.
        existing: what to do where the folder exists and is not empty.
        strip_callstack: drop the exporter's stack traces from the program.

    Raises:
        OptionError: `params` together with `separate`, or a name that is a path.
    """

    folder: Path
    program: str | None = None
    params: str | None = None
    separate: bool = False
    existing: Existing = Existing.REFUSE
    strip_callstack: bool = True

    def __post_init__(self) -> None:
        require_plain_name("--save-model-filename", self.program)
        require_plain_name("--save-params-filename", self.params)
        if self.separate and self.params is not None:
            raise OptionError("--save-params-filename and --separate-params contradict each other")

    def layout(self, source: ModelFiles) -> Layout:
        """The output's file names for this input."""
        params = None if self.separate else self.params or source.params
        return Layout(self.program or source.program, params)

    def validate(self, model: StoredModel) -> Layout:
        """The layout, once the folder and the names have been found to fit the input.

        Raises:
            OptionError: the folders overlap, two files would have the same name, or SELECTED_ROWS
                would lie beside a combined file.
            OutputError: the folder is to be replaced and does not hold a model.
        """
        refuse_overlap(model.files.folder, self.folder)
        layout = self.layout(model.files)
        if layout.params is not None and model.carried:
            raise OptionError(
                "a model with SELECTED_ROWS cannot have one file for all parameters",
                tensor=model.carried[0],
                remedy="leave out --save-params-filename",
            )
        refuse_name_collisions(layout, [*model.parameters, *model.carried])
        self._refuse_foreign_folder(layout)
        return layout

    def _refuse_foreign_folder(self, layout: Layout) -> None:
        """`--force` replaces models, never somebody's home folder."""
        if self.existing is not Existing.REPLACE or not os.path.isdir(self.folder):
            return
        try:
            foreign = any(self.folder.iterdir()) and not looks_like_model(
                self.folder, layout.program
            )
        except (OSError, ModelError) as error:
            raise OutputError(
                f"cannot look into the output folder: {error}", path=self.folder
            ) from error
        if foreign:
            raise OutputError(
                "the output folder exists and does not hold a model",
                path=self.folder,
                remedy="--force replaces models only; choose another folder",
            )

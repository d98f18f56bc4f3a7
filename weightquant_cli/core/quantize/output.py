"""Where and how a result is written: folder, file names, what to do with an existing one."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import OptionError, OutputError
from ...formats.file_names import refuse_unreadable_names, require_plain_name, translated_name
from ...formats.files.atomic_folder import ATTEMPTS, Existing, new_folder
from ...formats.files.digests import FileDigest
from ...formats.files.folder import Folder, Identity, identity
from ...formats.files.old_folder import list_contents
from ...formats.files.outputs import refuse_overlap
from ...formats.files.writing import write_error
from ...formats.model_dir import ModelFiles, StoredModel
from ...formats.model_writer import Layout, ModelWriter, NewRecord, refuse_name_collisions
from ...formats.program import Program
from ..lite.tags import BITS_ATTRIBUTE, SCALE_SUFFIX

if TYPE_CHECKING:
    from ...formats.own_files import OwnFiles

# Every operator of a program that opt has written has it.
_KERNEL_ATTRIBUTE = "__@kernel_type_attr@__"

# New files are no more open to others than the model's own; their owner may always write them.
_OWNER = 0o600


@dataclass(frozen=True)
class OutputOptions:
    """How a model is written.

    Attributes:
        folder: the output folder.
        program: the program's file name; None keeps the input's.
        params: the name of one file for all parameters; None keeps the input's layout and name.
        separate: one file per parameter, regardless of the input's layout.
        existing: what to do where the folder exists and is not empty.
        strip_callstack: drop the exporter's stack traces from the program.
        digests: take SHA-256 of every file read and written, before the folder is put in place.

    Raises:
        OptionError: `params` together with `separate`, or a name that is a path.
    """

    folder: Path
    program: str | None = None
    params: str | None = None
    separate: bool = False
    existing: Existing = Existing.REFUSE
    strip_callstack: bool = True
    digests: bool = False

    def __post_init__(self) -> None:
        require_plain_name("program", self.program)
        require_plain_name("params", self.params)
        if self.separate and self.params is not None:
            raise OptionError("`params` and `separate` contradict each other")

    def layout(self, source: ModelFiles) -> Layout:
        """The output's file names for this input."""
        params = None if self.separate else self.params or source.params
        return Layout(self.program or translated_name(source.program), params)

    def validate(self, model: StoredModel) -> Layout:
        """The layout, once the folder and the names have been found to fit the input.

        Args:
            model: the input.

        Raises:
            OptionError: the folders overlap, two files would have the same name, no command could
                find the files again, or SELECTED_ROWS would lie beside a combined file.
            OutputError: the folder is to be replaced, and holds what weightquant did not write.
        """
        refuse_overlap(model.files.folder, self.folder)
        layout = self.layout(model.files)
        if layout.params is not None and model.carried:
            raise OptionError(
                "a model with SELECTED_ROWS cannot have one file for all parameters",
                tensor=model.carried[0],
                remedy="leave out `params`",
            )
        names = [*model.parameters, *model.carried]
        refuse_name_collisions(layout, names)
        refuse_unreadable_names(layout.program, layout.params, names)
        if self.existing is Existing.REPLACE:
            self._inspect_existing(_own_files())
        return layout

    def _inspect_existing(self, own_files: OwnFiles) -> None:
        """Look at what is to be replaced; again where another run has replaced it meanwhile."""
        for attempt in range(ATTEMPTS):
            try:
                with Folder.open(self.folder) as folder:
                    own_files.inspect(folder)
                return
            except OutputError:
                # The folder of another run disappears while it is looked at.
                if attempt == ATTEMPTS - 1 or _names(self.folder, folder.identity):
                    raise
            except (FileNotFoundError, NotADirectoryError):
                return  # nothing to replace, or what `new_folder` refuses
            except OSError as error:
                raise write_error(error, self.folder) from error


@dataclass(repr=False, eq=False)
class Written:
    """What came of writing a model.

    Attributes:
        notices: what the user should know: a line each.
        inputs, outputs: digests of the files read and written, where they were asked for.
    """

    notices: tuple[str, ...] = ()
    inputs: tuple[FileDigest, ...] = ()
    outputs: tuple[FileDigest, ...] = ()


@contextmanager
def written_model(
    model: StoredModel,
    output: OutputOptions,
    layout: Layout,
    records: Sequence[NewRecord],
) -> Iterator[tuple[ModelWriter, Written]]:
    """Yield a writer for the output folder, which appears when the block ends without error.

    The input is looked at once more before that: it must not have changed.

    Args:
        model: what is read.
        output: where to.
        layout: the output's file names, as `OutputOptions.validate` gave them.
        records: every parameter, in byte order of the names.

    Yields:
        The writer, and what came of it once the block has ended.

    Raises:
        ModelError: the input changed while it was read.
        OutputError: the folder exists, or cannot be written.
    """
    own_files = _own_files() if output.existing is Existing.REPLACE else None
    inspect = list_contents if own_files is None else own_files.inspect
    written = Written()
    mode = _OWNER | 0o066 & model.folder.mode
    with new_folder(output.folder, output.existing, inspect, mode) as files:
        writer = ModelWriter(files, layout, records)
        yield writer, written
        if output.digests:
            written.inputs = model.digests()
            written.outputs = files.digests(writer.file_names)
        model.verify_unchanged()
    if own_files is not None and own_files.extras:
        files.notices.append(f"replaced with the model: {', '.join(own_files.extras)}")
    written.notices = tuple(files.notices)


def _own_files() -> OwnFiles:
    from ...formats.own_files import OwnFiles  # only where something may be replaced

    return OwnFiles(is_quantized_program)


def _names(path: Path, wanted: Identity) -> bool:
    """Whether the path names the folder of this identity now."""
    try:
        return identity(os.stat(path)) == wanted
    except OSError:
        return False


def is_quantized_program(program: Program, nested: bool) -> bool:
    """Whether a program is one that quantizing or opt has made: never an FP32 original."""
    return any(
        name.endswith(SCALE_SUFFIX) or name in (BITS_ATTRIBUTE, _KERNEL_ATTRIBUTE)
        for _, _, operator in program.operators()
        for name in operator.attribute_names()
    )

"""Find and open a model folder in every layout that Paddle has written.

__model__ + one file per parameter                                  (Paddle 1.x, separate)
__model__ or model + one of __params__, params, weights             (Paddle 1.x, combined)
NAME.pdmodel + NAME.pdiparams                                       (Paddle 2.x)
NAME.json + NAME.pdiparams                                          (Paddle 3, translated: pir/)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import (
    ModelNotFoundError,
    ParameterError,
    ProgramError,
    UnsupportedModelError,
    listed,
)
from .file_names import (
    COMBINED_NAMES,
    PIR_SUFFIX,
    PROGRAM_NAMES,
    find_combined,
    find_program,
    passed_over,
    require_plain_name,
)
from .files.digests import FileDigest
from .files.input_files import InputFile, InputFiles
from .model_source import list_names, locate, open_source
from .params import (
    Parameters,
    read_combined,
    read_separate,
    require_file_name,
)
from .program import MAX_PROGRAM_BYTES, Program, VariableKind
from .validation import MAX_JSON_BYTES

# Enough to tell a program from parameters without reading a file of gigabytes.
PEEK_BYTES = 16


@dataclass(frozen=True)
class ModelFiles:
    """Which files of a folder are the model.

    Attributes:
        folder: the model's folder, or the tar that it is in.
        program: the program's file name.
        params: the combined parameter file's name, or None for one file per parameter.
        params_guessed: whether `params` was found by looking rather than named.
        passed_over: programs of Paddle 3 beside the one that was found by looking.
        opened: the folder that was looked at, or None to open it when the model is read.
    """

    folder: Path
    program: str
    params: str | None
    params_guessed: bool = field(default=False, compare=False)
    passed_over: tuple[str, ...] = field(default=(), compare=False)
    opened: InputFiles | None = field(default=None, compare=False, repr=False)

    @property
    def layout(self) -> str:
        """``separate`` or ``combined``."""
        return "separate" if self.params is None else "combined"


@dataclass(frozen=True, eq=False, repr=False)
class StoredModel:
    """An opened model: its program in memory, the headers of its parameters, data on disk.

    Attributes:
        files: where it was found.
        folder: the open folder.
        program: the parsed program; not to be edited, `Program.copy` is.
        program_size: bytes of the program's file.
        parameters: every parameter's record.
        carried: names of variables with a separate file that is not a tensor record
            (SELECTED_ROWS): copied as they are.
    """

    files: ModelFiles
    folder: InputFiles
    program: Program
    program_size: int
    parameters: Parameters
    carried: tuple[str, ...]

    @property
    def size(self) -> int:
        """Bytes of program and parameters together."""
        return self.program_size + self.parameters.size + self.carried_size

    @property
    def carried_size(self) -> int:
        """Bytes of the files that are carried along."""
        return sum(self._carried_file_size(name) for name in self.carried)

    def _carried_file_size(self, name: str) -> int:
        with self.carried_file(name) as file:
            return file.size

    @contextmanager
    def carried_file(self, name: str) -> Iterator[InputFile]:
        """The file of the carried variable `name`; ModelError where it cannot be read."""
        try:
            with self.folder.opened(name) as file:
                yield file
        except FileNotFoundError as error:
            path = self.folder.path / name
            raise ParameterError(
                "the parameter's file is missing", path=path, tensor=name
            ) from error

    def verify_unchanged(self) -> None:
        """See that no file has changed since it was first opened.

        To be called once everything has been read, and before a result is published.

        Raises:
            ModelError: one has: what was read may be half of one model and half of another.
        """
        self.folder.verify_unchanged()

    def digests(self) -> tuple[FileDigest, ...]:
        """SHA-256 of every file, read once more through the same descriptors.

        They are of what was quantized where `verify_unchanged` says so afterwards.

        Raises:
            ModelError: a file cannot be read.
        """
        program, params = self.files.program, self.files.params
        names = (program, params) if params else (program, *self.parameters, *self.carried)
        return tuple(self.folder.digest(name) for name in names)


def find_model(
    folder: Path, model_filename: str | None = None, params_filename: str | None = None
) -> ModelFiles:
    """Find out by looking which files of `folder` are the model.

    Args:
        folder: the model's folder; or the program's file, the path prefix of its files, or a tar
            of such a folder.
        model_filename: the program's file name, where looking is not enough.
        params_filename: the combined parameter file's name, likewise.

    Raises:
        ModelNotFoundError: no such folder, no program in it, or not the one named.
        AmbiguousModelError: several candidates.
        OptionError: a file name that is a path.
    """
    require_plain_name("model_filename", model_filename)
    require_plain_name("params_filename", params_filename)
    asked = model_filename or folder.name
    if model_filename is None:
        folder, model_filename = locate(folder)
    opened = open_source(folder, model_filename)
    names = list_names(opened)
    usual = names.intersection((*PROGRAM_NAMES, *COMBINED_NAMES))
    files = names.difference(name for name in usual if opened.is_folder(name))
    if model_filename is None:
        try:
            program = find_program(folder, files)
        except ModelNotFoundError as error:
            from .no_model import no_model

            raise no_model(folder, names) from error
    elif model_filename in names:
        program = model_filename
    else:
        raise ModelNotFoundError(
            "there is no such program file",
            path=folder / model_filename,
            remedy=f"`model_filename` can be one of: {listed(sorted(names))}" if names else None,
        )
    guessed = params_filename is None
    params = find_combined(folder, files, program) if guessed else params_filename
    others = passed_over(program, asked, files)
    return ModelFiles(folder, program, params, guessed, others, opened)


def open_model(files: ModelFiles, unknown_operators: bool = False) -> StoredModel:
    """Read the program and the headers of all parameters.

    Args:
        files: which files they are.
        unknown_operators: keep operations of Paddle 3 that cannot be translated, under their own
            names: to be looked at, and for nothing else.

    Raises:
        ModelError: anything that is wrong with either; its subclasses say what.
    """
    folder = files.opened or open_source(files.folder, files.program)
    files = replace(files, opened=None)  # closed with the model, not with what describes it
    data = _read_program(files, folder)
    path = files.folder / files.program
    program = _parse(data, path, unknown_operators)
    shapes, carried = declared_parameters(program, path)
    if files.params_guessed and files.params in shapes and _all_exist(folder, shapes):
        files = replace(files, params=None)  # a parameter that happens to be called `weights`
    if files.params is None:
        parameters = read_separate(folder, shapes, files.program)
    elif carried:
        raise UnsupportedModelError(
            "SELECTED_ROWS among the parameters of a combined file",
            path=path,
            tensor=carried[0],
            remedy="export the model with separate parameter files",
        )
    elif shapes:
        parameters = read_combined(folder, files.params, shapes)
    else:
        parameters = Parameters({}, folder, files.params)
    model = StoredModel(files, folder, program, len(data), parameters, carried)
    for name in carried:
        require_file_name(files.folder, name)
        with model.carried_file(name):
            pass  # a missing one is noticed before anything is written
    return model


def _read_program(files: ModelFiles, folder: InputFiles) -> bytes:
    path = files.folder / files.program
    try:
        with folder.opened(files.program) as file:
            start = file.read_at(PEEK_BYTES, 0)
        if files.program.endswith(PIR_SUFFIX) and file.size > MAX_JSON_BYTES:
            raise UnsupportedModelError(
                "the JSON is larger than any program",
                path=path,
                expected=f"at most {MAX_JSON_BYTES} bytes",
                found=file.size,
            )
        if file.size > MAX_PROGRAM_BYTES or (len(start) == PEEK_BYTES and not any(start)):
            Program.parse(start, path)  # raises, and says what the file is instead
            raise ProgramError(
                "the file is too large for a Paddle program", path=path, found=file.size
            )
        return folder.read(files.program)
    except FileNotFoundError as error:
        raise ModelNotFoundError("there is no such program file", path=path) from error


def _parse(data: bytes, path: Path, unknown_operators: bool) -> Program:
    if not path.name.endswith(PIR_SUFFIX):
        return Program.parse(data, path)
    from .pir import Unknown, translate  # tables of 290 operations, for Paddle 3 alone

    return translate(data, path, Unknown.KEEP if unknown_operators else Unknown.REFUSE)


def declared_parameters(
    program: Program, path: Path
) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    """Declared shape of every parameter, and the names of the SELECTED_ROWS to carry along.

    Raises:
        ProgramError: a parameter without a shape, or with two.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    carried: list[str] = []
    for block in program.blocks:
        for variable in block.variables:
            if variable.persistable and variable.kind == VariableKind.SELECTED_ROWS:
                carried.append(variable.name)
            if not variable.is_parameter:
                continue
            shape = variable.shape
            if shape is None:
                raise ProgramError("a parameter without a shape", path=path, tensor=variable.name)
            if shapes.setdefault(variable.name, shape) != shape:
                raise ProgramError(
                    "two parameters of the same name and different shapes",
                    path=path,
                    tensor=variable.name,
                    found=f"{list(shapes[variable.name])} and {list(shape)}",
                )
    return shapes, tuple(dict.fromkeys(carried))


def _all_exist(folder: InputFiles, names: Iterable[str]) -> bool:
    try:
        for name in names:
            require_file_name(folder.path, name)
            if not folder.exists(name):
                return False
    except ParameterError:
        return False
    return True

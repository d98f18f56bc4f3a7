"""Find, open and write a model folder in every layout that Paddle has written.

__model__ + one file per parameter                                  (Paddle 1.x, separate)
__model__ or model + one of __params__, params, weights             (Paddle 1.x, combined)
NAME.pdmodel + NAME.pdiparams                                       (Paddle 2.x)
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import (
    AmbiguousModelError,
    ModelError,
    ModelNotFoundError,
    OptionError,
    ParameterError,
    ProgramError,
    UnsupportedModelError,
    listed,
)
from .files.regular import (
    file_size,
    open_regular,
    read_at,
    read_regular,
)
from .params import (
    Parameters,
    parameter_path,
    read_combined,
    read_separate,
)
from .program import (
    MAX_PROGRAM_BYTES,
    Program,
    VariableKind,
    pir_error,
)

PROGRAM_NAMES = ("__model__", "model")
COMBINED_NAMES = ("__params__", "params", "weights")
PROGRAM_SUFFIX = ".pdmodel"
COMBINED_SUFFIX = ".pdiparams"
PIR_SUFFIX = ".json"

# Enough to tell a program from parameters without reading a file of gigabytes.
PEEK_BYTES = 16


@dataclass(frozen=True)
class ModelFiles:
    """Which files of a folder are the model.

    Attributes:
        folder: the model's folder.
        program: the program's file name.
        params: the combined parameter file's name, or None for one file per parameter.
        params_guessed: whether `params` was found by looking rather than named.
    """

    folder: Path
    program: str
    params: str | None
    params_guessed: bool = field(default=False, compare=False)

    @property
    def layout(self) -> str:
        """``separate`` or ``combined``."""
        return "separate" if self.params is None else "combined"


@dataclass(frozen=True)
class StoredModel:
    """An opened model: its program in memory, the headers of its parameters, data on disk.

    Attributes:
        files: where it was found.
        program: the parsed program; not to be edited, `Program.copy` is.
        program_size: bytes of the program's file.
        parameters: every parameter's record.
        carried: names of variables with a separate file that is not a tensor record
            (SELECTED_ROWS): copied as they are.
    """

    files: ModelFiles
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
        with opened(self, name) as (_, size):
            return size


def find_model(
    folder: Path, model_filename: str | None = None, params_filename: str | None = None
) -> ModelFiles:
    """Find out by looking which files of `folder` are the model.

    Args:
        folder: the model's folder.
        model_filename: the program's file name, where looking is not enough.
        params_filename: the combined parameter file's name, likewise.

    Raises:
        ModelNotFoundError: no such folder, no program in it, or not the one named.
        AmbiguousModelError: several candidates.
        UnsupportedModelError: only a Paddle 3 `.json` program.
        OptionError: a file name that is a path.
    """
    for option, name in (
        ("--model-filename", model_filename),
        ("--params-filename", params_filename),
    ):
        require_plain_name(option, name)
    names = _list_folder(folder)
    if model_filename is None:
        program = _find_program(folder, names)
    elif model_filename in names:
        program = model_filename
    else:
        raise ModelNotFoundError(
            "there is no such program file",
            path=folder / model_filename,
            remedy=f"--model-filename can be one of: {listed(sorted(names))}" if names else None,
        )
    if params_filename is not None:
        return ModelFiles(folder, program, params_filename)
    return ModelFiles(folder, program, _find_combined(folder, names, program), params_guessed=True)


def open_model(files: ModelFiles) -> StoredModel:
    """Read the program and the headers of all parameters.

    Raises:
        ModelError: anything that is wrong with either; its subclasses say what.
    """
    data = _read_program(files)
    path = files.folder / files.program
    program = Program.parse(data, path)
    shapes, carried = _declared(program, path)
    if files.params_guessed and files.params in shapes and _all_exist(files.folder, shapes):
        files = replace(files, params=None)  # a parameter that happens to be called `weights`
    if files.params is None:
        parameters = read_separate(files.folder, shapes)
        for name in carried:
            _require_carried(files.folder, name)
    elif carried:
        raise UnsupportedModelError(
            "SELECTED_ROWS among the parameters of a combined file",
            path=path,
            tensor=carried[0],
            remedy="export the model with separate parameter files",
        )
    elif shapes:
        parameters = read_combined(files.folder / files.params, files.folder, shapes)
    else:
        parameters = Parameters({}, files.folder, files.folder / files.params)
    return StoredModel(files, program, len(data), parameters, carried)


def looks_like_model(folder: Path, program: str) -> bool:
    """Whether a folder holds a program, under a usual name or as `program`."""
    names = _list_folder(folder)
    return any(name in (*PROGRAM_NAMES, program) or name.endswith(PROGRAM_SUFFIX) for name in names)


def require_plain_name(option: str, name: str | None) -> None:
    """Refuse a file name that is a path or cannot be a name."""
    if name is not None and (not name or name in (".", "..") or "/" in name or "\0" in name):
        raise OptionError(
            f"{option} is the name of a file inside the folder, not a path", found=repr(name)
        )


def _list_folder(folder: Path) -> set[str]:
    try:
        return set(os.listdir(folder))
    except FileNotFoundError as error:
        raise ModelNotFoundError("there is no such folder", path=folder) from error
    except NotADirectoryError as error:
        raise ModelNotFoundError(
            "the model is named by its folder, and this is a file",
            path=folder,
            remedy=f"give {folder.parent} and name the file with --model-filename",
        ) from error
    except (OSError, ValueError) as error:
        cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
        raise ModelNotFoundError(f"cannot list the folder: {cause}", path=folder) from error


def _find_program(folder: Path, names: set[str]) -> str:
    candidates = _files_among(PROGRAM_NAMES, folder, names)
    candidates += sorted(name for name in names if name.endswith(PROGRAM_SUFFIX))
    if len(candidates) == 1:
        return candidates[0]
    if candidates:
        raise AmbiguousModelError(
            f"{len(candidates)} files could be the program: {listed(candidates)}",
            path=folder,
            remedy="choose one with --model-filename (and --params-filename)",
        )
    programs_in_json = sorted(name for name in names if name.endswith(PIR_SUFFIX))
    if programs_in_json:
        raise pir_error(folder / programs_in_json[0])
    raise ModelNotFoundError(
        "no model in the folder: no __model__, model or *.pdmodel",
        path=folder,
        remedy="name the program with --model-filename",
    )


def _files_among(wanted: Iterable[str], folder: Path, names: set[str]) -> list[str]:
    """Those of the wanted names that are there and not folders."""
    return [name for name in wanted if name in names and not os.path.isdir(folder / name)]


def _find_combined(folder: Path, names: set[str], program: str) -> str | None:
    if program.endswith(PROGRAM_SUFFIX):
        twin = program.removesuffix(PROGRAM_SUFFIX) + COMBINED_SUFFIX
        if twin in names:
            return twin
    candidates = _files_among(COMBINED_NAMES, folder, names)
    if not candidates:
        candidates = sorted(name for name in names if name.endswith(COMBINED_SUFFIX))
    if len(candidates) > 1:
        raise AmbiguousModelError(
            f"{len(candidates)} files could hold the parameters: {listed(candidates)}",
            path=folder,
            remedy="choose one with --params-filename",
        )
    return candidates[0] if candidates else None


def _read_program(files: ModelFiles) -> bytes:
    path = files.folder / files.program
    if files.program.endswith(PIR_SUFFIX):
        raise pir_error(path)
    try:
        with open_regular(path, files.folder) as descriptor:
            size = file_size(descriptor, path)
            start = read_at(descriptor, PEEK_BYTES, 0, path)
        if size > MAX_PROGRAM_BYTES or (len(start) == PEEK_BYTES and not any(start)):
            Program.parse(start, path)  # raises, and says what the file is instead
            raise ProgramError("the file is too large for a Paddle program", path=path, found=size)
        return read_regular(path, files.folder)
    except FileNotFoundError as error:
        raise ModelNotFoundError("there is no such program file", path=path) from error


def _declared(program: Program, path: Path) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    """Declared shape of every parameter, and the names of the SELECTED_ROWS to carry along."""
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


def _all_exist(folder: Path, names: Iterable[str]) -> bool:
    try:
        return all(os.path.lexists(parameter_path(folder, name)) for name in names)
    except ParameterError:  # a name that no separate file can have
        return False


def _require_carried(folder: Path, name: str) -> None:
    path = parameter_path(folder, name)
    try:
        with open_regular(path, folder):
            return
    except FileNotFoundError as error:
        raise ParameterError("the parameter's file is missing", path=path, tensor=name) from error


@contextmanager
def opened(model: StoredModel, name: str) -> Iterator[tuple[int, int]]:
    """Descriptor and size of the file that holds the carried variable `name`."""
    path = parameter_path(model.files.folder, name)
    try:
        with open_regular(path, model.files.folder) as descriptor:
            yield descriptor, file_size(descriptor, path)
    except FileNotFoundError as error:
        raise ModelError("the file vanished while the model was read", path=path) from error

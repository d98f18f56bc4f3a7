"""Where a model lies: in a folder, or in a tar of one, which is read as it is.

People name the folder, the program's file, what Paddle calls a path prefix, or a tar as PaddleOCR
offers for download: ``NAME_infer.tar`` with ``NAME_infer/inference.pdmodel`` and its parameters.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AmbiguousModelError, ModelNotFoundError, listed
from .file_names import PIR_SUFFIX, PROGRAM_SUFFIX, find_program
from .files.input_files import InputFiles
from .files.input_folder import InputFolder

if TYPE_CHECKING:
    from .files.tar_folder import TarFolder

ARCHIVE_SUFFIXES = (".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst", ".zip")
"""Of these only an uncompressed tar can be read; the others are told what to do."""


def locate(path: Path) -> tuple[Path, str | None]:
    """The folder that holds a model, and the program's name where the path tells it.

    Args:
        path: a folder, a tar, which counts as one, the program's file, or what Paddle calls a path
            prefix: the file's path without its suffix.
    """
    if is_archive(path):
        return path, None
    for suffix in ("", PROGRAM_SUFFIX, PIR_SUFFIX):
        file = f"{path}{suffix}"
        try:
            if os.path.isfile(file):
                return Path(file).parent, Path(file).name
        except ValueError:  # a NUL in the path
            break
        if os.path.isdir(path):
            break
    return path, None


def declared(path: Path, what: str) -> tuple[Path, str]:
    """What holds the model that a user named, and how to call it: "the input folder"."""
    source = locate(path)[0]
    return source, f"the {what} {'tar' if is_archive(source) else 'folder'}"


def is_archive(path: Path) -> bool:
    """Whether `path` is a file that is named like an archive."""
    try:
        return path.name.lower().endswith(ARCHIVE_SUFFIXES) and path.is_file()
    except (OSError, ValueError):
        return False


def open_source(path: Path, program: str | None = None) -> InputFiles:
    """Open the folder at `path`, or the folder with the model in the tar at `path`.

    Args:
        path: a folder or a tar.
        program: the program's file name, where it is known.

    Raises:
        ModelNotFoundError: no such folder; or a tar without a model.
        AmbiguousModelError: a tar with several.
        ModelError: a tar that is damaged, compressed, or not to be trusted.
    """
    try:
        if is_archive(path):
            from .files.tar_folder import TarFolder

            return _model_folder(TarFolder.open(path), path, program)
        return InputFolder.open(path)
    except FileNotFoundError as error:
        raise ModelNotFoundError("there is no such folder", path=path) from error
    except NotADirectoryError as error:
        raise ModelNotFoundError(
            "the model is named by its folder, and this is a file",
            path=path,
            remedy=f"give {path.parent} and name the file with `model_filename`",
        ) from error
    except (OSError, ValueError) as error:
        raise _cannot_list(path, error) from error


def list_names(folder: InputFiles) -> set[str]:
    """The names in an open folder; ModelNotFoundError where they cannot be listed."""
    try:
        return set(folder.names())
    except OSError as error:
        raise _cannot_list(folder.path, error) from error


def _model_folder(tar: TarFolder, path: Path, program: str | None) -> TarFolder:
    """The folder of a tar that holds a model, as a user would find it: from the outside in."""
    found: list[str] = []
    covered: set[str] = set()
    for folder in sorted(tar.folders):  # a folder before what is in it
        if _parent(folder) in covered:
            covered.add(folder)
        elif _holds_model(tar.inside(folder), program):
            found.append(folder)
            covered.add(folder)
    if len(found) == 1:
        return tar.inside(found[0])
    if found:
        raise AmbiguousModelError(
            f"{len(found)} models in the tar: {listed(found, 3)}",
            path=path,
            remedy="unpack it with `tar xf`, and give the folder of one",
        )
    raise ModelNotFoundError(
        f"no file of this name in the tar: {program}"
        if program is not None
        else "no model in the tar: no __model__, model, *.pdmodel, or *.json with its *.pdiparams",
        path=path,
        found=listed(sorted(tar.folders.get("", ()))) or None,
    )


def _parent(folder: str) -> str | None:
    """The folder of a tar that a folder lies in; None for the top."""
    return folder.rpartition("/")[0] if folder else None


def _holds_model(folder: TarFolder, program: str | None) -> bool:
    names = folder.names()
    if program is not None:
        return program in names
    try:
        find_program(folder.path, names)
    except ModelNotFoundError:
        return False
    except AmbiguousModelError:
        pass  # which of them will be asked for once this folder is chosen
    return True


def _cannot_list(path: Path, error: OSError | ValueError) -> ModelNotFoundError:
    cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return ModelNotFoundError(f"cannot list the folder: {cause}", path=path)

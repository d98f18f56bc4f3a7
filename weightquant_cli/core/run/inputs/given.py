"""The user's own inputs: an .npz file, or a folder of .npz and .npy files, one sample each."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ....errors import ModelError, OptionError, listed
from ....formats.files.input_folder import InputFolder
from ..values import Array, Lod, Tensor, check_lod
from .npz import read_npy, read_npz
from .sizes import LARGEST, require_fitting, require_known
from .specs import InputSpec

LOD_SUFFIX = ".lod"
"""In an .npz, ``NAME.lod`` holds the LoD offsets of the sequences in NAME."""

MAX_FILE = 512 << 20
"""Bytes of one file."""


def given(path: Path, specs: Sequence[InputSpec]) -> Iterator[dict[str, Tensor]]:
    """Samples from a file or folder, in the order of the names; each checked as it is read.

    An .npz holds one array for every input. An .npy will do where the model has one input.

    Raises:
        OptionError: no samples, a damaged file, unknown or missing inputs, another type or shape
            than the model declares.
    """
    for file in _files(path):
        arrays = _read(file, specs)
        require_known(
            [name for name in arrays if not _is_lod(name, arrays)], specs, f"{file} has values"
        )
        missing = [spec.name for spec in specs if spec.name not in arrays]
        if missing:
            raise OptionError(
                "a sample lacks inputs of the model", path=file, found=f"no {listed(missing)}"
            )
        yield {spec.name: _checked(spec, arrays, file) for spec in specs}


def _files(path: Path) -> list[Path]:
    try:
        if not stat.S_ISDIR(os.stat(path).st_mode):
            if path.suffix not in (".npz", ".npy"):
                raise _no_inputs(path)
            return [path]
        names = sorted(name for name in os.listdir(path) if name.endswith((".npz", ".npy")))
    except FileNotFoundError as error:
        raise _no_inputs(path) from error
    except OSError as error:
        raise OptionError(f"cannot read the inputs: {_plain(error)}", path=path) from error
    if not names:
        raise OptionError("the folder of inputs holds no .npz or .npy file", path=path)
    return [path / name for name in names]


def _no_inputs(path: Path) -> OptionError:
    return OptionError(
        "the inputs are not an .npz or .npy file, or a folder of such files", path=path
    )


def _read(file: Path, specs: Sequence[InputSpec]) -> dict[str, Array]:
    try:
        if file.stat().st_size > MAX_FILE:
            raise OptionError("a file of inputs is too large", path=file, expected=f"{MAX_FILE} B")
        data = InputFolder.open(file.parent).read(file.name)
        if file.suffix == ".npy":
            return {_only(specs, file).name: read_npy(data)}
        return read_npz(data, MAX_FILE)
    except (OSError, ModelError, ValueError) as error:
        raise OptionError(f"cannot read the inputs: {_plain(error)}", path=file) from error


def _plain(error: Exception) -> str:
    if isinstance(error, ModelError):
        return error.what
    told = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return " ".join(told.split())[:200]


def _only(specs: Sequence[InputSpec], file: Path) -> InputSpec:
    if len(specs) != 1:
        raise OptionError(
            f"an .npy file for a model of {len(specs)} inputs",
            path=file,
            remedy="put all inputs of a sample into one .npz file, by name",
        )
    return specs[0]


def _is_lod(name: str, arrays: Mapping[str, Array]) -> bool:
    return name.endswith(LOD_SUFFIX) and name.removesuffix(LOD_SUFFIX) in arrays


def _checked(spec: InputSpec, arrays: Mapping[str, Array], file: Path) -> Tensor:
    array = arrays[spec.name]
    wanted = np.dtype(spec.dtype.numpy)
    if array.dtype != wanted:
        raise OptionError(
            "an input of another type than the model's",
            path=file,
            tensor=spec.name,
            expected=wanted,
            found=array.dtype,
            remedy=f"convert it with .astype({wanted.name!r})",
        )
    require_fitting(spec, array.shape, "an input's shape", file)
    if not 0 < array.size <= LARGEST:
        raise OptionError("an input without values, or a huge one", path=file, tensor=spec.name)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise OptionError("an input holds NaN or infinity", path=file, tensor=spec.name)
    return Tensor(np.ascontiguousarray(array), _sequences(spec, arrays, file))


def _sequences(spec: InputSpec, arrays: Mapping[str, Array], file: Path) -> Lod:
    """The offsets beside the input; without any, one sequence of all rows."""
    if spec.lod_level == 0:
        return ()
    rows = len(arrays[spec.name])
    stored = arrays.get(spec.name + LOD_SUFFIX)
    if stored is None:
        return (*(((0, 1),) * (spec.lod_level - 1)), (0, rows))
    lod: Lod = (tuple(int(end) for end in stored.reshape(-1)),)
    wrong = check_lod(lod, rows) if spec.lod_level == 1 else "only one level can be given"
    if wrong is not None:
        raise OptionError(
            f"the offsets of an input do not fit: {wrong}", path=file, tensor=spec.name
        )
    return lod

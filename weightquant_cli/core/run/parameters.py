"""A stored model's parameters as arrays: the one place where running a program meets files."""

from __future__ import annotations

import numpy as np

from ...errors import ParameterError
from ...formats.model_dir import StoredModel
from .scope import Load
from .values import Array

DEFAULT_CACHE = 1 << 30
"""Bytes of parameters that `cached` keeps."""


def stored(model: StoredModel) -> Load:
    """Reads a parameter from its file each time it is asked for.

    BF16 is widened to float32, which holds all its values. FP8 is refused.
    """

    def load(name: str) -> Array:
        with model.parameters.reader(name) as reader:
            record = reader.record
            raw = np.empty(record.data_size, np.uint8)
            if record.data_size:
                reader.read_data(memoryview(raw.data), 0)
        if record.dtype.name == "BF16":
            wide = raw.view("<u2").astype(np.uint32) << 16
            return wide.view(np.float32).reshape(record.shape)
        if record.dtype.numpy is None:
            raise ParameterError(
                f"a parameter of the type {record.dtype}, which is not computed with",
                path=record.path,
                tensor=name,
            )
        return raw.view(record.dtype.numpy).reshape(record.shape)

    return load


def cached(load: Load, limit: int = DEFAULT_CACHE) -> Load:
    """Keeps what `load` gave, for runs that follow, up to `limit` bytes in all."""
    kept: dict[str, Array] = {}
    size = 0

    def keep(name: str) -> Array:
        nonlocal size
        if name in kept:
            return kept[name]
        array = load(name)
        if size + array.nbytes <= limit:
            kept[name] = array
            size += array.nbytes
        return array

    return keep

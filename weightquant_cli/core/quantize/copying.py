"""Copy to the output what is not quantized: records, transposed matrices, other files."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from ...formats.model_dir import StoredModel
from ...formats.model_writer import ModelWriter, RecordWriter
from ...formats.params import TensorReader
from ...threads import CancelToken
from ..tensors.blocks import Tile
from ..tensors.buffers import COPY_BYTES, read_tile, thread_buffers, write_tile


def copy_transposed(
    tensor: TensorReader, writer: RecordWriter, part: Iterable[Tile], token: CancelToken
) -> None:
    """Copy tiles of a float32 matrix to where they lie transposed."""
    buffers = thread_buffers()
    for tile in part:
        token.check()
        values = read_tile(tensor, tile, buffers)
        write_tile(writer, tile, np.ascontiguousarray(values.T), tensor.record.shape[0])


def copy_record(
    tensor: TensorReader, writer: RecordWriter, part: range, token: CancelToken
) -> None:
    """Copy these bytes of a record, of which the header is the beginning."""
    token.check()
    copy_bytes(tensor.read_record, writer, part)


def write_data(
    tensor: TensorReader, writer: RecordWriter, data: memoryview, token: CancelToken
) -> None:
    """Write the data of a record that has a header already."""
    token.check()
    writer.write(data, 0)


def copy_header_write_data(
    tensor: TensorReader, writer: RecordWriter, data: memoryview, token: CancelToken
) -> None:
    """Copy a record's header, and write new data of the same size behind it."""
    token.check()
    header = tensor.record.size - tensor.record.data_size
    copy_bytes(tensor.read_record, writer, range(header))
    writer.write(data, header)


def copy_bytes(read: Callable[[memoryview, int], None], writer: RecordWriter, part: range) -> None:
    """Copy the bytes `part` that ``read(view, offset)`` gives, through this thread's buffer."""
    buffers = thread_buffers()
    for offset in range(part.start, part.stop, COPY_BYTES):
        view = buffers.raw(min(COPY_BYTES, part.stop - offset))
        read(view, offset)
        writer.write(view, offset)


def copy_carried(model: StoredModel, writer: ModelWriter) -> None:
    """Copy the files of variables that are no tensor records (SELECTED_ROWS)."""
    for name in model.carried:
        with model.carried_file(name) as file, writer.copied_file(name) as copy:
            copy_bytes(file.read_into, copy, range(file.size))

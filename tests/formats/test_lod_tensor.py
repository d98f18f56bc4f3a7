"""Parameter records: the exact bytes, and every way in which they can be damaged."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.builders import (
    TYPE_NUMBERS,
    lod_section,
    normal,
    raw_record,
    record,
    tensor_desc,
)
from weightquant_cli.errors import ParameterError
from weightquant_cli.formats import dtypes, lod_tensor
from weightquant_cli.formats.lod_tensor import TensorRecord, header_bytes, read_record

PATH = Path("fc.w")

# float32 of shape (2, 3), written out from the layout: nothing here comes from code.
FLOAT_2_3 = bytes.fromhex(
    "00000000"  # version of the LoD stream
    "0000000000000000"  # no LoD level
    "00000000"  # version of the tensor stream
    "06000000"  # the TensorDesc has 6 bytes
    "0805"  # data_type = FP32
    "1002 1003"  # dims = 2, 3, each with its own tag
    "0000803f 00000040 00004040 00008040 0000a040 0000c0c0"  # 1 2 3 4 5 -6
)
INT8_SCALAR = bytes.fromhex("00000000 0000000000000000 00000000 02000000 0815 81")
NO_LOD = lod_section()


def read(data: bytes, offset: int = 0, limit: int | None = None) -> TensorRecord:
    """Parse a record that lies in memory."""

    def fetch(size: int, start: int) -> bytes:
        return data[start : start + size]

    return read_record(fetch, offset, len(data) if limit is None else limit, PATH, "fc.w")


def test_reads_a_record_written_out_by_hand() -> None:
    found = read(FLOAT_2_3)
    assert (found.dtype, found.shape, found.elements) == (dtypes.FP32, (2, 3), 6)
    assert (found.data_offset, found.data_size, found.size) == (26, 24, len(FLOAT_2_3))
    values = np.frombuffer(FLOAT_2_3, "<f4", offset=found.data_offset)
    assert values.tolist() == [1, 2, 3, 4, 5, -6]


def test_writes_the_header_of_a_record_written_out_by_hand() -> None:
    assert header_bytes(NO_LOD, dtypes.FP32, (2, 3)) == FLOAT_2_3[:26]


def test_a_record_without_dims_is_one_element() -> None:
    found = read(INT8_SCALAR)
    assert (found.dtype, found.shape, found.elements, found.size) == (dtypes.INT8, (), 1, 23)
    assert header_bytes(found.lod, found.dtype, found.shape) == INT8_SCALAR[:22]


def test_a_record_with_a_dimension_of_zero_has_no_data() -> None:
    data = record(np.zeros((3, 0), "<f4"))
    assert (read(data).elements, read(data).end) == (0, len(data))


def test_large_dims_take_several_bytes() -> None:
    header = header_bytes(NO_LOD, dtypes.INT16, (300, 70000))
    assert header[12:] == bytes.fromhex("00000000 09000000 0801 10ac02 10f0a204")


def test_the_lod_section_is_kept_as_it_is() -> None:
    lod = [(0, 2, 5), (0, 1, 3, 6, 7, 9)]
    found = read(record(normal(9, 2), lod))
    assert found.lod == lod_section(lod)
    assert found.lod == bytes.fromhex(
        "00000000 0200000000000000"
        "1800000000000000 0000000000000000 0200000000000000 0500000000000000"
        "3000000000000000 0000000000000000 0100000000000000 0300000000000000"
        "0600000000000000 0700000000000000 0900000000000000"
    )
    assert header_bytes(found.lod, dtypes.INT8, (9, 2)).startswith(found.lod)


@given(
    dtype=st.sampled_from(sorted(TYPE_NUMBERS)),
    shape=st.lists(st.integers(0, 5), max_size=5),
    levels=st.lists(st.lists(st.integers(0, 2**64 - 1), max_size=40), max_size=4),
    before=st.binary(max_size=300),
    after=st.binary(max_size=20),
)
def test_a_record_is_found_wherever_it_lies_and_its_header_is_made_again(
    dtype: str, shape: list[int], levels: list[list[int]], before: bytes, after: bytes
) -> None:
    data = record(np.zeros(shape, dtype), levels)
    found = read(before + data + after, len(before))
    assert found.shape == tuple(shape)
    assert found.dtype.numpy is not None and np.dtype(found.dtype.numpy).name == dtype
    assert (found.offset, found.end) == (len(before), len(before) + len(data))
    header = header_bytes(found.lod, found.dtype, found.shape)
    assert header == data[: len(data) - found.data_size]


@pytest.mark.parametrize("dtype", dtypes.BY_NUMBER.values(), ids=str)
def test_every_data_type_takes_its_size_on_disk(dtype: dtypes.DataType) -> None:
    found = read(raw_record(bytes(3 * dtype.itemsize), dtype.number, [3]))
    assert (found.dtype, found.data_size) == (dtype, 3 * dtype.itemsize)
    if dtype.numpy is not None:
        assert np.dtype(dtype.numpy).itemsize == dtype.itemsize
        assert np.dtype(dtype.numpy).byteorder in "|<="


@pytest.mark.parametrize("data", [FLOAT_2_3, INT8_SCALAR, record(normal(3), [(0, 1, 3)])])
def test_truncation_at_every_byte_is_a_parameter_error(data: bytes) -> None:
    for length in range(len(data)):
        with pytest.raises(ParameterError) as caught:
            read(data[:length])
        assert caught.value.tensor == "fc.w"
        assert caught.value.offset is not None and caught.value.offset <= length


def test_a_file_that_shrinks_below_its_size_while_it_is_read_is_a_parameter_error() -> None:
    for length in range(26):
        with pytest.raises(ParameterError, match="the file ends within"):
            read(FLOAT_2_3[:length], limit=len(FLOAT_2_3))


@given(st.binary(max_size=200))
@example(bytes(12) + bytes(4) + struct.pack("<i", 5) + b"\x08\x05\x12\xff\xff")
def test_any_bytes_are_a_record_or_a_parameter_error(data: bytes) -> None:
    try:
        assert read(data).end <= len(data)
    except ParameterError as error:
        assert "\n" not in str(error)


@given(position=st.integers(0, 25), value=st.integers(0, 255))
def test_any_damaged_header_is_a_record_within_the_file_or_a_parameter_error(
    position: int, value: int
) -> None:
    damaged = bytearray(FLOAT_2_3)
    damaged[position] = value
    try:
        assert read(bytes(damaged)).end <= len(damaged)
    except ParameterError as error:
        assert error.offset is not None


def test_rejects_an_unknown_version_of_the_lod_stream() -> None:
    with pytest.raises(ParameterError, match=r"version of the LoD stream .*expected 0, found 7"):
        read(b"\x07" + FLOAT_2_3[1:])


def test_rejects_an_unknown_version_of_the_tensor_stream() -> None:
    with pytest.raises(ParameterError, match=r"version of the tensor stream .*expected 0, found 1"):
        read(raw_record(bytes(4), 5, [1], tensor_version=1))


@pytest.mark.parametrize("levels", [lod_tensor.MAX_LOD_LEVELS + 1, 2**63, 2**64 - 1])
def test_rejects_lod_levels_without_end(levels: int) -> None:
    with pytest.raises(ParameterError, match="impossible number of LoD levels"):
        read(struct.pack("<IQ", 0, levels) + bytes(10_000))


@pytest.mark.parametrize("size", [1000, 2**31, 2**63, 2**64 - 1])
def test_rejects_a_lod_level_larger_than_the_file(size: int) -> None:
    with pytest.raises(ParameterError, match=f"ends within a LoD level .*expected {size} bytes"):
        read(struct.pack("<IQQ", 0, 1, size) + bytes(900))


def test_nothing_is_fetched_for_a_size_that_the_file_does_not_have() -> None:
    asked: list[int] = []
    data = struct.pack("<IQQ", 0, 1, 2**40)

    def fetch(size: int, start: int) -> bytes:
        asked.append(size)
        return data[start : start + size]

    with pytest.raises(ParameterError):
        read_record(fetch, 0, len(data), PATH, "fc.w")
    assert max(asked) <= lod_tensor.HeaderReader.BLOCK


@pytest.mark.parametrize("size", [0, -1, -(2**31), lod_tensor.MAX_DESC_BYTES + 1, 2**31 - 1])
def test_rejects_an_impossible_size_of_the_tensor_desc(size: int) -> None:
    data = NO_LOD + struct.pack("<Ii", 0, size) + bytes(10_000)
    with pytest.raises(ParameterError, match=f"impossible size of the TensorDesc .*found {size}"):
        read(data)


def test_rejects_a_tensor_desc_that_is_not_protobuf() -> None:
    with pytest.raises(ParameterError, match="not valid protobuf"):
        read(NO_LOD + struct.pack("<Ii", 0, 3) + b"\x08\x05\x10" + bytes(100))


@pytest.mark.parametrize("number", [7, 18, 99, 2**31 - 1])
def test_rejects_a_data_type_that_no_tensor_has(number: int) -> None:
    with pytest.raises(ParameterError, match="unknown data type"):
        read(raw_record(bytes(400), number, [1]))


def test_rejects_a_tensor_desc_without_a_data_type() -> None:
    with pytest.raises(ParameterError, match="unknown data type"):
        read(NO_LOD + struct.pack("<Ii", 0, 2) + b"\x10\x04" + bytes(16))


def test_rejects_a_negative_dimension() -> None:
    with pytest.raises(ParameterError, match=r"negative dimension .*found \[2, -1\]"):
        read(raw_record(bytes(8), 5, [2, -1]))


@pytest.mark.parametrize(
    "dims", [[2**62, 4], [2**63 - 1, 2**63 - 1], [2**32, 2**32], [2**16, 2**16, 2**16, 2**16]]
)
def test_rejects_dims_whose_product_overflows(dims: list[int]) -> None:
    with pytest.raises(ParameterError, match="the file is too short for a tensor of shape"):
        read(raw_record(bytes(64), 5, dims))


def test_rejects_dims_without_end() -> None:
    dims = [2**62] * 400
    assert len(tensor_desc(5, dims)) < lod_tensor.MAX_DESC_BYTES
    with pytest.raises(ParameterError, match="dimensions"):
        read(raw_record(bytes(64), 5, dims))


def test_a_message_says_how_many_bytes_of_data_are_missing() -> None:
    with pytest.raises(ParameterError) as caught:
        read(FLOAT_2_3[:-1])
    assert str(caught.value) == (
        "the file is too short for a tensor of shape [2, 3] (fc.w, tensor fc.w, offset 26); "
        "expected 24 bytes of data, found 23 bytes; "
        "export the model again, or copy it again if it was truncated"
    )

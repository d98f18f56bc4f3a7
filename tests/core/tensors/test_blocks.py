"""Blocks and tiles: each element once, in the order of the file, with its own channel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weightquant_cli.core.tensors.blocks import (
    BLOCK_ELEMENTS,
    TensorBlock,
    block_parts,
    spreads,
    tile_parts,
    tiles,
)

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)
block_sizes = st.integers(1, 60)
Cut = tuple[tuple[int, ...], int | None, int]


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    """A shape, one of the channel axes that are possible, and a size of parts."""
    shape = draw(shapes)
    return shape, draw(st.sampled_from([None, 0, len(shape) - 1])), draw(block_sizes)


def channels_of(block: TensorBlock) -> list[int]:
    """The channel of every element of a block, in order."""
    rows, columns = np.indices((block.rows, block.columns))
    if block.channels_on is None:
        return [block.channel] * block.elements
    lane = rows if block.channels_on == 0 else columns
    return [int(index) for index in (block.channel + lane).reshape(-1)]


def true_channels(shape: tuple[int, ...], axis: int | None) -> list[int]:
    """The channel of every element of a tensor, by numpy's own indexing."""
    if axis is None:
        return [0] * math.prod(shape)
    return [int(index) for index in np.indices(shape)[axis].reshape(-1)]


@given(cuts(), block_sizes)
@example(((3, 7), 0, 7), 60)
@example(((3, 7), 1, 7), 3)
@example(((3, 7), 0, 6), 60)
@example(((3, 7), 1, 6), 60)
@example(((1,), 0, 1), 1)
def test_blocks_cover_each_element_once_in_the_order_of_the_file_with_its_channel(
    cut: Cut, most: int
) -> None:
    shape, axis, part_size = cut
    blocks = [block for part in block_parts(*cut) for block in part.cut(most)]
    position = 0
    for block in blocks:
        assert block.start == position
        assert 0 < block.elements <= min(most, part_size)
        position += block.elements
    assert position == math.prod(shape)
    found = [channel for block in blocks for channel in channels_of(block)]
    assert found == true_channels(shape, axis)


@given(cuts())
def test_a_block_says_which_channels_it_holds_and_how_their_scales_broadcast(cut: Cut) -> None:
    shape, axis, _ = cut
    per_channel = np.arange(1 if axis is None else shape[axis])
    for block in block_parts(*cut):
        matrix = np.asarray(channels_of(block)).reshape(block.rows, block.columns)
        spread = per_channel[block.channels].reshape(block.scale_shape)
        assert np.array_equal(np.broadcast_to(spread, matrix.shape), matrix)
        reduced = matrix.max(axis=block.reduced_axis)
        assert np.array_equal(np.atleast_1d(reduced), per_channel[block.channels])


@given(cuts(), block_sizes)
def test_no_channel_lies_in_two_blocks_unless_channels_spread(cut: Cut, most: int) -> None:
    shape, axis, _ = cut
    blocks = [block for part in block_parts(shape, axis, 4 * most) for block in part.cut(most)]
    channels = [channel for block in blocks for channel in set(channels_of(block))]
    if not spreads(shape, axis, most):
        assert len(channels) == len(set(channels))


@pytest.mark.parametrize(("shape", "axis"), [((2, 3, 4), 1), ((2, 3, 4, 5), 2), ((2, 3), 2)])
def test_a_channel_axis_in_the_middle_is_refused(shape: tuple[int, ...], axis: int) -> None:
    with pytest.raises(ValueError, match=f"channel axis {axis} of {len(shape)}"):
        block_parts(shape, axis)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_a_tensor_without_elements_has_no_blocks(shape: tuple[int, ...], axis: int | None) -> None:
    assert block_parts(shape, len(shape) - 1 if axis == -1 else axis) == []


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        (((), None, 8), [(0, 1, 1)]),
        (((5, 4), 0, 8), [(0, 2, 4), (8, 2, 4), (16, 1, 4)]),
        (((5, 4), 1, 8), [(0, 2, 4), (8, 2, 4), (16, 1, 4)]),
        (((2, 5), 0, 3), [(0, 1, 3), (3, 1, 2), (5, 1, 3), (8, 1, 2)]),
        (((2, 5), None, 4), [(0, 1, 4), (4, 1, 4), (8, 1, 2)]),
        (((BLOCK_ELEMENTS // 8, 8), 1, BLOCK_ELEMENTS), [(0, BLOCK_ELEMENTS // 8, 8)]),
    ],
)
def test_blocks_of_known_tensors(cut: Cut, expected: list[tuple[int, int, int]]) -> None:
    assert [(block.start, block.rows, block.columns) for block in block_parts(*cut)] == expected


@pytest.mark.parametrize(
    ("shape", "axis", "most", "expected"),
    [
        ((3, 10), None, 30, False),
        ((3, 10), None, 29, True),
        ((3, 10), 1, 30, False),
        ((3, 10), 1, 29, True),
        ((3, 10), 0, 10, False),
        ((3, 10), 0, 9, True),
        ((0, 10), 0, 9, False),
        ((3, 0), 1, 9, False),
    ],
)
def test_channels_spread_where_one_does_not_fit_a_block(
    shape: tuple[int, ...], axis: int | None, most: int, expected: bool
) -> None:
    assert spreads(shape, axis, most) is expected


# ---- tiles ---------------------------------------------------------------------------------------


@given(st.integers(1, 900), st.integers(1, 900), st.sampled_from([512, 1000, 4096]))
@example(1, 3000, 512)
@example(3000, 1, 512)
def test_tiles_cover_a_matrix_exactly_once(rows: int, columns: int, most: int) -> None:
    covered = np.zeros((rows, columns), np.uint8)
    for tile in tiles(rows, columns, most):
        assert 0 < tile.block.elements <= most
        assert (tile.block.rows, tile.block.columns) == (tile.rows, tile.columns)
        assert tile.block.channels == slice(tile.row, tile.row + tile.rows)
        covered[tile.row : tile.row + tile.rows, tile.column : tile.column + tile.columns] += 1
    assert covered.min() == covered.max() == 1


@given(st.integers(1, 900), st.integers(1, 900), st.sampled_from([512, 1000]))
def test_parts_of_tiles_are_the_tiles_in_order(rows: int, columns: int, most: int) -> None:
    together = tile_parts(rows, columns, most)
    assert [tile for part in together for tile in part] == list(tiles(rows, columns, most))
    assert all(together)


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_small_matrix_is_one_tile(rows: int, columns: int) -> None:
    (tile,) = tiles(rows, columns)
    assert (tile.row, tile.column, tile.rows, tile.columns) == (0, 0, rows, columns)

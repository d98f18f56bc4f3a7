"""Blocks and tiles: each element once, in the order of the file, with its own channel."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from weightquant_cli.core.tensors.blocks import (
    BLOCK_ELEMENTS,
    Block,
    Segment,
    parts,
    segments,
    spreads,
    tile_parts,
    tiles,
)

shapes = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)
block_sizes = st.integers(1, 60)


@st.composite
def cuts(draw: st.DrawFn) -> tuple[tuple[int, ...], int | None, int]:
    """A shape, one of the channel axes that are possible, and a block size."""
    shape = draw(shapes)
    return shape, draw(st.sampled_from([None, 0, len(shape) - 1])), draw(block_sizes)


def channels_of(block: Block) -> list[int]:
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


@given(cuts())
@example(((3, 7), 0, 7))
@example(((3, 7), 1, 7))
@example(((3, 7), 0, 6))
@example(((3, 7), 1, 6))
@example(((1,), 0, 1))
def test_blocks_cover_each_element_once_in_the_order_of_the_file(
    cut: tuple[tuple[int, ...], int | None, int],
) -> None:
    position = 0
    for segment in segments(*cut):
        assert segment
        for block in segment:
            assert block.start == position
            position += block.elements
    assert position == math.prod(cut[0])


@given(cuts())
def test_no_block_is_empty_or_larger_than_asked_for(
    cut: tuple[tuple[int, ...], int | None, int],
) -> None:
    sizes = [block.elements for segment in segments(*cut) for block in segment]
    assert min(sizes) > 0 and max(sizes) <= cut[2]


@given(cuts())
def test_every_element_has_its_own_channel(cut: tuple[tuple[int, ...], int | None, int]) -> None:
    shape, axis, _ = cut
    found = [
        channel for segment in segments(*cut) for block in segment for channel in channels_of(block)
    ]
    assert found == true_channels(shape, axis)


@given(cuts())
def test_a_block_says_which_channels_it_holds_and_how_their_scales_broadcast(
    cut: tuple[tuple[int, ...], int | None, int],
) -> None:
    shape, axis, _ = cut
    per_channel = np.arange(1 if axis is None else shape[axis])
    for segment in segments(*cut):
        for block in segment:
            matrix = np.asarray(channels_of(block)).reshape(block.rows, block.columns)
            spread = per_channel[block.channels].reshape(block.scale_shape)
            assert np.array_equal(np.broadcast_to(spread, matrix.shape), matrix)
            reduced = matrix.max(axis=block.reduced_axis)
            assert np.array_equal(np.atleast_1d(reduced), per_channel[block.channels])


@given(cuts())
def test_no_channel_lies_in_two_segments(cut: tuple[tuple[int, ...], int | None, int]) -> None:
    seen: set[int] = set()
    for segment in segments(*cut):
        here = {channel for block in segment for channel in channels_of(block)}
        assert not here & seen
        seen |= here


@pytest.mark.parametrize(("shape", "axis"), [((2, 3, 4), 1), ((2, 3, 4, 5), 2), ((2, 3), 2)])
def test_a_channel_axis_in_the_middle_is_refused(shape: tuple[int, ...], axis: int) -> None:
    with pytest.raises(ValueError, match=f"channel axis {axis} of {len(shape)}"):
        list(segments(shape, axis))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_a_tensor_without_elements_has_no_blocks(shape: tuple[int, ...], axis: int | None) -> None:
    assert list(segments(shape, len(shape) - 1 if axis == -1 else axis)) == []


def test_a_scalar_is_one_block() -> None:
    assert list(segments((), None)) == [(Block(0, 1, 1, 0, None),)]


def test_blocks_of_known_tensors() -> None:
    def starts(cut: list[Segment]) -> list[list[tuple[int, int, int]]]:
        return [[(block.start, block.rows, block.columns) for block in part] for part in cut]

    assert starts(list(segments((5, 4), 0, 8))) == [[(0, 2, 4)], [(8, 2, 4)], [(16, 1, 4)]]
    assert starts(list(segments((5, 4), 1, 8))) == [[(0, 2, 4), (8, 2, 4), (16, 1, 4)]]
    assert starts(list(segments((2, 5), 0, 3))) == [
        [(0, 1, 3), (3, 1, 2)],
        [(5, 1, 3), (8, 1, 2)],
    ]
    assert starts(list(segments((2, 5), None, 4))) == [[(0, 1, 4), (4, 1, 4), (8, 1, 2)]]


def test_a_small_tensor_is_read_in_one_block() -> None:
    (segment,) = segments((BLOCK_ELEMENTS // 1024, 1024), 1)
    assert (len(segment), segment[0].elements) == (1, BLOCK_ELEMENTS)


# ---- parts, and the blocks that they are cut into ------------------------------------------------


@given(cuts(), block_sizes)
def test_parts_are_cut_into_blocks_that_cover_each_element_once_with_its_channel(
    cut: tuple[tuple[int, ...], int | None, int], most: int
) -> None:
    shape, axis, part_size = cut
    blocks = [block for part in parts(shape, axis, part_size) for block in part.cut(most)]
    position = 0
    for block in blocks:
        assert block.start == position
        assert 0 < block.elements <= min(most, part_size)
        position += block.elements
    assert position == math.prod(shape)
    found = [channel for block in blocks for channel in channels_of(block)]
    assert found == true_channels(shape, axis)


@given(cuts(), block_sizes)
def test_no_channel_lies_in_two_blocks_unless_channels_spread(
    cut: tuple[tuple[int, ...], int | None, int], most: int
) -> None:
    shape, axis, _ = cut
    blocks = [block for part in parts(shape, axis, 4 * most) for block in part.cut(most)]
    channels = [channel for block in blocks for channel in set(channels_of(block))]
    if not spreads(shape, axis, most):
        assert len(channels) == len(set(channels))


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


@given(st.integers(1, 900), st.integers(1, 900), st.sampled_from([512, 1000]))
def test_parts_of_tiles_are_the_tiles_in_order(rows: int, columns: int, most: int) -> None:
    together = tile_parts(rows, columns, most)
    assert [tile for part in together for tile in part] == list(tiles(rows, columns, most))
    assert all(together)


# ---- tiles ---------------------------------------------------------------------------------------


@given(st.integers(1, 900), st.integers(1, 900), st.sampled_from([512, 1000, 4096]))
@example(1, 3000, 512)
@example(3000, 1, 512)
def test_tiles_cover_a_matrix_exactly_once(rows: int, columns: int, most: int) -> None:
    covered = np.zeros((rows, columns), np.uint8)
    for tile in tiles(rows, columns, most):
        assert 0 < tile.block.elements <= most
        assert (tile.block.rows, tile.block.columns) == (tile.rows, tile.columns)
        covered[tile.row : tile.row + tile.rows, tile.column : tile.column + tile.columns] += 1
    assert covered.min() == covered.max() == 1


@given(st.integers(1, 40), st.integers(1, 40))
def test_a_small_matrix_is_one_tile(rows: int, columns: int) -> None:
    (tile,) = tiles(rows, columns)
    assert (tile.row, tile.column, tile.rows, tile.columns) == (0, 0, rows, columns)
    assert tile.block.channels == slice(0, rows)

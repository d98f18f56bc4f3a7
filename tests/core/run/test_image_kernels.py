"""Convolution, pooling, normalization and resizing against loops written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import Array
from weightquant_cli.core.run.operators import convolution, depthwise

from .one import floats, result


def slow_convolution(
    image: Array, weight: Array, stride: int, pad: int, dilation: int, groups: int
) -> Array:
    """The definition, one output at a time."""
    whole = np.pad(image, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    count, outs = len(image), len(weight)
    high, wide = (dilation * (size - 1) + 1 for size in weight.shape[2:])
    rows = (whole.shape[2] - high) // stride + 1
    columns = (whole.shape[3] - wide) // stride + 1
    out = np.zeros((count, outs, rows, columns), np.float32)
    ins = weight.shape[1]
    for n, o, y, x in np.ndindex(out.shape):
        first = o // (outs // groups) * ins
        part = whole[
            n, first : first + ins,
            y * stride : y * stride + high : dilation, x * stride : x * stride + wide : dilation,
        ]  # fmt: skip
        out[n, o, y, x] = (part * weight[o]).sum()
    return out


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 2), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3),
    st.integers(0, 2), st.integers(1, 2), st.booleans(),
)  # fmt: skip
def test_convolutions_of_all_kinds_follow_the_definition(
    count: int, groups: int, ins: int, outs: int, size: int, pad: int, dilation: int, deep: bool
) -> None:
    ins = 1 if deep else ins
    image = floats(count, groups * ins, 7, 8, seed=ins)
    weight = floats(groups * outs, ins, size, size, seed=outs)
    for stride in (1, 2):
        ours = result(
            "conv2d", {"Input": image, "Filter": weight}, strides=[stride] * 2,
            paddings=[pad] * 2, dilations=[dilation] * 2, groups=groups,
        )  # fmt: skip
        hand = slow_convolution(image, weight, stride, pad, dilation, groups)
        np.testing.assert_allclose(ours, hand, atol=1e-4)


def test_blocks_of_rows_or_channels_do_not_change_the_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, weight = floats(2, 6, 9, 8), floats(4, 6, 3, 3)
    inputs = {"Input": image, "Filter": weight}
    thin = {"Input": image, "Filter": floats(6, 1, 3, 3)}
    whole = result("conv2d", inputs, paddings=[1, 1])
    apart = [result("conv2d", thin, groups=6, strides=[s, s]) for s in (1, 2)]
    monkeypatch.setattr(convolution, "BLOCK_BYTES", 1)
    monkeypatch.setattr(depthwise, "SHIFTED_BYTES", 1)
    monkeypatch.setattr(depthwise, "GATHERED_BYTES", 1)
    np.testing.assert_allclose(result("conv2d", inputs, paddings=[1, 1]), whole, atol=1e-5)
    for stride, expected in zip((1, 2), apart, strict=True):
        ours = result("conv2d", thin, groups=6, strides=[stride] * 2)
        np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize("small", [0, 10**9])  # shifted, and tiled
@pytest.mark.parametrize(
    ("stride", "dilation", "pad"), [(1, 1, 0), (1, 2, 1), (1, 1, 2), (2, 1, 1)]
)
def test_both_ways_of_a_depthwise_convolution_follow_the_definition(
    small: int, stride: int, dilation: int, pad: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depthwise, "SMALL_IMAGE", small)
    image, weight = floats(2, 3, 17, 14), floats(6, 1, 3, 3)
    ours = result("conv2d", {"Input": image, "Filter": weight}, strides=[stride] * 2,
                  paddings=[pad] * 2, dilations=[dilation] * 2, groups=3)  # fmt: skip
    hand = slow_convolution(image, weight, stride, pad, dilation, 3)
    np.testing.assert_allclose(ours, hand, atol=1e-4)
    sideways = result("conv2d", {"Input": image, "Filter": weight}, strides=[1, 2],
                      paddings=[pad] * 2, dilations=[dilation] * 2, groups=3)  # fmt: skip
    whole = slow_convolution(image, weight, 1, pad, dilation, 3)
    np.testing.assert_allclose(sideways, whole[..., ::2], atol=1e-4)


def test_same_padding_gives_a_window_for_every_stride_and_puts_the_odd_row_behind() -> None:
    image, weight = np.ones((1, 1, 5, 6), np.float32), np.ones((1, 1, 3, 2), np.float32)
    ours = result(
        "conv2d", {"Input": image, "Filter": weight}, strides=[2, 2], padding_algorithm="SAME"
    )
    assert ours[0, 0].tolist() == [[4, 4, 4], [6, 6, 6], [4, 4, 4]]


def test_four_paddings_are_top_bottom_left_right() -> None:
    image, weight = np.ones((1, 1, 2, 2), np.float32), np.ones((1, 1, 1, 1), np.float32)
    ours = result("conv2d", {"Input": image, "Filter": weight}, paddings=[1, 0, 0, 2])
    assert ours[0, 0].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]]


def test_the_fused_spelling_adds_a_bias_and_clips() -> None:
    inputs = {
        "Input": np.array([[[[1.0, -3.0]]]], np.float32),
        "Filter": np.ones((1, 1, 1, 1), np.float32),
        "Bias": np.array([0.5], np.float32),
    }
    assert result("conv2d", inputs, fuse_relu=True).tolist() == [[[[1.5, 0.0]]]]


@pytest.mark.parametrize("groups", [1, 2])
def test_a_transposed_convolution_is_the_adjoint_of_the_convolution(groups: int) -> None:
    """<conv(x), y> = <x, conv_transpose(y)> for the same filter."""
    x, weight = floats(2, 4, 7, 9), floats(6, 4 // groups, 3, 2)
    attributes = {"strides": [2, 1], "paddings": [1, 0], "groups": groups}
    forward = result("conv2d", {"Input": x, "Filter": weight}, **attributes)
    y = floats(*forward.shape, seed=3)
    back = result("conv2d_transpose", {"Input": y, "Filter": weight}, output_size=[7, 9],
                  **attributes)  # fmt: skip
    assert np.vdot(forward, y) == pytest.approx(np.vdot(x, back), rel=1e-4)


def test_wrong_groups_are_refused() -> None:
    inputs = {"Input": floats(1, 4, 5, 5), "Filter": floats(2, 3, 1, 1)}
    with pytest.raises(ValueError, match="1 groups"):
        result("conv2d", inputs)


IMAGE = np.arange(16, dtype=np.float32).reshape(1, 1, 4, 4)


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"pooling_type": "max", "ksize": [2, 2], "strides": [2, 2]}, [[5, 7], [13, 15]]),
        ({"pooling_type": "avg", "ksize": [2, 2], "strides": [2, 2]}, [[2.5, 4.5], [10.5, 12.5]]),
        ({"pooling_type": "max", "ksize": [3, 3], "strides": [2, 2], "ceil_mode": True},
         [[10, 11], [14, 15]]),
        ({"pooling_type": "avg", "ksize": [2, 2], "strides": [3, 3], "paddings": [1, 1],
          "exclusive": True}, [[0, 2.5], [10, 12.5]]),
        ({"pooling_type": "avg", "ksize": [2, 2], "strides": [3, 3], "paddings": [1, 1],
          "exclusive": False}, [[0, 1.25], [5, 12.5]]),
        ({"pooling_type": "avg", "ksize": [9, 9], "global_pooling": True}, [[7.5]]),
        ({"pooling_type": "avg", "ksize": [2, 1], "adaptive": True}, [[3.5], [11.5]]),
        ({"pooling_type": "avg", "ksize": [3, 3], "adaptive": True},
         [[2.5, 3.5, 4.5], [6.5, 7.5, 8.5], [10.5, 11.5, 12.5]]),
    ],
)  # fmt: skip
def test_pooling_by_hand(attributes: dict[str, object], expected: list[list[float]]) -> None:
    assert result("pool2d", {"X": IMAGE}, **attributes)[0, 0].tolist() == expected


def test_pooling_does_not_see_its_own_padding_as_the_largest_value() -> None:
    ours = result("pool2d", {"X": -1 - IMAGE}, ksize=[2, 2], paddings=[1, 1], strides=[3, 3])
    assert ours.max() < 0


def test_batch_norm_by_channel_in_either_layout() -> None:
    x = floats(2, 3, 4, 5)
    inputs = {
        "Mean": np.array([1, 2, 3], np.float32), "Variance": np.array([4, 4, 4], np.float32),
        "Scale": np.array([2, 2, 2], np.float32), "Bias": np.array([0, 1, 2], np.float32),
    }  # fmt: skip
    ours = result("batch_norm", {"X": x, **inputs}, epsilon=0.0)
    shift = np.array([1, 2, 3], np.float32).reshape(3, 1, 1)
    np.testing.assert_allclose(ours, x - shift + shift - 1, atol=1e-6)
    last = np.moveaxis(x, 1, -1)
    other = result("batch_norm", {"X": last, **inputs}, epsilon=0.0, data_layout="NHWC")
    np.testing.assert_allclose(np.moveaxis(other, -1, 1), ours, atol=1e-6)


def test_layer_norm_gives_rows_of_mean_0_and_variance_1() -> None:
    ours = result("layer_norm", {"X": 5 + 3 * floats(4, 50)}, begin_norm_axis=1)
    np.testing.assert_allclose(ours.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(ours.std(axis=1), 1, atol=1e-3)


@pytest.mark.parametrize("kind", ["nearest", "bilinear", "bicubic"])
def test_resizing_to_the_same_size_changes_nothing(kind: str) -> None:
    x = floats(1, 2, 5, 6)
    for corners in (True, False):
        ours = result(f"{kind}_interp_v2", {"X": x}, out_h=5, out_w=6, align_corners=corners,
                      align_mode=0)  # fmt: skip
        np.testing.assert_allclose(ours, x, atol=1e-6)


def test_a_doubled_image_of_nearest_neighbours() -> None:
    x = np.array([[[[1, 2], [3, 4]]]], np.float32)
    ours = result("nearest_interp_v2", {"X": x}, scale=[2.0, 2.0], align_corners=False)
    assert ours[0, 0].tolist() == [[1, 1, 2, 2], [1, 1, 2, 2], [3, 3, 4, 4], [3, 3, 4, 4]]


def test_size_tensors_go_before_all_other_sizes() -> None:
    x = floats(1, 1, 4, 4)
    tensors = [np.array([3], np.int32), np.array([5], np.int32)]
    ours = result("nearest_interp_v2", {"X": x, "SizeTensor": tensors}, out_h=9, out_w=9,
                  scale=[2.0], align_corners=False)  # fmt: skip
    assert ours.shape == (1, 1, 3, 5)

"""Kernels of the other families: cases small enough to check by hand."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from weightquant_cli.core.run import KERNELS, Tensor
from weightquant_cli.core.run.call import Unsupported
from weightquant_cli.core.run.operators.special import erf, sigmoid

from .one import floats, result, results, sequence

MATRIX = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_at_least_ninety_operators_are_known() -> None:
    assert len(KERNELS) > 250


@pytest.mark.parametrize("value", [-5.0, -1.0, -0.4, 0.0, 0.2, 0.9, 3.0, 9.0])
def test_erf_is_that_of_the_standard_library(value: float) -> None:
    assert float(erf(np.array([value], np.float64))[0]) == pytest.approx(math.erf(value), abs=1e-7)


def test_sigmoid_is_quiet_at_both_ends() -> None:
    with np.errstate(over="ignore"):
        assert sigmoid(np.array([-1e4, 0, 1e4], np.float32)).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("type", "attributes", "expected"),
    [
        ("relu6", {}, [0, 0, 0.5, 6]),
        ("leaky_relu", {"alpha": 0.5}, [-2, -0.5, 0.5, 8]),
        ("hard_sigmoid", {}, [0, 0.3, 0.6, 1]),
        ("hard_swish", {}, [0, -1 / 3, 0.5 * 3.5 / 6, 8]),
        ("clip", {"min": -2.0, "max": 2.0}, [-2, -1, 0.5, 2]),
        ("round", {}, [-4, -1, 1, 8]),
        ("thresholded_relu", {"threshold": 1.0}, [0, 0, 0, 8]),
    ],
)
def test_activations_by_hand(type: str, attributes: dict[str, Any], expected: list[float]) -> None:
    x = np.array([-4, -1, 0.5, 8], np.float32)
    ours = result(type, {"X": x}, **attributes)
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-7)
    assert ours.dtype == np.float32


def test_softmax_of_huge_values_is_finite() -> None:
    assert result("softmax", {"X": np.array([[1e30, 1e30]], np.float32)}).tolist() == [[0.5, 0.5]]


def test_kernels_never_write_to_their_inputs() -> None:
    """Every operator with one input X is run on an array that may not be written to."""
    tried = 0
    for type in KERNELS:
        x = floats(2, 4, 4, 4)
        x.flags.writeable = False
        try:
            results(type, {"X": x, "Input": x})
        except (ValueError, Unsupported, LookupError, TypeError, AttributeError) as error:
            assert "read-only" not in str(error), type
        else:
            tried += 1
    assert tried > 90


@pytest.mark.parametrize(
    ("shape", "axis", "first"),
    [((3,), -1, [10, 21, 32]), ((2,), 0, [10, 11, 12]), ((2, 1), 0, [10, 11, 12])],
)
def test_y_is_aligned_at_the_axis(shape: tuple[int, ...], axis: int, first: list[float]) -> None:
    y = 10 * (1 + np.arange(math.prod(shape), dtype=np.float32)).reshape(shape)
    ours = result("elementwise_add", {"X": MATRIX, "Y": y}, axis=axis)
    assert ours[0].tolist() == first


def test_an_axis_beyond_the_rank_is_refused() -> None:
    with pytest.raises(ValueError, match="axis 2"):
        result("elementwise_add", {"X": MATRIX, "Y": np.ones(3, np.float32)}, axis=2)


def test_integers_are_divided_towards_zero_and_floored_by_their_own_operator() -> None:
    inputs = {"X": np.array([-7, 7]), "Y": np.array([2, 2])}
    assert result("elementwise_div", inputs).tolist() == [-3, 3]
    assert result("elementwise_floordiv", inputs).tolist() == [-4, 3]
    assert result("elementwise_mod", inputs).tolist() == [1, 1]


def test_scale_adds_the_bias_before_or_after() -> None:
    assert result("scale", {"X": MATRIX}, scale=2.0, bias=1.0)[0].tolist() == [1, 3, 5]
    ours = result("scale", {"X": MATRIX}, scale=2.0, bias=1.0, bias_after_scale=False)
    assert ours[0].tolist() == [2, 4, 6]


def test_mul_flattens_both_sides() -> None:
    x, y = floats(2, 3, 4), floats(2, 2, 5)
    ours = result("mul", {"X": x, "Y": y}, x_num_col_dims=2, y_num_col_dims=2)
    np.testing.assert_allclose(ours, (x.reshape(6, 4) @ y.reshape(4, 5)).reshape(2, 3, 5))


def test_matmul_scales_and_transposes() -> None:
    x, y = floats(2, 4, 3), floats(2, 5, 4)
    ours = result("matmul", {"X": x, "Y": y}, transpose_X=True, transpose_Y=True, alpha=2.0)
    hand = 2 * x.swapaxes(1, 2) @ y.swapaxes(1, 2)
    np.testing.assert_allclose(ours, hand, rtol=1e-5)


@pytest.mark.parametrize(
    ("wanted", "shape"),
    [([0, -1], (2, 3)), ([-1], (6,)), ([3, 0, 1], None), ([0, 0, -1], (2, 3, 1))],
)
def test_reshape_copies_zeros_and_fills_minus_one(
    wanted: list[int], shape: tuple[int, ...] | None
) -> None:
    if shape is None:
        with pytest.raises(ValueError, match="reshape"):
            result("reshape2", {"X": MATRIX}, shape=wanted)
    else:
        assert result("reshape2", {"X": MATRIX}, shape=wanted).shape == shape


def test_reshape_takes_its_shape_from_tensors() -> None:
    parts = [np.array([3], np.int32), np.array([-1], np.int32)]
    assert result("reshape2", {"X": MATRIX, "ShapeTensor": parts}, shape=[1, 1]).shape == (3, 2)
    whole = np.array([6, 1], np.int32)
    assert result("reshape2", {"X": MATRIX, "Shape": whole}, shape=[1, 1]).shape == (6, 1)


@pytest.mark.parametrize(
    ("start", "end", "expected"), [(-2, 100, [1, 2]), (-9, 1, [0]), (2, 1, []), (1, -1, [1])]
)
def test_slices_end_at_the_border(start: int, end: int, expected: list[float]) -> None:
    ours = result("slice", {"Input": MATRIX}, axes=[1], starts=[start], ends=[end])
    assert ours[0].tolist() == expected


def test_a_sliced_axis_is_dropped_only_if_it_has_one_element() -> None:
    ours = result("slice", {"Input": MATRIX}, axes=[0], starts=[1], ends=[2], decrease_axis=[0])
    assert ours.tolist() == [3, 4, 5]
    with pytest.raises(ValueError, match="cannot be dropped"):
        result("slice", {"Input": MATRIX}, axes=[0], starts=[0], ends=[2], decrease_axis=[0])


def test_split_finds_the_open_section() -> None:
    parts = results("split", {"X": MATRIX}, axis=1, sections=[-1, 1])["Out"]
    assert [part.shape for part in parts] == [(2, 2), (2, 1)]
    with pytest.raises(ValueError, match="3 split into"):
        result("split", {"X": MATRIX}, axis=1, sections=[1, 1])


@pytest.mark.parametrize("index", [[5], [-6]])
def test_indices_outside_are_refused(index: list[int]) -> None:
    with pytest.raises(ValueError, match="into 5 rows"):
        result("gather", {"X": floats(5, 2), "Index": np.array(index)})


@pytest.mark.parametrize("index", [-1, 5])
def test_a_token_outside_its_table_is_refused(index: int) -> None:
    """numpy would take a negative one from the end."""
    with pytest.raises(ValueError, match="into 5 rows"):
        result("lookup_table_v2", {"W": floats(5, 2), "Ids": np.array([index])})


def test_the_padding_token_has_zeros() -> None:
    ours = result("lookup_table", {"W": np.ones((3, 2)), "Ids": np.array([[0], [2]])},
                  padding_idx=2)  # fmt: skip
    assert ours.tolist() == [[1, 1], [0, 0]]


def test_top_k_and_argsort_keep_the_order_of_equal_elements() -> None:
    x = np.array([[2, 3, 3, 1]], np.float32)
    assert results("top_k_v2", {"X": x}, k=3)["Indices"].tolist() == [[1, 2, 0]]
    assert results("argsort", {"X": x}, descending=True)["Indices"].tolist() == [[1, 2, 0, 3]]


def test_fill_constant_takes_the_exact_value_from_its_text() -> None:
    ours = result("fill_constant", {}, shape=[1], dtype=3, value=0.0, str_value="9007199254740993")
    assert ours.tolist() == [9007199254740993]


def test_random_numbers_are_refused() -> None:
    with pytest.raises(Unsupported, match="other values on every run"):
        result("gaussian_random", {}, shape=[2])


def test_dropout_scales_only_in_its_older_way() -> None:
    assert result("dropout", {"X": MATRIX}, dropout_prob=0.25)[1, 2] == 3.75
    ours = result("dropout", {"X": MATRIX}, dropout_implementation="upscale_in_train")
    np.testing.assert_array_equal(ours, MATRIX)


SEQUENCE = sequence([[1], [2], [3], [5]], 0, 3, 4)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("SUM", [6, 5]), ("AVERAGE", [2, 5]), ("MAX", [3, 5]), ("LAST", [3, 5]), ("FIRST", [1, 5])],
)
def test_sequences_are_pooled_one_by_one(kind: str, expected: list[float]) -> None:
    assert result("sequence_pool", {"X": SEQUENCE}, pooltype=kind)[:, 0].tolist() == expected


def test_an_input_without_sequences_is_told() -> None:
    with pytest.raises(ValueError, match="X has no LoD"):
        result("sequence_pool", {"X": MATRIX}, pooltype="SUM")


def test_sequences_are_padded_and_cut_again() -> None:
    padded = results("sequence_pad", {"X": SEQUENCE, "PadValue": np.zeros(1)}, padded_length=-1)
    assert padded["Out"][..., 0].tolist() == [[1, 2, 3], [5, 0, 0]]
    back = results("sequence_unpad", {"X": padded["Out"], "Length": padded["Length"]})["Out"]
    assert isinstance(back, Tensor)
    assert back.lod == SEQUENCE.lod
    np.testing.assert_array_equal(back.array, SEQUENCE.array)


def test_a_gru_over_sequences_is_its_own_step_repeated() -> None:
    size = 3
    rows, weight, bias = floats(5, 9), floats(3, 9, seed=1), floats(1, 9, seed=2)
    whole = result("gru", {"Input": sequence(rows, 0, 2, 5), "Weight": weight, "Bias": bias})
    for start, end in ((0, 2), (2, 5)):
        state = np.zeros((1, size), np.float32)
        for row in range(start, end):
            inputs = {"Input": rows[row : row + 1], "HiddenPrev": state, "Weight": weight,
                      "Bias": bias}  # fmt: skip
            state = result("gru_unit", inputs, activation=2, gate_activation=1)
            np.testing.assert_allclose(whole[row], state[0], rtol=1e-5, atol=1e-6)


def test_the_best_path_is_the_best_of_all_paths() -> None:
    emission, transition = floats(4, 3), floats(5, 3, seed=1)
    ours = result("crf_decoding", {"Emission": Tensor(emission, ((0, 4),)),
                                   "Transition": transition})[:, 0]  # fmt: skip

    def score(path: tuple[int, ...]) -> float:
        steps = sum(transition[2 + a, b] for a, b in pairwise(path))
        own = sum(emission[i, tag] for i, tag in enumerate(path))
        return float(transition[0, path[0]] + transition[1, path[-1]] + steps + own)

    best = max(np.ndindex(3, 3, 3, 3), key=score)
    assert tuple(ours.tolist()) == best


def test_ctc_drops_repeats_and_blanks() -> None:
    tokens = Tensor(np.array([[0], [7], [7], [0], [7], [5]], np.int32), ((0, 6),))
    assert result("ctc_align", {"Input": tokens}, blank=0)[:, 0].tolist() == [7, 7, 5]


def test_suppression_keeps_the_better_of_two_boxes() -> None:
    boxes = np.array([[[0, 0, 2, 2], [0, 0, 2, 1.9], [5, 5, 6, 6]]], np.float32)
    scores = np.array([[[0.6, 0.9, 0.3]]], np.float32)
    attributes = {"background_label": -1, "score_threshold": 0.1, "nms_threshold": 0.5,
                  "nms_top_k": -1, "keep_top_k": -1}  # fmt: skip
    found = results("multiclass_nms3", {"BBoxes": boxes, "Scores": scores}, **attributes)
    assert found["Index"].array[:, 0].tolist() == [1, 2]
    assert found["NmsRoisNum"].array.tolist() == [2]
    np.testing.assert_allclose(found["Out"].array[0], [0, 0.9, 0, 0, 2, 1.9], rtol=1e-6)


def test_boxes_are_encoded_and_decoded_back() -> None:
    priors = np.array([[0, 0, 2, 4], [1, 1, 3, 2]], np.float32)
    target = np.array([[0.5, 0.5, 2, 3]], np.float32)
    coded = result("box_coder", {"PriorBox": priors, "TargetBox": target},
                   code_type="encode_center_size")  # fmt: skip
    back = result("box_coder", {"PriorBox": priors, "TargetBox": coded},
                  code_type="decode_center_size")  # fmt: skip
    np.testing.assert_allclose(back, np.broadcast_to(target[:, None], back.shape), rtol=1e-5)


def test_regions_of_a_constant_image_are_constant() -> None:
    inputs = {"X": np.full((1, 2, 8, 8), 3, np.float32),
              "ROIs": np.array([[1, 1, 6, 5]], np.float32)}  # fmt: skip
    ours = result("roi_align", inputs, pooled_height=2, pooled_width=2, sampling_ratio=2)
    np.testing.assert_allclose(ours, 3)

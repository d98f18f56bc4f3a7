"""Paddle's own calling convention."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import (
    COMBINED,
    LAYOUTS,
    PDMODEL,
    Layout,
    read_arrays,
    small_model,
    tree,
    write_model,
)
from tests.cli.helpers import run
from tests.core.quantize import reference
from tests.pages import DIGITS
from weightquant_cli import Model, OptionError, WeightQuantization
from weightquant_cli.core.lite.tags import find_tags
from weightquant_cli.errors import ModelNotFoundError, NonFiniteWeightError

PARAMETERS = sorted(small_model().records)
SEPARATE_FILES = sorted(["__model__", *PARAMETERS])


def listing(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def tags(folder: Path) -> dict[str, Any]:
    """Stored bits by weight."""
    found = find_tags(Model.load(folder))
    return {tag.weight: tag.bits.value if tag.bits else None for tag in found}


def test_the_arguments_are_those_of_paddle_in_its_order() -> None:
    def arguments(function: Any) -> dict[str, Any]:
        parameters = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}

    assert list(inspect.signature(WeightQuantization).parameters) == [
        "model_dir", "model_filename", "params_filename"
    ]  # fmt: skip
    assert arguments(WeightQuantization.__init__) == {
        "model_filename": None,
        "params_filename": None,
    }
    assert list(arguments(WeightQuantization.quantize_weight_to_int).items()) == [
        ("save_model_filename", None),
        ("save_params_filename", None),
        ("quantizable_op_type", ("conv2d", "mul")),
        ("weight_bits", 8),
        ("threshold_rate", 0.0),
        ("weight_quantize_type", None),
        ("generate_test_model", False),
        ("rounding", "nearest"),
    ]


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_files_go_straight_into_the_folder_one_per_parameter(
    layout: Layout, tmp_path: Path
) -> None:
    write_model(tmp_path / "in", layout)
    WeightQuantization(tmp_path / "in").quantize_weight_to_int(tmp_path / "out")
    assert listing(tmp_path / "out") == SEPARATE_FILES
    assert tags(tmp_path / "out") == {"conv.w": 8, "fc1.w": 8}
    before, after = read_arrays(tmp_path / "in"), read_arrays(tmp_path / "out")
    for name, axis in (("conv.w", 0), ("fc1.w", 1)):
        assert np.array_equal(after[name], reference.quantized(before[name], 8, axis)[0])
        assert after[name].dtype == np.int8


def test_positional_arguments_and_text_paths_work_as_in_paddle(tmp_path: Path) -> None:
    write_model(tmp_path / "in", PDMODEL)
    quantization = WeightQuantization(
        str(tmp_path / "in"), "inference.pdmodel", "inference.pdiparams"
    )
    quantization.quantize_weight_to_int(
        str(tmp_path / "out"), "net", "net.params", ["conv2d"], 16, 0.0, "abs_max"
    )
    assert listing(tmp_path / "out") == ["net", "net.params"]
    model = Model.load(tmp_path / "out", "net", "net.params")
    array = read_arrays(tmp_path / "in")["conv.w"]
    assert np.array_equal(read_arrays(model)["conv.w"], reference.quantized(array, 16)[0])
    assert read_arrays(model)["fc1.w"].dtype == np.float32


def test_a_threshold_rate_alone_means_one_scale_per_tensor(tmp_path: Path) -> None:
    write_model(tmp_path / "in")
    WeightQuantization(tmp_path / "in").quantize_weight_to_int(
        tmp_path / "out", threshold_rate=0.01
    )
    array = read_arrays(tmp_path / "in")["conv.w"]
    integers, scale = reference.quantized(array, 8, None, 0.01)
    (tag,) = [tag for tag in find_tags(Model.load(tmp_path / "out")) if tag.weight == "conv.w"]
    assert tag.scales.value == tuple(scale.tolist())
    assert np.array_equal(read_arrays(tmp_path / "out")["conv.w"], integers)


def test_a_second_run_into_the_same_folder_replaces_its_files(tmp_path: Path) -> None:
    write_model(tmp_path / "in")
    quantization = WeightQuantization(tmp_path / "in")
    quantization.quantize_weight_to_int(tmp_path / "out", weight_bits=16)
    quantization.quantize_weight_to_int(tmp_path / "out", weight_bits=8)
    quantization.quantize_weight_to_int(tmp_path / "fresh", weight_bits=8)
    assert tree(tmp_path / "out") == tree(tmp_path / "fresh")
    assert listing(tmp_path) == ["fresh", "in", "out"]


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    write_model(tmp_path / "in")
    (tmp_path / "out" / "notes").mkdir(parents=True)
    (tmp_path / "out" / "notes" / "today").write_text("precious")
    (tmp_path / "out" / "label.txt").write_text("precious")
    WeightQuantization(tmp_path / "in").quantize_weight_to_int(tmp_path / "out")
    assert listing(tmp_path / "out") == sorted([*SEPARATE_FILES, "label.txt", "notes"])
    assert (tmp_path / "out" / "notes" / "today").read_text() == "precious"


def test_a_failure_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    builder = small_model()
    builder.conv2d("x", "bad.w", np.full((1, 1, 1, 1), np.nan, np.float32))
    builder.write(tmp_path / "in")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "__model__").write_text("old")
    with pytest.raises(NonFiniteWeightError, match=r"bad\.w"):
        WeightQuantization(tmp_path / "in").quantize_weight_to_int(tmp_path / "out")
    assert tree(tmp_path / "out") == {"__model__": b"old"}
    assert listing(tmp_path) == ["in", "out"]


# ---- generate_test_model -------------------------------------------------------------------------


@pytest.mark.parametrize("params", [None, "__params__"])
def test_a_test_model_is_written_beside_the_quantized_one(
    params: str | None, tmp_path: Path
) -> None:
    write_model(tmp_path / "in")
    WeightQuantization(tmp_path / "in").quantize_weight_to_int(
        tmp_path / "out", save_params_filename=params, generate_test_model=True
    )
    assert listing(tmp_path / "out") == ["quantized_model", "test_model"]
    files = SEPARATE_FILES if params is None else ["__model__", "__params__"]
    for folder in ("quantized_model", "test_model"):
        assert listing(tmp_path / "out" / folder) == files
    before = read_arrays(tmp_path / "in")
    after = read_arrays(tmp_path / "out" / "test_model")
    for name, array in before.items():
        axis = {"conv.w": 0, "fc1.w": 1}.get(name)
        if axis is not None:
            array = reference.dequantized(*reference.quantized(array, 8, axis), axis)
        assert np.array_equal(after[name], array)
    assert find_tags(Model.load(tmp_path / "out" / "test_model")) == ()
    assert tags(tmp_path / "out" / "quantized_model") == {"conv.w": 8, "fc1.w": 8}


def test_without_a_test_model_no_folders_are_made(tmp_path: Path) -> None:
    write_model(tmp_path / "in")
    WeightQuantization(tmp_path / "in").quantize_weight_to_int(tmp_path / "out")
    assert not [path for path in (tmp_path / "out").iterdir() if path.is_dir()]


def test_a_test_model_is_made_from_this_run_and_not_from_files_of_an_earlier_one(
    tmp_path: Path,
) -> None:
    write_model(tmp_path / "in")
    quantization = WeightQuantization(tmp_path / "in")
    quantization.quantize_weight_to_int(
        tmp_path / "out", save_params_filename="__params__", generate_test_model=True
    )
    quantization.quantize_weight_to_int(tmp_path / "out", weight_bits=16, generate_test_model=True)
    array = read_arrays(tmp_path / "in")["conv.w"]
    expected = reference.dequantized(*reference.quantized(array, 16, 0), 0)
    written = (tmp_path / "out" / "test_model" / "conv.w").read_bytes()
    assert np.array_equal(np.frombuffer(written[-expected.nbytes :], "<f4"), expected.reshape(-1))


def test_adaptive_rounding_is_that_of_the_command(tmp_path: Path) -> None:
    WeightQuantization(DIGITS).quantize_weight_to_int(
        tmp_path / "class", quantizable_op_type=["all"], rounding="adaptive"
    )
    run("quantize", "-q", "--rounding", "adaptive", DIGITS, tmp_path / "command").ok()
    assert tree(tmp_path / "class") == tree(tmp_path / "command")


# ---- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight_bits": 7}, "`weight_bits`: out of range; expected 8 to 16, found 7"),
        ({"weight_bits": 17}, "`weight_bits`: out of range; expected 8 to 16, found 17"),
        ({"threshold_rate": 1.0}, "`threshold_rate`: out of range; expected 0 <= R < 1"),
        ({"threshold_rate": -0.1}, "`threshold_rate`: out of range"),
        ({"rounding": "up"}, "`rounding`: unknown rounding 'up'; expected nearest or adaptive"),
        ({"weight_quantize_type": "channel"}, "`weight_quantize_type`: unknown type 'channel'"),
        ({"quantizable_op_type": ["conv3d"]}, "unknown operator type 'conv3d'"),
        ({"quantizable_op_type": []}, "no operator type chosen"),
        (
            {"weight_quantize_type": "channel_wise_abs_max", "threshold_rate": 0.1},
            "a threshold rate goes with abs_max only",
        ),
        ({"save_params_filename": "__model__"}, "cannot have the same file name"),
        ({"save_params_filename": "a/b"}, "not a path"),
    ],
)
def test_arguments_out_of_range_are_refused_and_leave_nothing(
    arguments: dict[str, Any], message: str, tmp_path: Path
) -> None:
    write_model(tmp_path / "in", COMBINED)
    with pytest.raises(OptionError, match=message):
        WeightQuantization(tmp_path / "in").quantize_weight_to_int(tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("generate_test_model", [False, True])
def test_the_output_may_not_overlap_the_input(generate_test_model: bool, tmp_path: Path) -> None:
    write_model(tmp_path / "in")
    before = tree(tmp_path)
    with pytest.raises(OptionError, match="input folder"):
        WeightQuantization(tmp_path / "in").quantize_weight_to_int(
            tmp_path / "in", generate_test_model=generate_test_model
        )
    assert tree(tmp_path) == before


def test_a_model_that_is_not_there_is_told_when_it_is_needed(tmp_path: Path) -> None:
    quantization = WeightQuantization(tmp_path / "nowhere")
    with pytest.raises(ModelNotFoundError):
        quantization.quantize_weight_to_int(tmp_path / "out")


def test_the_result_says_what_was_done(tmp_path: Path) -> None:
    write_model(tmp_path / "in")
    result = WeightQuantization(tmp_path / "in").quantize_weight_to_int(tmp_path / "out")
    assert {weight.name for weight in result.plan.quantized} == {"conv.w", "fc1.w"}
    assert result.sizes.after < result.sizes.before

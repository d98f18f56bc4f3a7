"""What Paddle's own API leaves in FP32, quantized and right; and bits chosen per weight."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from tests.builders import Array, read_arrays
from tests.oracles import (
    envs,
    lite,
    ours,
    paddle,
    zoo,
)
from tests.oracles.conftest import Tell
from tests.oracles.jobs import OracleFailed, relative_difference
from weightquant_cli import Model, QuantizeOptions, plan_model
from weightquant_cli.core.plan.options import AutoBits
from weightquant_cli.core.plan.size import Size
from weightquant_cli.core.run import Network, cached, stored
from weightquant_cli.core.run.answers import answers
from weightquant_cli.core.run.inputs import SampleOptions, samples

pytestmark = pytest.mark.oracle

ALL = ("all",)


def folder_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


@pytest.mark.parametrize("name", ["resnet18_2x", "vgg16_2x"])
def test_int8_is_a_quarter_where_paddle_leaves_the_linears(
    name: str, tmp_path: Path, tell: Tell
) -> None:
    envs.require(envs.PADDLE_18, envs.PADDLE_26)
    model = zoo.model(name)
    folder = tmp_path / "quantized"
    result = ours.quantized(model, folder, QuantizeOptions(op_types=ALL))
    job = paddle.QuantizeJob(
        str(model.folder), str(tmp_path / "paddle"), model.program, model.params
    )
    paddle.quantize("2.6.2", [job])
    params = "pdiparams"
    before = (model.folder / f"inference.{params}").stat().st_size
    after = (folder / f"inference.{params}").stat().st_size
    theirs = next((tmp_path / "paddle" / "quantized_model").glob(f"*.{params}")).stat().st_size
    assert after <= before / 4 * 1.01
    assert theirs >= after
    fp32 = ours.dequantized(folder, model, tmp_path / "dequantized")
    expected = ours.lite_outputs("2.12", fp32, model, tmp_path / "a")
    found = ours.lite_outputs("2.12", folder, model, tmp_path / "b")
    assert relative_difference(found, expected) <= 1e-5
    tell(
        f"{name} INT8: parameters {before / 1e6:.1f} MB -> {after / 1e6:.1f} MB, "
        f"Paddle 2.6.2's own {theirs / 1e6:.1f} MB; {result.plan.quantized_share:.1f}% quantized"
    )


def test_ppocr_rec_is_right_and_small_where_opt_makes_nan(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_18, envs.PPOCR)
    model = zoo.model("ppocr_rec")
    folder = tmp_path / "quantized"
    ours.quantized(model, folder, QuantizeOptions(op_types=ALL))
    converted = lite.convert("2.12", folder, model.program, model.params, tmp_path / "arm")
    assert converted.nb is not None
    assert converted.nb.stat().st_size <= 3.1e6
    by_opt = lite.convert(
        "2.12",
        model.folder,
        model.program,
        model.params,
        tmp_path / "opt",
        "x86",
        "--quant_model=true",
        "--quant_type=QUANT_INT8",
    )
    assert by_opt.nb is not None
    try:
        (found, *_) = lite.run("2.12", by_opt.nb, model.feeds)
        verdict = "NaN" if np.isnan(found).any() else "no NaN"
    except OracleFailed:
        verdict = "abort"
    assert verdict in ("NaN", "abort")
    tell(
        f"ppocr_rec INT8: {converted.nb.stat().st_size / 1e6:.2f} MB .nb for arm; "
        f"opt --quant_model: {verdict}"
    )


@pytest.mark.parametrize("name", ["transformer_2x", "transformer_1x"])
def test_a_transformer_is_quantized_whole(name: str) -> None:
    envs.require(envs.PADDLE_18, envs.PADDLE_26)
    plan = plan_model(ours.load(zoo.model(name)), QuantizeOptions(op_types=ALL))
    assert plan.quantized_share >= 98.9
    assert all(len(weight.weight.record.shape) < 2 for weight in plan.kept)
    assert all(weight.reason and weight.reason.text for weight in plan.kept)


def test_a_text_model_shrinks_to_about_a_quarter(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_18)
    result = ours.quantized(zoo.model("text_large"), tmp_path / "q", QuantizeOptions(op_types=ALL))
    assert result.sizes.params_after <= 0.27 * result.sizes.params_before
    tell(
        f"text_large INT8: {result.sizes.params_before / 1e6:.2f} MB -> "
        f"{result.sizes.params_after / 1e6:.2f} MB"
    )


# ---- automatic bits -------------------------------------------------------------------------

SETTINGS: list[tuple[str, int | AutoBits]] = [
    ("INT8", 8),
    ("--min-sqnr 32", AutoBits(32.0)),
    ("--min-sqnr 35", AutoBits(35.0)),
    ("--min-sqnr 40", AutoBits(40.0)),
    ("--target-size 30%", AutoBits(target_size=Size(30, relative=True))),
    ("--target-size 35%", AutoBits(target_size=Size(35, relative=True))),
    ("--target-size 40%", AutoBits(target_size=Size(40, relative=True))),
    ("INT16", 16),
]


@pytest.mark.parametrize("name", ["ppocr_rec", "ppocr_det"])
def test_automatic_bits_trade_size_for_error(name: str, tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_18, envs.PPOCR)
    model = zoo.model(name)
    reference = ours.lite_outputs("2.12", model.folder, model, tmp_path / "fp32")
    errors = {}
    for index, (label, bits) in enumerate(SETTINGS):
        folder = tmp_path / str(index)
        options = QuantizeOptions(bits=bits, op_types=ALL)
        result = ours.quantized(model, folder, options)
        assert folder_size(folder) == result.sizes.after
        worst = result.worst
        assert worst is not None
        assert worst.error is not None
        if isinstance(bits, AutoBits) and bits.target_size is not None:
            assert result.sizes.after <= bits.target_size.of(result.sizes.before)
        elif isinstance(bits, AutoBits) and bits.min_sqnr is not None:
            assert worst.error.sqnr >= bits.min_sqnr
        found = ours.lite_outputs("2.12", folder, model, tmp_path / f"run{index}")
        errors[label] = max(
            float(np.abs(a - b.reshape(a.shape)).max())
            for a, b in zip(found, reference, strict=True)
        )
        tell(
            f"bits {name} {index} {label}: {result.sizes.after / 1e6:.2f} MB "
            f"({100 / result.sizes.ratio:.1f}%), worst SQNR {worst.error.sqnr:.1f} dB, output "
            f"moves by {errors[label]:.1e}"
        )
    assert errors["INT16"] < errors["--min-sqnr 40"] < errors["INT8"]


def nearest(values: Array, axis: int, bits: int) -> Array:
    """A weight rounded to nearest with a scale for each channel, and back in float32."""
    others = tuple(index for index in range(values.ndim) if index != axis)
    limit = np.float32(2 ** (bits - 1) - 1)
    scale = np.abs(values).max(axis=others, keepdims=True) / limit
    return np.asarray(np.rint(values / np.where(scale == 0, 1, scale)) * scale, np.float32)


@pytest.mark.parametrize("share", [30, 35])
def test_few_random_choices_of_the_same_size_keep_the_answers_as_well(
    share: int, tell: Tell
) -> None:
    envs.require(envs.PPOCR)
    stored_model = zoo.model("ppocr_rec")
    model = Model.load(stored_model.folder, stored_model.program, stored_model.params)
    auto = AutoBits(target_size=Size(share, relative=True))
    plan = plan_model(model, QuantizeOptions(bits=auto, op_types=ALL))
    network = Network(model.program, cached(stored(model.stored)))
    (name,) = answers(network.graph).values()
    inputs = list(samples(model, SampleOptions(count=3, seed=7)))
    original = [network.run(sample, keep=(name,)).outputs[name] for sample in inputs]
    arrays = read_arrays(model)
    rounded = {
        (w.name, bits): nearest(arrays[w.name], w.quantization.channel_axis or 0, bits)
        for w in plan.quantized
        for bits in (8, 16)
    }

    def change(bits: dict[str, int]) -> float:
        replaced = {each: rounded[each, number] for each, number in bits.items()}
        found = [network.run(s, keep=(name,), replace=replaced).outputs[name] for s in inputs]
        return sum(float(np.square(a - b).sum()) for a, b in zip(found, original, strict=True))

    cost = {w.name: w.weight.record.elements for w in plan.quantized}
    chosen = {w.name: w.quantization.bits for w in plan.quantized}
    budget = sum(cost[each] for each, bits in chosen.items() if bits == 16)
    rng = random.Random(share)
    others = []
    for _ in range(20):
        left, bits = budget, dict.fromkeys(cost, 8)
        for each in rng.sample(sorted(cost), len(cost)):
            if cost[each] <= left:
                left, bits[each] = left - cost[each], 16
        others.append(change(bits))
    ours_change = change(chosen)
    better = sum(other < ours_change for other in others)
    ratio = float(np.median(others)) / ours_change
    tell(f"bits ppocr_rec {share}%: {better} of 20 random choices better, the median {ratio:.1f} x")
    assert better <= 5
    assert ratio > 1

"""What Paddle's own API leaves in FP32, quantized and right; and bits chosen per weight."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

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
from weightquant_cli.core.quantize.auto_bits import relative_error

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


@pytest.mark.parametrize("share", [30, 35, 40])
@pytest.mark.parametrize("name", ["ppocr_rec", "ppocr_det"])
def test_no_random_assignment_of_the_same_size_has_less_error(
    name: str, share: int, tmp_path: Path
) -> None:
    envs.require(envs.PPOCR)
    model = zoo.model(name)
    errors = {}
    for bits in (8, 16):
        result = ours.quantized(
            model, tmp_path / str(bits), QuantizeOptions(bits=bits, op_types=ALL)
        )
        for weight in result.weights:
            if weight.error is not None:
                errors[weight.plan.name, bits] = relative_error(weight.error)
    auto = AutoBits(target_size=Size(share, relative=True))
    chosen = ours.quantized(model, tmp_path / "auto", QuantizeOptions(bits=auto, op_types=ALL))
    stored = Model.load(tmp_path / "auto")
    cost = {w.name: w.weight.record.elements for w in chosen.plan.quantized}
    raised = {name for name in cost if stored.weight(name).record.dtype.name == "INT16"}
    budget = sum(cost[name] for name in raised)
    ours_total = sum(errors[name, 16 if name in raised else 8] for name in cost)
    rng = random.Random(share)
    for _ in range(200):
        names = sorted(cost)
        rng.shuffle(names)
        left, total = budget, 0.0
        for each in names:
            fits = cost[each] <= left
            left -= cost[each] if fits else 0
            total += errors[each, 16 if fits else 8]
        assert total >= ours_total * (1 - 1e-12)

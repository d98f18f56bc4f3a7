"""How many held-out digits the phone's runtime still recognizes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.oracles import (
    envs,
    lite,
    ours,
    zoo,
)
from tests.oracles.conftest import Tell
from tests.oracles.jobs import Feed
from weightquant_cli import AutoBits, OutputOptions, QuantizeOptions, plan_model, quantize
from weightquant_cli.core.quantize.adaptive.adaptive import round_adaptively
from weightquant_cli.core.quantize.adaptive.result import NO_ROUNDING
from weightquant_cli.core.run.inputs import SampleOptions, samples

pytestmark = pytest.mark.oracle


def accuracy(folder: Path, scratch: Path) -> tuple[float, int]:
    """Share of the held-out images recognized by Paddle Lite, and bytes of the .nb for arm."""
    scratch.mkdir()
    with np.load(zoo.DIGITS / "digits_heldout.npz") as held:
        images, labels = held["images"], held["labels"]
    feeds = {"image": Feed((images[:, None] / 16).astype("float32"))}
    (found,) = lite.convert_and_run("2.12", folder, "__model__", None, scratch, feeds)
    converted = lite.convert("2.12", folder, "__model__", None, scratch / "arm")
    assert converted.nb is not None
    return float((found.argmax(1) == labels).mean()), converted.nb.stat().st_size


def test_int16_loses_no_digit_and_int8_at_most_one_percent(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_18)
    model = zoo.model("digits")
    found = {"FP32": accuracy(model.folder, tmp_path / "fp32")}
    for bits in (16, 8):
        folder = tmp_path / f"int{bits}"
        ours.quantized(model, folder, QuantizeOptions(bits=bits, op_types=("all",)))
        found[f"INT{bits}"] = accuracy(folder, tmp_path / f"lite{bits}")
    for kind, (share, size) in found.items():
        tell(f"digits {kind}: {share:.1%} of 500 held-out images, .nb {size} bytes")
    assert found["INT16"][0] == found["FP32"][0]
    assert found["INT8"][0] >= found["FP32"][0] - 0.01
    assert found["FP32"][0] > 0.97


def test_adaptive_rounding_loses_few_digits_down_to_four_bits(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_18)
    model = ours.load(zoo.model("digits"))
    settings: dict[str, int | AutoBits] = {
        "--accurate": AutoBits(),
        "6 bits": 6,
        "5 bits": 5,
        "4 bits": 4,
    }
    found: dict[tuple[str, str], float] = {}
    for number, (label, bits) in enumerate(settings.items()):
        plan = plan_model(model, QuantizeOptions(bits=bits, op_types=("all",)))
        adaptive = round_adaptively(model, plan, samples(model, SampleOptions()))
        for kind, rounding in (("nearest", NO_ROUNDING), ("adaptive", adaptive)):
            folder = tmp_path / f"{kind}{number}"
            quantize(model, plan, OutputOptions(folder), rounding=rounding)
            found[label, kind], size = accuracy(folder, tmp_path / f"lite-{kind}{number}")
            tell(f"digits, {label}, {kind}: {found[label, kind]:.1%} of 500, .nb {size} bytes")
    whole, _ = accuracy(zoo.model("digits").folder, tmp_path / "fp32")
    tell(f"digits, FP32: {whole:.1%}")
    assert min(found[label, "adaptive"] for label in settings) >= whole - 0.01

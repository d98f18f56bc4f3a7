"""What --accurate gains on text: the changes of PP-OCRv4's answers beside those of plain INT8.

A small part of what `python -m tests.accuracy` measures: few lines, in our interpreter, whose
answers other tests compare with Paddle's. The bounds are a share of what plain INT8 does, and some
way above what was measured.
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
import pytest

from tests.accuracy.plain_lines import FILE
from tests.oracles import envs, zoo
from tests.oracles.conftest import Tell
from weightquant_cli import AutoBits, Model, QuantizeOptions, plan_model
from weightquant_cli.core.plan.plan import Plan
from weightquant_cli.core.quantize.adaptive.adaptive import round_adaptively
from weightquant_cli.core.quantize.adaptive.result import NO_ROUNDING, AdaptiveRounding
from weightquant_cli.core.quantize.dequantized import planned
from weightquant_cli.core.run import Network, cached, stored
from weightquant_cli.core.run.inputs import SampleOptions, samples
from weightquant_cli.core.run.scope import Load

pytestmark = pytest.mark.oracle

Floats = npt.NDArray[np.float32]

NOISE = 0.08
"""Deviation of the noise on a line, black being -1 and white 1."""


def noisy(pictures: Floats) -> Floats:
    noise = np.random.default_rng(0).standard_normal(pictures.shape, np.float32)
    return np.asarray(np.clip(pictures + NOISE * noise, -1, 1))


@functools.cache
def lines() -> Floats:
    """Text in the middle of a strip, of shape ``(lines, 3, 48, 320)``."""
    gray = np.load(FILE)["lines"].astype(np.float32) / 7.5 - 1
    return noisy(np.broadcast_to(gray[:, None], (len(gray), 3, *gray.shape[1:])))


def page() -> Floats:
    """The lines below and beside each other, as detection takes them."""
    left, right = np.split(lines(), 2)
    columns = [np.concatenate(list(half), axis=1) for half in (left, right)]
    whole = np.concatenate(columns, axis=2)  # 576 x 640
    whole = np.pad(whole, ((0, 0), (32, 32), (0, 0)), mode="edge")
    return np.asarray(whole[None] * np.float32(2.1))


def answers(model: Model, load: Load, inputs: Floats) -> Floats:
    network = Network(model.program, cached(load))
    (name,) = network.inputs
    parts = [network.run({name: inputs[i : i + 8]}).require() for i in range(0, len(inputs), 8)]
    return np.concatenate([part.outputs[network.outputs[0]] for part in parts])


def quantized(model: Model, bits: int | AutoBits, adaptive: bool) -> Load:
    """The weights as a phone computes with them."""
    plan = plan_model(model, QuantizeOptions(bits=bits, op_types=("all",)))
    return planned(model, plan, rounding(model, plan) if adaptive else NO_ROUNDING)


def rounding(model: Model, plan: Plan) -> AdaptiveRounding:
    return round_adaptively(model, plan, samples(model, SampleOptions()))


def divergence(found: Floats, original: Floats) -> float:
    """Mean Kullback-Leibler divergence of a step's distribution."""
    ratio = np.log(np.maximum(original, 1e-12)) - np.log(np.maximum(found, 1e-12))
    return float((original * ratio).sum(axis=-1).mean())


def change(found: Floats, original: Floats) -> float:
    """Root of the mean squared change of a map of probabilities."""
    return float(np.sqrt(np.mean(np.square(found - original, dtype=np.float64))))


def test_recognition_loses_a_fraction_and_six_bits_no_more_than_plain_int8(tell: Tell) -> None:
    envs.require(envs.PPOCR)
    model = Model.load(zoo.model("ppocr_rec").folder)
    original = answers(model, stored(model.stored), lines())
    plain, accurate, six = (
        divergence(answers(model, quantized(model, bits, adaptive), lines()), original)
        for bits, adaptive in ((8, False), (AutoBits(), True), (6, True))
    )
    tell(f"recognition: KL {plain:.4f} with INT8, {accurate:.4f} --accurate, {six:.4f} 6 adaptive")
    assert accurate < 0.25 * plain
    assert six < 1.2 * plain


def test_detection_loses_a_fraction_of_plain_int8(tell: Tell) -> None:
    envs.require(envs.PPOCR)
    model = Model.load(zoo.model("ppocr_det").folder)
    original = answers(model, stored(model.stored), page())
    assert (original > 0.3).mean() > 0.03  # it finds text
    plain, accurate = (
        change(answers(model, quantized(model, bits, adaptive), page()), original)
        for bits, adaptive in ((8, False), (AutoBits(), True))
    )
    tell(f"detection: rms {plain:.4f} with INT8, {accurate:.4f} --accurate")
    assert accurate < 0.4 * plain

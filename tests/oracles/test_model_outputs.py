"""`dequantize-check --outputs` against the same figures from answers of the real PaddlePaddle."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.oracles import envs, paddle, zoo
from tests.oracles.conftest import Tell
from tests.oracles.jobs import Array, Feed
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    dequantize,
    plan_model,
    quantize,
)
from weightquant_cli.core.check.compare_outputs import SEED, RunOptions, compare_model_outputs
from weightquant_cli.core.run.inputs import SampleOptions, samples

pytestmark = pytest.mark.oracle

COUNT = 4


def figures(before: Array, after: Array) -> tuple[float, float, float]:
    """SQNR in dB, largest change, agreement in percent, in plain numpy."""
    noise = ((before - after) ** 2).sum()
    agreeing = before.argmax(axis=-1) == after.argmax(axis=-1)
    return (
        10 * math.log10((before**2).sum() / noise),
        np.abs(before - after).max(),
        100 * agreeing.mean(),
    )


@pytest.mark.parametrize("name", zoo.PPOCR)
def test_the_figures_are_those_of_paddle_s_answers(name: str, tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_26, envs.PPOCR)
    subject = zoo.model(name)
    reference = Model.load(subject.folder)
    quantize(
        reference,
        plan_model(reference, QuantizeOptions(op_types=("all",))),
        OutputOptions(tmp_path / "int8"),
    )
    ours = Model.load(tmp_path / "int8")
    dequantize(ours, OutputOptions(tmp_path / "fp32"))
    options = SampleOptions(count=COUNT, seed=SEED)
    (output,) = compare_model_outputs(ours, reference, RunOptions(options)).outputs
    feeds = [
        {key: Feed(value.array) for key, value in sample.items()}
        for sample in samples(reference, options)
    ]
    answers = paddle.run(
        "2.6.2",
        [
            paddle.RunJob(folder, subject.program, subject.params, feed, (output.sqnr_of,))
            for folder in (subject.folder, tmp_path / "fp32")
            for feed in feeds
        ],
    )
    (before, after), (logits, moved) = (
        [
            np.concatenate([outputs[place] for outputs in part]).astype(np.float64)
            for part in (answers[:COUNT], answers[COUNT:])
        ]
        for place in (0, 1)
    )
    _, largest, agreement = figures(before, after)
    sqnr, _, _ = figures(logits, moved)
    assert output.sqnr_of != output.name
    rows = before.size / before.shape[-1]
    tell(
        f"{name}: SQNR {output.sqnr_db:.2f} dB, by Paddle {sqnr:.2f}; largest change "
        f"{output.max_change:.4g}, {largest:.4g}; agreement {output.agreement}%, {agreement}%"
    )
    assert output.sqnr_db == pytest.approx(sqnr, abs=0.1)
    assert output.max_change == pytest.approx(largest, rel=0.02)
    assert output.agreement == pytest.approx(agreement, abs=100 / rows + 1e-9)


def test_a_model_that_paddle_quantized_is_matched_with_its_original(
    tmp_path: Path, tell: Tell
) -> None:
    """PaddlePaddle names the outputs anew, and puts a `scale` before each."""
    envs.require(envs.PADDLE_18)
    subject = zoo.model("mobilenet_v1")
    paddle.quantize("1.8.5", [paddle.QuantizeJob(str(subject.folder), str(tmp_path))])
    folder = next(path.parent for path in sorted(tmp_path.rglob("__model__")))
    ours, reference = Model.load(folder), Model.load(subject.folder)
    found = compare_model_outputs(ours, reference, RunOptions(SampleOptions(count=2), layers=True))
    assert all(output.mismatched == 0 for output in found.outputs)
    assert all(output.sqnr_db > 15 for output in found.outputs)
    walked = len(found.layers or ())
    assert walked >= len(reference.program.blocks[0].operators) - 3
    tell(f"mobilenet_v1 by Paddle 1.8.5: {found.outputs[0].sqnr_db:.1f} dB, {walked} layers")

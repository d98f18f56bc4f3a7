"""Rewrites alone, with nothing quantized: PaddlePaddle computes the same from both programs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.core.plan.cases import rewrites_alone
from tests.oracles import envs, paddle, zoo
from tests.oracles.conftest import Tell
from tests.oracles.jobs import (
    Feed,
    relative_difference,
    run_script,
    scratch,
)
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    make_plan,
    quantize,
)
from weightquant_cli.core.plan.plan import Plan

pytestmark = pytest.mark.oracle

SIZES = st.integers(1, 9)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """An operator, the shapes of its input and weight, which dims are declared as -1."""
    kind = draw(st.sampled_from(["matmul_v2", "matmul", "lookup_table_v2"]))
    lookup = kind == "lookup_table_v2"
    outer = draw(st.lists(SIZES, min_size=1, max_size=3))
    depth, columns = draw(SIZES), draw(SIZES)
    transpose = not lookup and draw(st.booleans())
    shape = outer if lookup else [*outer, depth]
    hidden = draw(st.lists(st.booleans(), min_size=len(outer), max_size=len(outer)))
    declared = [-1 if hide else dim for dim, hide in zip(shape, hidden, strict=False)]
    return {
        "type": kind,
        "shape": shape,
        "declared": declared + shape[len(outer) :],
        "weight": [columns, depth] if transpose else [depth, columns],
        "transpose": transpose,
        "padding_idx": draw(st.none() | st.integers(0, depth - 1)),
    }


def only_rewritten(folder: Path, out: Path) -> Plan:
    """Write the rewritten model, nothing quantized; its plan."""
    model = Model.load(folder)
    plan = rewrites_alone(make_plan(model, QuantizeOptions(op_types=("all",))))
    quantize(model, plan, OutputOptions(out))
    return plan


def input_for(case: dict[str, Any]) -> Feed:
    rng = np.random.default_rng(4)
    if case["type"] == "lookup_table_v2":
        return Feed(rng.integers(0, case["weight"][0], case["shape"]))
    return Feed(rng.standard_normal(case["shape"]).astype("float32"))


@settings(
    max_examples=4,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(cases(), min_size=40, max_size=40))
def test_paddle_computes_the_same_from_the_rewritten_program(batch: list[dict[str, Any]]) -> None:
    envs.require(envs.PADDLE_26)
    with scratch() as name:
        folder = Path(name)
        for index, case in enumerate(batch):
            case["out"] = str(folder / f"case{index}")
        run_script(envs.PADDLE_26, "build_rewritable.py", batch, folder)
        jobs = []
        for index, case in enumerate(batch):
            plan = only_rewritten(folder / f"case{index}", folder / f"rewritten{index}")
            assert plan.weights[0].rewrites, case
            feeds = {"x": input_for(case)}
            for kind in ("case", "rewritten"):
                place = folder / f"{kind}{index}"
                jobs.append(paddle.RunJob(place, "inference.pdmodel", "inference.pdiparams", feeds))
        outputs = paddle.run("2.6.2", jobs)
        for index, case in enumerate(batch):
            before, after = outputs[2 * index : 2 * index + 2]
            assert before[0].shape == after[0].shape, case
            assert relative_difference(after, before) <= 1e-6, case


@pytest.mark.parametrize("name", ["transformer_2x", "linears_2x", "ppocr_rec", "ppocr_cls"])
def test_whole_models_compute_the_same(name: str, tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_26, envs.PPOCR)
    model = zoo.model(name)
    plan = only_rewritten(model.folder, tmp_path / "rewritten")
    count = sum(len(weight.rewrites) for weight in plan.weights)
    before, after = paddle.run(
        "2.6.2",
        [
            paddle.RunJob(folder, model.program, model.params, model.feeds)
            for folder in (model.folder, tmp_path / "rewritten")
        ],
    )
    difference = relative_difference(after, before)
    assert count > 0
    assert difference <= 1e-6
    tell(
        f"rewrites alone, {name}: {count} operators, Paddle 2.6.2's output off by {difference:.1e}"
    )


def test_paddle_1_8_5_computes_the_same_from_a_rewritten_1x_model(tmp_path: Path) -> None:
    envs.require(envs.PADDLE_18)
    model = zoo.model("transformer_1x")
    only_rewritten(model.folder, tmp_path / "rewritten")
    before, after = paddle.run(
        "1.8.5",
        [
            paddle.RunJob(folder, model.program, model.params, model.feeds)
            for folder in (model.folder, tmp_path / "rewritten")
        ],
    )
    assert relative_difference(after, before) <= 1e-6

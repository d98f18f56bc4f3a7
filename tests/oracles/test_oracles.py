"""The oracles themselves: every model is what its name says, and Paddle Lite's FP32 is Paddle's.

A comparison against an oracle proves nothing where the oracle is wrong, or where saving pruned away
the very operators that the model was made for.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.oracles import (
    envs,
    lite,
    paddle,
    zoo,
)
from tests.oracles.jobs import relative_difference
from weightquant_cli.formats import framework_pb2

pytestmark = pytest.mark.oracle

HOLDS = {
    "digits": {"conv2d": 3, "depthwise_conv2d": 1, "batch_norm": 4, "mul": 2},
    "mobilenet_v1": {"conv2d": 14, "depthwise_conv2d": 13, "batch_norm": 27, "mul": 1},
    "grouped": {"conv2d": 3, "depthwise_conv2d": 1, "mul": 1},
    "resnet": {"conv2d": 9, "batch_norm": 9, "mul": 1},
    "text": {"lookup_table": 1, "gru": 1, "mul": 2},
    "text_large": {"lookup_table": 1, "gru": 1, "mul": 2},
    "subblock": {"while": 1, "mul": 3},
    "transformer_1x": {"lookup_table": 2, "mul": 12, "matmul": 6, "layer_norm": 4},
    "shared_mul_mul": {"mul": 2},
    "shared_mul_matmul": {"mul": 1, "matmul": 1},
    "shared_conv_conv": {"conv2d": 2},
    "shared_conv_conv_bn": {"conv2d": 2, "batch_norm": 2},
    "shared_fc_fc": {"mul": 2},
    "shared_lookup_matmul": {"lookup_table": 1, "matmul": 1},
    "shared_mul_subblock": {"while": 1, "mul": 2},
    "linears_2x": {"matmul_v2": 5},
    "transformer_2x": {"lookup_table_v2": 2, "matmul_v2": 34},
}
"""What each model was made for; `transformer_2x` counts the products of attention too."""

WRONG_IN_LITE = {"shared_conv_conv_bn"}
"""Paddle Lite folds both batch norms into the one weight: wrong in FP32 as well."""

COMPARED = sorted(HOLDS.keys() - WRONG_IN_LITE) + sorted(zoo.PPOCR)

LOOPED = ("subblock", "shared_mul_subblock")


def program(name: str, layout: str = "separate") -> framework_pb2.ProgramDesc:
    model = zoo.model(name, layout)
    parsed = framework_pb2.ProgramDesc()
    parsed.ParseFromString((model.folder / model.program).read_bytes())
    return parsed


def require_for(name: str) -> None:
    envs.require(envs.PADDLE_18)
    if name in zoo.MODELS_2X or name in zoo.PPOCR:
        envs.require(envs.PADDLE_26)
    if name in zoo.PPOCR:
        envs.require(envs.PPOCR)


@pytest.mark.parametrize("name", sorted(HOLDS))
def test_a_zoo_model_holds_the_operators_it_was_made_for(name: str) -> None:
    require_for(name)
    counts = Counter(op.type.decode() for block in program(name).blocks for op in block.ops)
    assert {kind: counts[kind] for kind in HOLDS[name]} == HOLDS[name]


@pytest.mark.parametrize("name", LOOPED)
def test_a_sub_block_holds_a_weighted_mul(name: str) -> None:
    envs.require(envs.PADDLE_18)
    parsed = program(name)
    persistable = {v.name for block in parsed.blocks for v in block.vars if v.persistable}
    inside = [op for block in parsed.blocks[1:] for op in block.ops if op.type == b"mul"]
    read = {
        argument
        for op in inside
        for slot in op.inputs
        if slot.parameter == b"Y"
        for argument in slot.arguments
    }
    assert read
    assert read <= persistable


@pytest.mark.parametrize("name", COMPARED)
def test_lite_computes_in_fp32_what_paddle_computes(name: str, tmp_path: Path) -> None:
    require_for(name)
    model = zoo.model(name, "combined")
    job = paddle.RunJob(model.folder, model.program, model.params, model.feeds)
    (expected,) = paddle.run(model.paddle, [job])
    for output in expected:
        assert np.isfinite(output).all()
        assert output.std() > 1e-3, "the output is constant and would hide errors"
    found = lite.convert_and_run(
        "2.12", model.folder, model.program, model.params, tmp_path, model.feeds
    )
    assert relative_difference(found, expected) <= 1e-4


def test_opt_that_writes_nothing_gives_no_file_whatever_its_exit_code(tmp_path: Path) -> None:
    envs.require(envs.PADDLE_18)
    (tmp_path / "model.nb").write_bytes(b"of an earlier run")
    (tmp_path / "empty").mkdir()
    converted = lite.convert("2.12", tmp_path / "empty", "__model__", None, tmp_path / "model")
    assert converted.nb is None

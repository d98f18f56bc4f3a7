"""Small files that ask for much work: time and output grow with the file, not with its square."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import builders
from tests.builders import ModelBuilder, add_attribute, normal
from tests.cli.helpers import run

COUNT = 4000

# What took the square of the count took minutes here.
MAX_SECONDS = 10.0


def one_weight_of_many_readers() -> ModelBuilder:
    model = ModelBuilder()
    x = model.input("x", (-1, 4))
    model.parameter("w", normal(4, 4))
    for number in range(COUNT):
        model.op("mul", {"X": x, "Y": "w"}, {"Out": f"out{number}"}, {"x_num_col_dims": 1})
    return model


def many_tags_on_one_operator() -> ModelBuilder:
    model = ModelBuilder()
    model.mul(model.input("x", (-1, 4)), "w", normal(4, 4))
    for number in range(COUNT):
        add_attribute(model.main.desc.ops[-1], f"v{number}_quant_scale", [1.0])
    return model


def many_tags_of_one_weight() -> ModelBuilder:
    model = one_weight_of_many_readers()
    for op in model.main.desc.ops:
        add_attribute(op, "w_quant_scale", [1.0] * 4)
    return model


def many_convolutions_before_many_additions() -> ModelBuilder:
    model = ModelBuilder()
    x = model.input("x", (-1, 3, 8, 8))
    model.parameter("w", normal(4, 3, 3, 3))
    for _ in range(COUNT):
        model.op("conv2d", {"Input": x, "Filter": "w"}, {"Output": "same"})
        model.op("elementwise_add", {"X": "same"}, {"Out": "same"})
    return model


def many_loops_around_one_block() -> ModelBuilder:
    model = ModelBuilder()
    block = model.program.block()
    names = [model.parameter(f"p{number}", normal(1)) for number in range(COUNT)]
    block.op("sum", {"X": names}, {"Out": "y"})
    for name in names:
        model.op("while", {"X": name}, {"Out": "y"}, {"sub_block": block})
    return model


def a_deep_nest_of_blocks() -> ModelBuilder:
    model = ModelBuilder()
    weight = model.parameter("w", normal(4, 4))
    blocks = [model.main, *(model.program.block(parent) for parent in range(COUNT))]
    for outer, inner in itertools.pairwise(blocks):
        outer.op("while", {"X": weight}, {"Out": "y"}, {"sub_block": inner})
    blocks[-1].op("mul", {"X": "x", "Y": weight}, {"Out": "y"})
    return model


def blocks_that_all_run_one_that_reads_much() -> ModelBuilder:
    model = ModelBuilder()
    inner = [model.program.block() for _ in range(COUNT)]
    names = [model.parameter(f"p{number}", normal(1)) for number in range(COUNT)]
    inner[-1].op("sum", {"X": names}, {"Out": "y"})
    for block in inner[:-1]:
        block.op("while", {"X": names[0]}, {"Out": "y"}, {"sub_block": inner[-1]})
    return model


def one_operator_with_many_weights_and_attributes() -> ModelBuilder:
    model = ModelBuilder()
    names = [model.parameter(f"p{number}", normal(1)) for number in range(COUNT)]
    model.op("mul", {"X": names, "Y": names}, {"Out": names})
    for number in range(COUNT):
        add_attribute(model.main.desc.ops[-1], f"v{number}", 1)
    return model


def one_operator_with_many_tagged_weights() -> ModelBuilder:
    model = ModelBuilder()
    names = [model.parameter(f"p{number}", normal(1)) for number in range(COUNT)]
    model.op("conv2d", {"Filter": names, "Bias": names}, {"Output": "y"})
    for name in names:
        add_attribute(model.main.desc.ops[-1], f"{name}_quant_scale", [1.0])
    return model


def tags_of_what_many_following_operators_read() -> ModelBuilder:
    model = ModelBuilder()
    model.parameter("w", normal(4, 4))
    model.op("relu", {"X": "x"}, {"Out": "y"})
    for _ in range(COUNT):
        add_attribute(model.main.desc.ops[-1], "w_quant_scale", [1.0])
    for number in range(COUNT):
        model.op("mul", {"X": "y", "Y": "w"}, {"Out": f"z{number}"})
    return model


def many_lookups_of_the_same_ids() -> ModelBuilder:
    model = ModelBuilder()
    ids = model.input("ids", (-1, 7), builders.INT64)
    model.parameter("w", normal(4, 4))
    for number in range(COUNT):
        model.op("lookup_table_v2", {"Ids": ids, "W": "w"}, {"Out": f"o{number}"})
    return model


def one_name_of_100000_characters_among_many() -> ModelBuilder:
    model = ModelBuilder()
    model.mul(model.input("x", (-1, 4)), "n" * 100_000, normal(4, 4))
    for number in range(COUNT):
        model.parameter(f"p{number}", normal(1))
    return model


@pytest.mark.parametrize(
    "build",
    [
        one_weight_of_many_readers, many_tags_on_one_operator, many_tags_of_one_weight,
        many_convolutions_before_many_additions, many_loops_around_one_block,
        a_deep_nest_of_blocks, one_name_of_100000_characters_among_many,
        blocks_that_all_run_one_that_reads_much, one_operator_with_many_weights_and_attributes,
        one_operator_with_many_tagged_weights, tags_of_what_many_following_operators_read,
        many_lookups_of_the_same_ids,
    ],
)  # fmt: skip
def test_no_small_model_takes_long_or_says_much(
    build: Callable[[], ModelBuilder], tmp_path: Path
) -> None:
    folder = build().write(tmp_path / "model", builders.COMBINED)
    size = sum(path.stat().st_size for path in folder.iterdir())
    for line in (
        ("inspect", folder),
        ("quantize", "--op-type", "all", folder, tmp_path / "out"),
        ("dequantize-check", folder),
        ("dequantize-check", "--save-dequantized", tmp_path / "out2", folder),
        ("quantize", "-n", folder, tmp_path / "out3"),
    ):
        started = time.process_time()
        result = run(*line)
        assert time.process_time() - started < MAX_SECONDS, line[0]
        assert len(result.out) < 10 * size + 1_000_000
        assert result.code in (0, 1, 3)

"""Small honest models, of every kind that the commands treat differently, to be damaged."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests import builders
from tests.builders import (
    Attr,
    Layout,
    ModelBuilder,
    normal,
)
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    plan_model,
    quantize,
)
from weightquant_cli.core.lite.storage import WeightQuantizeType
from weightquant_cli.formats.program import AttrType


@dataclass(frozen=True)
class Subject:
    """A model as bytes: its program, its records, and what lies beside them unparsed."""

    program: bytes
    records: Mapping[str, bytes]
    carried: Mapping[str, bytes]


LAYOUTS = (
    builders.SEPARATE,
    builders.COMBINED,
    builders.PDMODEL,
    Layout("model", "params"),
    Layout("x.pdmodel", None),
)


@functools.cache
def subjects() -> tuple[Subject, ...]:
    """All of them; the quantized ones are made by the code under test."""
    honest = [builders.small_model(), _transformer(), _loop(), _odd_types()]
    return (
        *(_taken(model) for model in honest),
        _quantized(honest[0], QuantizeOptions()),
        _quantized(honest[1], QuantizeOptions(bits=16, op_types=("all",))),
        _quantized(honest[0], QuantizeOptions(weight_quantize_type=WeightQuantizeType.ABS_MAX)),
    )


def _taken(model: ModelBuilder) -> Subject:
    return Subject(model.program.bytes(), model.records, model.carried)


def _quantized(model: ModelBuilder, options: QuantizeOptions) -> Subject:
    with tempfile.TemporaryDirectory() as scratch:
        source = Model.load(model.write(Path(scratch) / "fp32"))
        out = Path(scratch) / "out"
        quantize(source, plan_model(source, options), OutputOptions(out), jobs=1)
        return Subject((out / "__model__").read_bytes(), builders.read_records(out), {})


def _transformer() -> ModelBuilder:
    """What is rewritten: matmul_v2, a transposed one, a lookup_table_v2; a shared weight."""
    model = ModelBuilder()
    ids = model.input("ids", (-1, 7), builders.INT64)
    x = model.lookup_table(ids, "emb.w", normal(12, 6), type="lookup_table_v2")
    x = model.matmul_v2(x, "q.w", normal(6, 6))
    x = model.matmul_v2(x, "k.w", normal(5, 6), trans_y=True)
    x = model.op(
        "matmul", {"X": x, "Y": model.parameter("v.w", normal(5, 6))}, {"Out": "v"},
        {"transpose_X": False, "transpose_Y": False, "alpha": 1.0, "op_callstack": ["/home/x"]},
        shape=(-1, 6),
    )  # fmt: skip
    x = model.fc(x, "fc.w", normal(6, 4))
    model.mul(x, "shared.w", normal(4, 4))
    model.fetch(model.mul(x, "shared.w"))
    return model


def _loop() -> ModelBuilder:
    """Sub-blocks within sub-blocks, and SELECTED_ROWS."""
    model = ModelBuilder(version=1008005)
    x = model.input("x", (-1, 4))
    weight = model.parameter("loop.w", normal(4, 4))
    outer = model.program.block(parent=0)
    inner = model.program.block(parent=1)
    inner.op("mul", {"X": x, "Y": weight}, {"Out": "y"}, {"x_num_col_dims": 1}, shape=(-1, 4))
    outer.op("conditional_block", {"Input": [weight]}, {"Out": "y"}, {"sub_block": inner})
    model.op(
        "while", {"X": [x, weight]}, {"Out": "y"},
        {"sub_block": outer, "more": Attr(AttrType.BLOCKS, [1, 2])},
    )  # fmt: skip
    model.selected_rows("rows", b"not a tensor record")
    model.fetch(x)
    return model


def _odd_types() -> ModelBuilder:
    """Parameters of other types, a scalar, an empty one, one with a LoD, one that nobody reads."""
    model = ModelBuilder(version=0)
    x = model.input("x", (-1, 4))
    for name in ("float16", "float64", "int8", "int16", "int64", "bool", "complex64"):
        model.mul(x, f"{name}.w", np.ones((4, 2), name))
    model.parameter("scalar", np.ones((), "float32"))
    model.parameter("empty", np.ones((0, 3), "float32"))
    model.parameter("lod", normal(4), lod=[[0, 2, 4]])
    model.parameter("sub/dir/unread", normal(3, 3))
    model.fetch(model.mul(x, "zeros.w", np.zeros((4, 3), "float32")))
    return model

"""A model and what quantizing made of it."""

from __future__ import annotations

from pathlib import Path

from tests.builders import Array, ModelBuilder
from weightquant_cli import Model, OutputOptions, QuantizeOptions, plan_model, quantize

ALL = QuantizeOptions(op_types=("all",))


def quantized(folder: Path, options: QuantizeOptions = ALL) -> Model:
    """Quantize the model in `folder`; what was written beside it."""
    model = Model.load(folder)
    out = folder.with_name(f"{folder.name}_q")
    quantize(model, plan_model(model, options), OutputOptions(out))
    return Model.load(out)


def one_matmul(array: Array, transpose: bool = False) -> ModelBuilder:
    """A model of one matrix, which its operator may read transposed."""
    model = ModelBuilder()
    x = model.input("x", (-1, array.shape[1 if transpose else 0]))
    model.fetch(model.matmul_v2(x, "w", array, trans_y=transpose))
    return model

"""Compressed sizes are those that zlib makes of the files, written or not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.builders import (
    LAYOUTS,
    SEPARATE,
    Layout,
    ModelBuilder,
    normal,
    small_model,
    write_model,
    zipped,
)
from weightquant_cli import Model, OutputOptions, QuantizeOptions, make_plan, preview, quantize
from weightquant_cli.core.plan.options import FLOAT_BITS
from weightquant_cli.core.quantize import compressed
from weightquant_cli.core.quantize.adaptive.adaptive import round_adaptively
from weightquant_cli.core.quantize.compressed import (
    Candidate,
    compressed_size,
    compressed_sizes,
    compression_of,
)
from weightquant_cli.errors import NonFiniteWeightError

ALL = QuantizeOptions(op_types=("all",))


def transposed(folder: Path) -> Model:
    """A model with a matrix that is stored transposed, of several tiles, and one that is kept."""
    builder = ModelBuilder()
    x = builder.matmul_v2(builder.input("x", (-1, 96)), "head", normal(300, 96), trans_y=True)
    builder.fetch(builder.matmul_v2(x, "tail", normal(300, 40)))
    builder.write(folder)
    return Model.load(folder)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("bits", [4, 6, 8, 12, 16, FLOAT_BITS])
def test_they_are_those_of_the_files(layout: Layout, bits: int, tmp_path: Path) -> None:
    write_model(tmp_path / "in", layout)
    model = Model.load(tmp_path / "in")
    plan = make_plan(model, replace(ALL, bits=bits))
    output = OutputOptions(tmp_path / "out")
    foreseen = compression_of(model, preview(model, plan, output), True)
    result = quantize(model, plan, output)
    assert compression_of(model, result, True) == foreseen
    assert foreseen.before.total == zipped(tmp_path / "in")
    assert foreseen.after.total == zipped(tmp_path / "out")


@pytest.mark.parametrize("bits", [5, 16, FLOAT_BITS])
def test_a_matrix_that_is_stored_transposed_is_compressed_as_it_is_stored(
    bits: int, tmp_path: Path
) -> None:
    model = transposed(tmp_path / "in")
    plan = make_plan(model, replace(ALL, bits=bits))
    assert any(weight.transpose for weight in plan.quantized) == (bits != FLOAT_BITS)
    result = quantize(model, plan, OutputOptions(tmp_path / "out"))
    assert compression_of(model, result, True).after.total == zipped(tmp_path / "out")


def test_adaptive_rounding_is_compressed_as_it_was_rounded(tmp_path: Path) -> None:
    model = transposed(tmp_path / "in")
    plan = make_plan(model, replace(ALL, bits=5))
    samples = [{"x": normal(8, 96, seed=seed)} for seed in range(3)]
    rounding = round_adaptively(model, plan, samples)
    result = quantize(model, plan, OutputOptions(tmp_path / "out"), rounding=rounding)
    nearest = compression_of(model, preview(model, plan, OutputOptions(tmp_path / "none")), True)
    found = compression_of(model, result, True)
    assert found.after.total == zipped(tmp_path / "out")
    assert found.after != nearest.after


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_several_plans_at_once_on_any_number_of_threads(layout: Layout, tmp_path: Path) -> None:
    write_model(tmp_path / "in", layout)
    model = Model.load(tmp_path / "in")
    plans = [make_plan(model, replace(ALL, bits=bits)) for bits in (4, 8, 16)]
    candidates = [Candidate(plan, layout.params is None) for plan in plans]
    alone = [compressed_sizes(model, [one], jobs=1)[0] for one in candidates]
    steps: list[int] = []
    assert list(compressed_sizes(model, candidates, 3, steps.append)) == alone
    assert sum(steps) == 3 * sum(weight.size_before for weight in plans[0].weights)
    assert alone[0].params < alone[1].params < alone[2].params


def test_files_are_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_model(tmp_path / "in", SEPARATE)
    model = Model.load(tmp_path / "in")
    whole = compressed_size(model.stored)
    monkeypatch.setattr(compressed, "READ_BYTES", 7)
    steps: list[int] = []
    assert compressed_size(model.stored, step=steps.append) == whole
    assert max(steps) == 7
    assert sum(steps) == model.stored.size


def test_a_weight_that_is_not_finite_is_named(tmp_path: Path) -> None:
    builder = small_model()
    builder.records["conv.w"] = builder.records["conv.w"][:-4] + np.float32(np.nan).tobytes()
    builder.write(tmp_path / "in")
    model = Model.load(tmp_path / "in")
    with pytest.raises(NonFiniteWeightError, match=r"conv\.w"):
        compressed_sizes(model, [Candidate(make_plan(model, ALL), True)])

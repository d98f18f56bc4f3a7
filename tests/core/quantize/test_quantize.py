"""Quantizing whole models: what is on disk afterwards, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import (
    COMBINED,
    INT64,
    LAYOUTS,
    SEPARATE,
    Attr,
    Layout,
    ModelBuilder,
    normal,
    read_arrays,
    read_records,
    small_model,
    tree,
)
from tests.core.quantize import reference
from tests.core.quantize.cases import ALL, AXES, one_matrix, run
from weightquant_cli import (
    Existing,
    Model,
    ModelError,
    OptionError,
    OutputError,
    OutputOptions,
    QuantizeOptions,
    make_plan,
    preview,
    quantize,
)
from weightquant_cli.core.plan.size import Size
from weightquant_cli.core.quantize.gates import Gates
from weightquant_cli.core.tensors.blocks import BLOCK_ELEMENTS
from weightquant_cli.errors import AlreadyQuantizedError, GateError
from weightquant_cli.formats.program import AttrType


def test_the_input_is_untouched(tmp_path: Path) -> None:
    source = small_model().write(tmp_path / "in")
    before = tree(source)
    for path in source.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
        path.chmod(0o444)
    source.chmod(0o555)
    times = {path: path.stat().st_mtime_ns for path in [source, *source.iterdir()]}
    run(Model.load(source), tmp_path / "out")
    assert tree(source) == before
    assert {path: path.stat().st_mtime_ns for path in times} == times


@pytest.mark.parametrize("source", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    ("output", "files"),
    [
        ({"program": "net", "params": "net.bin"}, {"net", "net.bin"}),
        ({"params": "all"}, {None, "all"}),
        ({"program": "model", "separate": True}, {"model", *small_model().records}),
    ],
)
def test_the_output_has_the_layout_that_is_asked_for(
    source: Layout, output: dict[str, Any], files: set[str | None], tmp_path: Path
) -> None:
    result = run(small_model().load(tmp_path / "in", source), tmp_path / "out", **output)
    expected = {source.program if name is None else name for name in files}
    assert {path.name for path in (tmp_path / "out").iterdir()} == expected
    model = Model.load(tmp_path / "out", result.layout.program, result.layout.params)
    run(small_model().load(tmp_path / "plain"), tmp_path / "reference")
    assert read_records(model) == read_records(tmp_path / "reference")


def test_separate_output_of_names_that_are_paths_is_refused_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    source = one_matrix(normal(2, 2), "../w").load(tmp_path / "in", COMBINED)
    with pytest.raises(ModelError, match="not a path inside the model's folder"):
        run(source, tmp_path / "a" / "out", separate=True)
    assert not (tmp_path / "a").exists()
    run(source, tmp_path / "out")
    assert list(read_arrays(tmp_path / "out")) == ["../w"]


def test_parameters_that_would_be_file_and_folder_at_once_leave_nothing(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2), "a")
    builder.mul("x", "a/b", normal(2, 2))
    source = builder.load(tmp_path / "in", COMBINED)
    with pytest.raises(OutputError):
        run(source, tmp_path / "out", separate=True)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize(
    ("options", "output"),
    [
        (ALL, {}),
        (QuantizeOptions(16), {"strip_callstack": False}),
        (QuantizeOptions(threshold_rate=0.01, op_types=("all",)), {"separate": True}),
        (QuantizeOptions(rewrite=False), {"params": "all.bin", "program": "net.pb"}),
        (QuantizeOptions(bits_for=(("fc*", 12),), exclude=("conv.w",)), {}),
        (QuantizeOptions(op_types=("fc",)), {}),
    ],
)
def test_previewed_sizes_are_those_on_disk_to_the_byte(
    layout: Layout, options: QuantizeOptions, output: dict[str, Any], tmp_path: Path
) -> None:
    builder = small_model()
    builder.matmul_v2("fc2.w.out0", "fc3.w", normal(9, 6), trans_y=True, op_callstack=["a", "b"])
    ids = builder.input("ids2", (-1,), INT64)
    builder.lookup_table(ids, "table2.w", normal(6, 4), type="lookup_table_v2")
    source = builder.load(tmp_path / "in", layout)
    plan = make_plan(source, options)
    planned = preview(source, plan, OutputOptions(tmp_path / "out", **output))
    assert not (tmp_path / "out").exists()
    done = quantize(source, plan, OutputOptions(tmp_path / "out", **output))
    assert planned.sizes == done.sizes
    program = tmp_path / "out" / done.layout.program
    assert planned.sizes.program_after == program.stat().st_size
    everything = sum(p.stat().st_size for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert planned.sizes.after == everything
    assert planned.sizes.before == sum(p.stat().st_size for p in (tmp_path / "in").iterdir())
    assert planned.sizes.ratio == planned.sizes.before / everything


def test_a_preview_reads_no_data(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in", COMBINED)
    os.truncate(tmp_path / "in" / "__params__", 0)
    planned = preview(source, make_plan(source, ALL), OutputOptions(tmp_path / "out"))
    assert (planned.folder, planned.worst) == (None, None)
    assert [weight.plan for weight in planned.weights] == list(planned.plan.weights)


def test_the_result_tells_what_was_done(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    result = run(source, tmp_path / "out", QuantizeOptions())
    assert (result.folder, result.source) == (tmp_path / "out", source.files)
    assert [weight.plan for weight in result.weights] == list(result.plan.weights)
    before = read_arrays(source)
    for weight in result.weights:
        if weight.plan.quantization is None:
            assert (weight.scale_range, weight.error) == (None, None)
            continue
        array, axis = before[weight.plan.name], AXES[weight.plan.name]
        integers, scale = reference.quantized(array, 8, axis)
        restored = reference.dequantized(integers, scale, axis)
        assert weight.scale_range == (scale.min(), scale.max())
        assert weight.error is not None
        assert weight.error.sqnr == pytest.approx(reference.sqnr(array, restored), abs=1e-3)
        assert weight.error.max_abs == np.abs(array - restored).max()
    worst = min((w for w in result.weights if w.error), key=lambda w: w.error.sqnr)  # type: ignore[union-attr]
    assert result.worst is worst


def test_values_that_are_not_finite_are_kept_where_nothing_is_quantized(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    builder.parameter("bias", np.asarray([np.nan, np.inf], np.float32))
    run(builder.load(tmp_path / "in"), tmp_path / "out")
    assert read_records(tmp_path / "out")["bias"] == builder.records["bias"]


def test_a_quantized_model_is_not_quantized_again(tmp_path: Path) -> None:
    run(small_model().load(tmp_path / "in"), tmp_path / "once", QuantizeOptions())
    again = Model.load(tmp_path / "once")
    with pytest.raises(AlreadyQuantizedError, match="3 of 10 weights") as caught:
        run(again, tmp_path / "twice")
    assert caught.value.tensor == "conv.w"
    assert not (tmp_path / "twice").exists()
    with pytest.raises(AlreadyQuantizedError):
        preview(again, make_plan(again, ALL), OutputOptions(tmp_path / "twice"))


@pytest.mark.parametrize("target", ["in", "in/out", "."])
def test_overlapping_folders_are_refused(target: str, tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "home" / "in")
    before = tree(tmp_path)
    with pytest.raises(OptionError, match="the output folder"):
        run(source, tmp_path / "home" / target, existing=Existing.REPLACE)
    assert tree(tmp_path) == before


def test_an_existing_folder_is_refused_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    run(source, tmp_path / "out", QuantizeOptions(16))
    before = tree(tmp_path / "out")
    with pytest.raises(OutputError, match="exists already"):
        run(source, tmp_path / "out")
    assert tree(tmp_path / "out") == before
    run(source, tmp_path / "out", existing=Existing.REPLACE)
    assert tree(tmp_path / "out") != before


def test_only_models_are_replaced(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("precious")
    with pytest.raises(OutputError, match="does not hold a model"):
        run(source, tmp_path / "thesis", existing=Existing.REPLACE)
    assert tree(tmp_path / "thesis") == {"chapter1.tex": b"precious"}


@pytest.mark.parametrize(
    "gates",
    [Gates(max_size=Size(1000)), Gates(max_size=Size(1, relative=True)), Gates(min_quantized=99.9)],
)
def test_a_gate_that_is_not_met_leaves_nothing(gates: Gates, tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    plan = make_plan(source, ALL)
    with pytest.raises(GateError):
        quantize(source, plan, OutputOptions(tmp_path / "a" / "out"), gates=gates)
    assert not (tmp_path / "a").exists()


def test_gates_that_are_met_let_pass(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in")
    plan = make_plan(source, ALL)
    size = preview(source, plan, OutputOptions(tmp_path / "out")).sizes.after
    gates = Gates(max_size=Size(size), min_quantized=plan.quantized_share)
    quantize(source, plan, OutputOptions(tmp_path / "out"), gates=gates)
    assert sum(path.stat().st_size for path in (tmp_path / "out").iterdir()) == size


def test_selected_rows_are_carried_along_to_the_byte(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    rows = os.urandom(7) * (BLOCK_ELEMENTS - 1)
    builder.selected_rows("block/rows", rows)
    builder.selected_rows("no rows", b"")
    result = run(builder.load(tmp_path / "in"), tmp_path / "out")
    files = tree(tmp_path / "out")
    assert (files["block/rows"], files["no rows"]) == (rows, b"")
    assert Model.load(tmp_path / "out").stored.carried == ("block/rows", "no rows")
    everything = sum(p.stat().st_size for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert result.sizes.after == everything


def test_selected_rows_cannot_be_put_into_a_combined_file(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    builder.selected_rows("rows", b"rows")
    source = builder.load(tmp_path / "in")
    with pytest.raises(OptionError, match=r"SELECTED_ROWS.*tensor rows"):
        run(source, tmp_path / "out", params="__params__")
    assert not (tmp_path / "out").exists()


def test_the_program_cannot_be_called_as_selected_rows_are(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    builder.selected_rows("rows", b"rows")
    with pytest.raises(OptionError, match="the program's file name is also a parameter's name"):
        run(builder.load(tmp_path / "in", SEPARATE), tmp_path / "out", program="rows")


def test_scales_of_the_wrong_type_are_quantized_already(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.mul("x", "w", normal(2, 2), w_quant_scale=Attr(AttrType.INTS, [1]))
    with pytest.raises(AlreadyQuantizedError):
        run(builder.load(tmp_path / "in"), tmp_path / "out")

"""A recurrent model on the command line: what is said of its carriers, and what becomes of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.builders import ModelBuilder, normal
from tests.cli.helpers import run
from weightquant_cli import Model


@pytest.fixture
def recurrent(tmp_path: Path) -> Path:
    """A gru between two products, and a small one that is not worth a carrier."""
    model = ModelBuilder()
    x = model.mul(model.input("x", (-1, 40)), "fc.w", normal(40, 120))
    for name, size in (("gru.w", 40), ("small.w", 8)):
        inputs = {"Input": x, "Weight": model.parameter(name, normal(size, 3 * size))}
        attrs = {"activation": "tanh", "gate_activation": "sigmoid", "is_reverse": False}
        outputs = {"Hidden": f"{name}.out"}
        model.op("gru", inputs, outputs, {**attrs, "origin_mode": False}, shape=(-1, size))
    model.fetch(model.mul("gru.w.out", "out.w", normal(40, 10)))
    return model.write(tmp_path / "model")


def test_inspect_says_by_what_a_weight_is_quantizable(recurrent: Path) -> None:
    lines = run("inspect", recurrent).ok().lines
    (gru,) = (line for line in lines if line.startswith("gru.w"))
    assert gru.endswith("quantizable by a carrier (lookup_table)")
    (small,) = (line for line in lines if line.startswith("small.w"))
    assert small.endswith("it would save less than twice what the operator added for it takes")


def test_a_quantized_model_is_shown_without_its_carriers(recurrent: Path, tmp_path: Path) -> None:
    before = run("inspect", "--json", recurrent).ok().json
    run("quantize", recurrent, tmp_path / "out").ok()
    after = run("inspect", "--json", tmp_path / "out").ok().json
    assert after["operators"] == before["operators"]
    operators = {weight["name"]: weight["operator"] for weight in after["weights"]}
    assert operators["gru.w"] == "gru"
    assert {w["name"] for w in after["weights"] if w["verdict"] == "quantized"} == {
        "fc.w",
        "gru.w",
        "out.w",
    }


def test_the_check_accepts_it_and_the_dequantized_model_is_the_original_s_twin(
    recurrent: Path, tmp_path: Path
) -> None:
    run("quantize", "--no-mend", recurrent, tmp_path / "out").ok()
    options = ("--reference", recurrent, "--save-dequantized", tmp_path / "fp32")
    run("dequantize-check", *options, tmp_path / "out").ok()
    twin, original = Model.load(tmp_path / "fp32"), Model.load(recurrent)
    assert twin.program.serialize() == original.program.serialize()


def test_a_plan_file_and_options_by_name_reach_a_carried_weight(
    recurrent: Path, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    run("quantize", "--plan-out", plan, "--bits-for", "gru.*=16", "-n", recurrent, "x").ok()
    lines = {line["name"]: line for line in json.loads(plan.read_text())["weights"]}
    assert (lines["gru.w"]["bits"], lines["gru.w"]["operator"]) == (16, "gru")
    result = run("quantize", "--json", "--plan", plan, recurrent, tmp_path / "out").ok().json
    (gru,) = (weight for weight in result["weights"] if weight["name"] == "gru.w")
    assert (gru["stored_as"], gru["carrier"]) == ("INT16", "lookup_table")


def test_the_type_that_is_named_is_the_reader_s(recurrent: Path, tmp_path: Path) -> None:
    result = run("quantize", "--json", "-n", "--op-type", "gru", recurrent, tmp_path / "out").ok()
    assert [w["name"] for w in result.json["weights"] if w["quantized"]] == ["gru.w"]


def test_without_rewrites_it_stays_and_the_option_is_named(recurrent: Path, tmp_path: Path) -> None:
    result = run("quantize", "--no-rewrite", recurrent, tmp_path / "out").ok()
    assert "gru would need an operator beside it (--rewrite)" in result.stdout

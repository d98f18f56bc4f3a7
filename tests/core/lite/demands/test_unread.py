"""Parameters that nobody uses and at which opt aborts: found, left out, no fault in the check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import COMBINED, ModelBuilder, normal, tree
from tests.cli.helpers import run
from weightquant_cli.core.lite.demands.demand import MEND, DemandCode
from weightquant_cli.core.lite.demands.judge import findings
from weightquant_cli.core.lite.demands.unread import droppable
from weightquant_cli.core.model.model import Model

UNREADABLE: dict[str, np.ndarray] = {
    "empty": np.zeros(0, np.uint8),
    "half": np.ones(3, np.float16),
    "truth": np.ones(3, np.bool_),
    "double": np.ones(3),
}


def builder(used: str = "") -> ModelBuilder:
    """A convolution beside parameters of every kind that nobody reads; but for `used`."""
    model = ModelBuilder()
    image = model.input("x", (1, 3, 8, 8))
    model.fetch(model.conv2d(image, "conv.w", normal(8, 3, 3, 3)))
    model.parameter("spare", normal(4, 4))
    model.parameter("count", np.arange(3))
    for name, array in UNREADABLE.items():
        model.parameter(name, array)
    if used:
        model.op("shape", {"Input": used}, {"Out": "shape"}, shape=(1,))
    return model


def names(model: Model) -> tuple[str, ...]:
    return droppable(model.program, model.stored.parameters.values())


def test_finds_those_at_which_opt_aborts_and_no_others(tmp_path: Path) -> None:
    assert names(builder().load(tmp_path)) == tuple(sorted(UNREADABLE))


@pytest.mark.parametrize("used", UNREADABLE)
def test_one_that_is_used_stays(used: str, tmp_path: Path) -> None:
    assert used not in names(builder(used).load(tmp_path))


@pytest.mark.parametrize("layout", ["separate", "combined"])
def test_quantize_leaves_them_out_says_so_and_the_check_agrees(layout: str, tmp_path: Path) -> None:
    source = builder().write(tmp_path / "in", *([COMBINED] if layout == "combined" else []))
    out = tmp_path / "out"
    told = run("quantize", source, out).ok().stdout
    [line] = [line for line in told.splitlines() if line.startswith("left out")]
    assert "double, empty, half and 1 more" in line
    assert [weight.name for weight in Model.load(out).weights] == ["conv.w", "count", "spare"]
    assert "empty" not in tree(out)
    run("dequantize-check", "--reference", source, "--min-sqnr", "20", out).ok()
    document = run("quantize", "-n", "--json", source, tmp_path / "other").ok().json
    assert document["dropped"] == sorted(UNREADABLE)
    written = sum(map(len, tree(out).values()))
    assert document["sizes"]["after"] == written


@pytest.mark.parametrize("used", ("", *UNREADABLE))
def test_the_judge_says_so_and_that_quantizing_mends_those_that_nobody_uses(
    used: str, tmp_path: Path
) -> None:
    model = builder(used).load(tmp_path)
    types = {weight.name: weight.record.dtype for weight in model.weights}
    found = {d.operator: d for d in findings(model.program, types) if d.position is None}
    assert found.keys() == UNREADABLE.keys()
    assert {name for name, demand in found.items() if demand.remedy != MEND} <= {used}
    assert not used or found[used].remedy != MEND
    assert found["empty"].code is DemandCode.EMPTY_PARAMETER


def test_inspect_and_the_check_know_one_without_an_element(tmp_path: Path) -> None:
    source = builder().write(tmp_path / "in")
    told = run("inspect", "--json", source).ok().json["paddle_lite"]
    [demand] = [one for one in told["findings"] if one["code"] == "empty_parameter"]
    assert (demand["variable"], demand["effect"]) == ("empty", "not_converted")
    run("quantize", "-q", "--no-mend", source, tmp_path / "out").ok()
    result = run("dequantize-check", tmp_path / "out")
    assert (result.code, "without an element" in result.stdout) == (1, True)


def test_without_mending_they_stay(tmp_path: Path) -> None:
    source = builder().write(tmp_path / "in")
    run("quantize", "-q", "--no-mend", source, tmp_path / "out").ok()
    assert set(UNREADABLE) <= {weight.name for weight in Model.load(tmp_path / "out").weights}
    document = run("quantize", "-nq", "--json", "--no-mend", source, tmp_path / "o").ok().json
    assert document["dropped"] == []


def test_a_parameter_that_opt_reads_must_be_there(tmp_path: Path) -> None:
    source = builder().write(tmp_path / "in")
    run("quantize", "-q", source, tmp_path / "out").ok()
    other = builder()
    other.parameter("more", normal(2, 2))
    result = run("dequantize-check", "--reference", other.write(tmp_path / "r"), tmp_path / "out")
    assert (result.code, "more" in result.stdout) == (1, True)

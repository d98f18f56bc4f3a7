"""What Paddle Lite demands of the program, as findings of the check."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import ModelBuilder, small_model
from weightquant_cli.core.check.check import CheckResult, check
from weightquant_cli.core.check.findings import REQUANTIZE, FindingCode, Severity
from weightquant_cli.core.lite.demands.demand import DemandCode
from weightquant_cli.errors import OptionError


def checked(folder: Path, *types: str, version: str = "2.13rc0", **attrs: Any) -> CheckResult:
    """A model of these operators one after another."""
    model = ModelBuilder()
    name = model.input("x", (-1, 4))
    for number, type in enumerate(types):
        name = model.op(type, {"X": name}, {"Out": f"y{number}"}, attrs, shape=(-1, 4))
    model.fetch(name)
    return check(model.load(folder), lite_version=version)


def about_opt(result: CheckResult) -> list[tuple[str, str | None, int, Severity]]:
    return [
        (finding.code.value, finding.operator, finding.count, finding.severity)
        for finding in result.findings
        if isinstance(finding.code, DemandCode)
    ]


def test_a_model_that_opt_takes_has_no_finding(tmp_path: Path) -> None:
    result = check(small_model().load(tmp_path / "m"))
    assert about_opt(result) == []
    assert result.ok


def test_equal_findings_about_one_type_of_operator_are_one_with_a_count(tmp_path: Path) -> None:
    result = checked(tmp_path / "m", "swish", "relu", "swish", "relu6", "swish")
    assert about_opt(result) == [
        ("missing_attribute", "swish", 3, Severity.ERROR),
        ("missing_attribute", "relu6", 1, Severity.ERROR),
    ]
    assert not result.ok
    assert {finding.remedy for finding in result.errors} == {REQUANTIZE}


def test_the_version_decides_and_is_part_of_the_result(tmp_path: Path) -> None:
    old = checked(tmp_path / "old", "round", version="2.12")
    assert (about_opt(old)[0][0], old.ok, old.lite_version) == (
        "unsupported_operator",
        False,
        "2.12",
    )
    assert "2.13rc0" in old.errors[0].remedy
    assert checked(tmp_path / "new", "round").ok


def test_what_may_not_convert_is_a_warning(tmp_path: Path) -> None:
    flatten = "flatten_contiguous_range"
    result = checked(tmp_path / "m", flatten, start_axis=1, stop_axis=1)
    assert about_opt(result) == [
        ("missing_output", "flatten_contiguous_range", 1, Severity.WARNING)
    ]
    assert result.ok


def test_a_model_with_quantized_activations_is_no_error(tmp_path: Path) -> None:
    result = checked(tmp_path / "m", "fake_quantize_range_abs_max", "fake_dequantize_max_abs")
    assert {code for code, *_ in about_opt(result)} == {"simulated_quantization"}
    assert result.ok


def test_types_of_parameters_are_told_once(tmp_path: Path) -> None:
    import numpy as np

    model = small_model()
    model.parameter("half", np.zeros(4, np.float16))
    result = check(model.load(tmp_path / "m"))
    assert [finding.code for finding in result.errors] == [FindingCode.FLOAT16]


def test_a_version_that_was_not_measured_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="has not been measured"):
        checked(tmp_path / "m", "relu", version="1.0")

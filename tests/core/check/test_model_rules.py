"""The check's rules, a model for each: what Paddle Lite runs right is passed in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import COMBINED
from tests.core.check.check_cases import CASES, Case
from weightquant_cli import Severity, check


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "_"))
def test_the_check_says_what_paddle_lite_does(case: Case, tmp_path: Path) -> None:
    findings = check(case.draft().quantized().load(tmp_path / "m", COMBINED)).findings
    by_severity = {
        severity: {finding.code for finding in findings if finding.severity is severity}
        for severity in Severity
    }
    assert by_severity == {Severity.ERROR: case.errors, Severity.WARNING: case.warnings}

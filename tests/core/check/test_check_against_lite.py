"""The rules of the check, each tried on the real Paddle Lite: their verdicts agree."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.builders import COMBINED, tree
from tests.core.check.check_cases import CASES, Case
from tests.oracles import envs, lite
from tests.oracles.jobs import Array, Feed, OracleFailed, relative_difference

pytestmark = pytest.mark.oracle

EXACT = 2e-6
"""The largest difference of a right result, relative to its largest value (`lite/FACTS.md`)."""

VERSIONS = {"2.12": envs.PADDLE_18, "2.13rc0": envs.LITE_213}

TOLD_ON_X86 = [case for case in CASES if case.right is not None]


def name_of(case: Case) -> str:
    return case.name.replace(" ", "_")


_expected: dict[tuple[str, str], list[Array]] = {}


def expected_outputs(version: str, model: Path, feeds: dict[str, Array]) -> list[Array]:
    """What it computes from an FP32 model; many cases share one, which is run once."""
    content = repr((sorted(tree(model).items()), sorted((n, x.tolist()) for n, x in feeds.items())))
    key = version, hashlib.sha256(content.encode()).hexdigest()
    if key not in _expected:
        found = outputs(version, model, feeds)
        assert found is not None
        _expected[key] = found
    return _expected[key]


def outputs(version: str, model: Path, feeds: dict[str, Array]) -> list[Array] | None:
    """What Paddle Lite computes on x86; None where opt or the runtime aborts."""
    program, params = COMBINED.program, COMBINED.params
    converted = lite.convert(version, model, program, params, model.parent / "x86", "x86")
    if converted.nb is None:
        return None
    try:
        return lite.run(version, converted.nb, {name: Feed(x) for name, x in feeds.items()})
    except OracleFailed:
        return None


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", TOLD_ON_X86, ids=name_of)
def test_paddle_lite_runs_right_what_the_check_passes_and_nothing_else(
    case: Case, version: str, tmp_path: Path
) -> None:
    envs.require(VERSIONS[version])
    draft = case.draft()
    fp32 = draft.model.write(tmp_path / "fp32", COMBINED)
    expected = expected_outputs(version, fp32, draft.feeds)
    found = outputs(version, draft.quantized().write(tmp_path / "int", COMBINED), draft.feeds)
    right = found is not None and relative_difference(found, expected) <= EXACT
    assert right is case.right


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    "case", [case for case in CASES if case.right or case.right is None], ids=name_of
)
def test_opt_converts_for_arm_what_the_check_passes_and_nothing_else(
    case: Case, version: str, tmp_path: Path
) -> None:
    envs.require(VERSIONS[version])
    model = case.draft().quantized().write(tmp_path / "m", COMBINED)
    program, params = COMBINED.program, COMBINED.params
    converted = lite.convert(version, model, program, params, tmp_path / "out", "arm")
    assert (converted.nb is None) is bool(case.errors)

"""The judge against the real opt: every case of the audit, as exported and after mending."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.oracles import envs
from tests.oracles.conftest import Tell

from . import lab, report, truth

pytestmark = pytest.mark.oracle

VERSIONS = ("2.12", "2.13rc0")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built and converted for this module."""
    envs.require(envs.PADDLE_18, envs.PADDLE_26, envs.LITE_213)
    return tmp_path_factory.mktemp("audit")


@pytest.fixture(scope="module")
def cases(folder: Path) -> list[lab.Case]:
    """Every case of the audit."""
    found: list[lab.Case] = []
    for paddle in lab.BUILDERS:
        built, failed = lab.build(paddle, folder)
        assert not failed
        found += built
    return found


def table(cases: Sequence[lab.Case], folder: Path) -> list[truth.Line]:
    arm = lab.convert_all(VERSIONS, cases, "arm", folder)
    x86 = lab.convert_all(VERSIONS, cases, "x86", folder, run=True)
    return truth.judged(cases, arm, x86)


def test_the_judge_agrees_with_opt_about_every_program_as_exported(
    cases: list[lab.Case], folder: Path, tell: Tell
) -> None:
    lines = table(cases, folder)
    aborts = sum(not line.arm.converted for line in lines)
    tell(f"judge: {len(lines)} verdicts, {aborts} of them aborts of opt, all told in advance")
    assert aborts > 300
    assert report.disagreements(lines) == []


def test_the_judge_agrees_with_opt_about_every_program_once_mended(
    cases: list[lab.Case], folder: Path, tell: Tell
) -> None:
    before = lab.convert_all(VERSIONS, cases, "arm", folder)
    changed = truth.mended(cases, folder / "mended")
    lines = table(changed, folder)
    after = {version: [line.arm for line in lines if line.version == version] for version in before}
    for version in VERSIONS:
        pairs = zip(before[version], after[version], strict=True)
        assert not any(one.converted and not other.converted for one, other in pairs)
        aborts = [sum(not o.converted for o in t[version]) for t in (before, after)]
        tell(
            f"mending, opt {version}: {aborts[0]} of {len(cases)} programs abort, then {aborts[1]}"
        )
    assert report.disagreements(lines) == []


def test_mending_makes_no_right_answer_wrong(cases: list[lab.Case], folder: Path) -> None:
    changed = truth.mended(cases, folder / "mended")
    for version in VERSIONS:
        before = lab.convert(version, cases, "x86", folder, run=True)
        after = lab.convert(version, changed, "x86", folder, run=True)
        spoilt = [
            case.name
            for case, one, other in zip(cases, before, after, strict=True)
            if one.verdict == "right" and other.verdict != "right"
        ]
        assert spoilt == []

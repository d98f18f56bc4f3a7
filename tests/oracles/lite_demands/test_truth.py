"""The judge against the real opt: every case of the audit, as exported and after mending."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.oracles import envs
from tests.oracles.conftest import Tell
from weightquant_cli.core.lite.demands.position import Declarations
from weightquant_cli.formats.program import Program

from . import check_table, lab, report, truth

pytestmark = pytest.mark.oracle

VERSIONS = ("2.12", "2.13rc0")

EVERY = int(os.environ.get("WEIGHTQUANT_AUDIT_EVERY", "4"))
"""One in so many cases: all of them take ten minutes on two cores."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built and converted for this module."""
    envs.require(envs.PADDLE_18, envs.PADDLE_26, envs.LITE_213)
    return tmp_path_factory.mktemp("audit")


@pytest.fixture(scope="module")
def every_case(folder: Path) -> list[lab.Case]:
    """Every case of the audit."""
    found: list[lab.Case] = []
    for paddle in lab.BUILDERS:
        built, failed = lab.build(paddle, folder)
        assert not failed
        found += built
    return found


@pytest.fixture(scope="module")
def cases(every_case: list[lab.Case]) -> list[lab.Case]:
    """A sample; `python -m tests.oracles.lite_demands.audit` tries them all."""
    return every_case[::EVERY]


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
    assert aborts > 300 / EVERY
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


def test_the_check_of_the_saved_models_agrees_with_opt_before_and_after_mending(
    cases: list[lab.Case], folder: Path, tell: Tell
) -> None:
    for tried in (cases, truth.mended(cases, folder / "mended")):
        table = check_table.verdicts(tried, folder)
        said = {line.said for line in table}
        tell(f"dequantize-check: {len(table)} verdicts of {sorted(said)}, all as opt and x86 do")
        assert {"ok", "aborts", "wrong"} <= said
        assert [line for line in table if not line.agrees] == []


def test_pads_that_carry_xshape_are_judged_as_opt_fuses_them(
    every_case: list[lab.Case], folder: Path
) -> None:
    wanted = {"pad/zero", "pad/reflect", "pad/replicate", "pad/circular", "zeropad2d"}
    older: list[lab.Case] = []
    for case in every_case:
        if case.name in wanted | {"conv2d/reflect"}:
            older.append(case.changed(with_xshape(case.parse()), folder / f"old-{len(older)}"))
    assert len(older) == 6
    lines = table(older, folder)
    assert sum(line.x86 is not None and line.x86.verdict != "right" for line in lines) >= 8
    assert report.disagreements(lines) == []


def with_xshape(program: Program) -> Program:
    """The program as Paddle through 2.4 writes it, with the outputs that 2.6 leaves out."""
    declarations = Declarations(program)
    for block, _, operator in program.operators():
        if operator.type in ("unsqueeze2", "squeeze2"):
            (x,) = operator.inputs["X"]
            like = declarations.find(block, x)
            assert like is not None and like.shape is not None
            dims = (0, *like.shape)
            made = declarations.add(block, f"{x}.old", like, dims)
            operator.set_output("XShape", [made])
    return program


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

"""Recurrent layers with a dynamic batch: right in Paddle Lite once their 0-d values are mended."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.oracles import envs
from weightquant_cli.core.lite.demands.mend import mend

from . import lab

pytestmark = pytest.mark.oracle

VERSIONS = ("2.12", "2.13rc0")


@pytest.fixture(scope="module")
def recurrent(tmp_path_factory: pytest.TempPathFactory) -> list[lab.Case]:
    """A case for every layer and batch size."""
    envs.require(envs.PADDLE_26, envs.PADDLE_18, envs.LITE_213)
    folder = tmp_path_factory.mktemp("recurrent")
    job, manifest = folder / "job.json", folder / "manifest.json"
    job.write_text(json.dumps({"out": str(folder), "manifest": str(manifest)}))
    lab.run_in(envs.PADDLE_26, "build_recurrent.py", job)
    told = json.loads(manifest.read_text())
    return [
        lab.Case(
            f"{name}-{batch}",
            "2.6.2",
            folder / name / "inference.pdmodel",
            folder / name / "inference.pdiparams",
            ("x",),
            ([],),
            folder / name / f"in{batch}.npz",
            folder / name / f"out{batch}.npz",
        )
        for name in told["models"]
        for batch in told["batches"]
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_they_abort_as_exported_and_are_right_for_every_batch_size_once_mended(
    recurrent: list[lab.Case], version: str, tmp_path: Path
) -> None:
    changed = []
    for number, case in enumerate(recurrent):
        program = case.parse()
        assert {mended.operator for mended in mend(program)} >= {"fill_constant"}
        changed.append(case.changed(program, tmp_path / f"{number}.pdmodel"))
    before = lab.convert_afresh(version, recurrent, "x86", tmp_path, run=True)
    after = lab.convert_afresh(version, changed, "x86", tmp_path, run=True)
    assert {outcome.verdict for outcome in before} == {"aborts"}
    wrong = [c.name for c, o in zip(changed, after, strict=True) if o.verdict != "right"]
    assert wrong == []

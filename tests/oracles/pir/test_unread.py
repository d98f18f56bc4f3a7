"""An LSTM of Paddle 3's static API leaves a parameter at which opt aborts: it is left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.helpers import run
from weightquant_cli.core.model.model import Model

from .. import envs, lite
from ..lite_demands import lab
from .exported import Exported, export
from .phone import VERSIONS, arrive

pytestmark = pytest.mark.oracle

EMPTY = "dropout_state__non_persistable"


@pytest.fixture(scope="module")
def lstm(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The LSTM as Paddle 3.3.1 saves it."""
    envs.require(envs.PADDLE_33, *(lite.ENVIRONMENT[version] for version in VERSIONS))
    (case,) = export("pir_build_static_lstm.py", {}, tmp_path_factory.mktemp("lstm"))
    return case


def test_unmended_opt_aborts_at_it_as_the_judge_says(lstm: Exported, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run("quantize", "-q", "--bits", "32", "--no-mend", lstm.folder / "m", out).ok()
    [empty] = [one.name for one in Model.load(out).weights if 0 in one.record.shape]
    assert empty.startswith(EMPTY)
    told = run("inspect", "--json", out).ok().json["paddle_lite"]["findings"]
    assert ("empty_parameter", empty) in [(one["code"], one["variable"]) for one in told]
    files = (out / "m.pdmodel", out / "m.pdiparams")
    values, answers = (lstm.folder / f"m.{which}.npz" for which in ("in", "out"))
    case = lab.Case("lstm", "3.3.1", *files, lstm.feeds, ([],), values, answers)
    for version in VERSIONS:
        (outcome,) = lab.convert_afresh(version, [case], "arm", tmp_path)
        assert not outcome.converted
        assert "not initialized" in outcome.said


def test_mended_every_opt_takes_it_and_paddle_lite_answers_as_paddle_3(
    lstm: Exported, tmp_path: Path
) -> None:
    for one in arrive([lstm], tmp_path).values():
        assert one.said == {}
        assert one.fp32 is not None
        assert one.fp32 < 1e-4
        assert all(off is not None and off < 2e-5 for off in one.quantized.values())

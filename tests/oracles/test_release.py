"""The whole way in one line, on a model that people ship, with the real opt."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.helpers import shell
from tests.oracles import envs, lite, zoo
from tests.oracles.conftest import Tell

pytestmark = pytest.mark.oracle

LINE = (
    'weightquant quantize --op-type all "$1" out && '
    'weightquant dequantize-check --reference "$1" --min-sqnr 30 out && '
    "weightquant export-opt out && sh out/convert_to_lite.sh"
)


@pytest.mark.parametrize("version", ["2.12", "2.13rc0"])
def test_from_the_trained_model_to_the_phone_in_one_line(
    version: str, tmp_path: Path, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    envs.require(envs.PADDLE_18, envs.LITE_213, envs.PPOCR)
    monkeypatch.setenv("OPT", os.fspath(lite.opt(version)))
    model = zoo.model("ppocr_det")
    result = shell(LINE, model.folder, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "ok: 62 quantized weights, 62 compared with the reference" in result.stdout
    size = (tmp_path / "out" / "out.nb").stat().st_size
    assert size < 1.6e6
    tell(f"release of ppocr_det with opt {version}: {size / 1e6:.2f} MB .nb")

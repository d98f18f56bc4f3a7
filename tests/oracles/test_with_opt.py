"""`dequantize-check --with-opt` with the real opt: its size is opt's own, its no is opt's no."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import ModelBuilder, normal
from tests.cli.helpers import run
from tests.oracles import envs, lite, zoo
from tests.tars import pack_folder

pytestmark = pytest.mark.oracle

HEADERS = {"2.12": "2.12", "2.13rc0": "2.13-rc"}
"""How each version names itself in the `.nb`."""


@pytest.fixture(params=HEADERS)
def version(request: pytest.FixtureRequest) -> str:
    """One of the versions of Paddle Lite; skips the test where they are not installed."""
    envs.require(envs.PADDLE_18, envs.LITE_213)
    return str(request.param)


@pytest.mark.parametrize("layout", ["separate", "combined"])
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "tar"])
def test_the_size_is_that_of_a_conversion_by_hand(
    version: str, layout: str, packed: bool, tmp_path: Path
) -> None:
    model = tmp_path / "digits"
    run("quantize", "-q", zoo.model("digits", layout).folder, model).ok()
    by_hand = lite.convert(
        version,
        model,
        "__model__",
        "__params__" if layout == "combined" else None,
        tmp_path / "by-hand",
    )
    assert by_hand.nb is not None
    source = pack_folder(tmp_path / "digits.tar", model, "digits") if packed else model
    told = run("dequantize-check", "--json", "--opt", lite.opt(version), source).ok()
    conversion = told.json["conversion"]
    assert conversion["version"] == HEADERS[version]
    assert conversion["naive_buffer"] == by_hand.nb.stat().st_size


def test_what_opt_aborts_on_is_told_with_opts_own_reason(version: str, tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.mul(builder.input("x", (-1, 4)), "w", normal(4, 4))
    builder.fetch(builder.op("relu6", {"X": x}, {"Out": "y"}, shape=(-1, 4)))
    model = builder.write(tmp_path / "model")
    run("quantize", "-q", model, tmp_path / "mended").ok()
    assert run("quantize", "-q", "--no-mend", model, tmp_path / "out").code == 0
    run("dequantize-check", "--opt", lite.opt(version), tmp_path / "mended").ok()
    told = run("dequantize-check", "--json", "--opt", lite.opt(version), tmp_path / "out")
    assert told.code == 1
    conversion = told.json["conversion"]
    assert conversion["failure"] == "aborted (SIGABRT)"
    assert conversion["said"].endswith("No attributes called threshold found for relu6")

"""The size of the `.nb` that is foretold is that which the real `opt` writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles import envs, lite, ours, zoo
from tests.oracles.conftest import Tell
from tests.oracles.pir.exported import PPOCR, networks
from tests.oracles.test_lite import require_for
from weightquant_cli import Model, OutputOptions, QuantizeOptions, make_plan, quantize

pytestmark = pytest.mark.oracle

MODELS = (
    "digits",
    "mobilenet_v1",
    "grouped",
    "resnet",
    "text",
    "text_large",
    "transformer_1x",
    "resnet18_2x",
    "ppocr_det",
    "ppocr_rec",
    "ppocr_cls",
)

PIR_NETWORKS = (
    *("mobilenet_v1", "mobilenet_v3_small", "resnet18", "shufflenet_v2", "squeezenet", "lenet"),
    *("encoder", "lstm", "gru", "segmentation", "ghost"),
)

RANGES = {"ppocr_cls": 0.05, "grouped": 0.05, "text": 0.05}
"""Models whose program is most of the `.nb`: there the two versions of opt differ by more, and
the size is told as a range (`is_precise`)."""


@pytest.mark.parametrize("bits", [6, 8, 16])
@pytest.mark.parametrize("name", MODELS)
def test_the_nb_is_as_large_as_foretold(name: str, bits: int, tmp_path: Path, tell: Tell) -> None:
    require_for(name)
    model = zoo.model(name, "combined")
    folder = tmp_path / "quantized"
    result = ours.quantized(model, folder, QuantizeOptions(bits=bits, op_types=("all",)))
    told = result.naive_buffer
    assert told is not None
    for version in ("2.12", "2.13rc0"):
        converted = lite.convert(version, folder, model.program, model.params, tmp_path / version)
        assert converted.nb is not None, converted.output[-1500:]
        size = converted.nb.stat().st_size
        assert told.smallest <= size <= told.largest
        off = abs(told.middle - size) / size
        assert off <= RANGES.get(name, 0.02)
        if told.is_precise:
            assert off <= 0.02
        tell(f".nb {name} INT{bits} {version}: {size} bytes, foretold {told.middle}")


def test_the_nb_of_a_json_is_as_large_as_foretold(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_33, envs.PPOCR, *lite.ENVIRONMENT.values())
    for case in networks(PIR_NETWORKS, tuple(PPOCR), tmp_path):
        folder = tmp_path / f"{case.name} quantized"
        model = Model.load(case.folder)
        result = quantize(model, make_plan(model, QuantizeOptions()), OutputOptions(folder))
        told = result.naive_buffer
        assert told is not None
        for version in lite.ENVIRONMENT:
            out = tmp_path / f"{case.name} {version}"
            nb = lite.convert(version, folder, "m.pdmodel", "m.pdiparams", out).nb
            assert nb is not None, case.name
            size = nb.stat().st_size
            assert told.smallest <= size <= told.largest, case.name
            assert not told.is_precise or abs(told.middle - size) <= 0.025 * size, case.name
            tell(f".nb {case.name}.json INT8 {version}: {size} bytes, foretold {told.middle}")

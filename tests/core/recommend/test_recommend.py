"""What each setting makes of a model: the same as writing it and comparing what was written."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.builders import ModelBuilder, normal
from tests.pages import COMBINED, DIGITS
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    plan_model,
    quantize,
)
from weightquant_cli.core.recommend import recommend
from weightquant_cli.core.recommend.recommend import compare_settings
from weightquant_cli.core.recommend.settings import SETTINGS
from weightquant_cli.core.run import Network
from weightquant_cli.core.run.inputs import SampleOptions
from weightquant_cli.errors import AlreadyQuantizedError

NEAREST = SETTINGS[0]
FEW = SampleOptions(count=2)


def test_fp32_runs_once_for_each_input(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []
    original = Network.run

    def counted(self: Network, *args: object, **options: object) -> object:
        runs.append(self)
        return original(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Network, "run", counted)
    model = Model.load(COMBINED)
    found = compare_settings(model, FEW, settings=(NEAREST, SETTINGS[4]))
    assert found.samples == 2
    assert sorted(runs.count(one) for one in set(runs)) == [2, 2, 2]
    monkeypatch.setattr(recommend, "KEPT_BYTES", 0)
    again = compare_settings(model, FEW, settings=(NEAREST, SETTINGS[4]))
    assert again.samples == 2
    assert [one.outputs for one in again.settings] == [one.outputs for one in found.settings]


def test_nothing_is_written(tmp_path: Path) -> None:
    shutil.copytree(DIGITS, tmp_path / "model")
    before = {path: path.read_bytes() for path in (tmp_path / "model").iterdir()}
    compare_settings(Model.load(tmp_path / "model"), FEW, settings=(NEAREST,))
    assert {path: path.read_bytes() for path in (tmp_path / "model").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_every_setting_and_every_input_is_a_step() -> None:
    steps: list[int] = []
    compare_settings(Model.load(COMBINED), FEW, step=steps.append, settings=(NEAREST,))
    assert steps == [1, 1, 1]


def test_a_quantized_model_is_refused(tmp_path: Path) -> None:
    model = Model.load(COMBINED)
    quantize(model, plan_model(model, QuantizeOptions()), OutputOptions(tmp_path / "out"))
    with pytest.raises(AlreadyQuantizedError):
        compare_settings(Model.load(tmp_path / "out"), FEW)


def test_sizes_are_without_the_parameters_that_are_left_out(tmp_path: Path) -> None:
    builder = ModelBuilder()
    image = builder.input("x", (1, 3, 8, 8))
    builder.fetch(builder.conv2d(image, "conv.w", normal(8, 3, 3, 3)))
    builder.parameter("unused", np.ones(3))  # of a type that opt cannot read
    model = builder.load(tmp_path / "in")
    [found] = compare_settings(model, FEW, settings=(NEAREST,)).settings
    written = quantize(model, plan_model(model, NEAREST.options), OutputOptions(tmp_path / "out"))
    assert written.dropped == ("unused",)
    assert found.sizes == written.sizes
    assert found.naive_buffer == written.naive_buffer

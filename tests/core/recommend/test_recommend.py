"""What each setting makes of a model: the same as writing it and comparing what was written."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

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
from weightquant_cli.core.plan.options import AutoBits
from weightquant_cli.core.plan.size import Size
from weightquant_cli.core.recommend import answers
from weightquant_cli.core.recommend.recommend import compare_settings
from weightquant_cli.core.recommend.settings import SETTINGS, Setting
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
    monkeypatch.setattr(answers, "KEPT_BYTES", 0)
    again = compare_settings(model, FEW, settings=(NEAREST, SETTINGS[4]))
    assert again.samples == 2
    assert [one.outputs for one in again.settings] == [one.outputs for one in found.settings]


def at(percent: int) -> Setting:
    size = AutoBits(target_size=Size(Fraction(percent), relative=True))
    return Setting(f"{percent}%", QuantizeOptions(bits=size, op_types=("all",)), True)


def test_what_weights_meet_and_the_harm_of_their_bits_is_measured_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed: list[bool] = []
    tried: list[str] = []
    run, resume = Network.run, Network.resume

    def counted_run(self: Network, *args: Any, **options: Any) -> object:
        observed.append("observer" in options)
        return run(self, *args, **options)

    def counted_resume(self: Network, *args: Any, **options: Any) -> object:
        tried.extend(options["replace"] or ())
        return resume(self, *args, **options)

    builder = ModelBuilder()
    x = builder.input("x", (-1, 64))
    for name in "abcdef":
        x = builder.mul(x, name, normal(64, 64))
    builder.fetch(x)
    model = builder.load(tmp_path / "m")
    monkeypatch.setattr(Network, "run", counted_run)
    monkeypatch.setattr(Network, "resume", counted_resume)
    found = compare_settings(model, FEW, settings=(at(35), at(45), SETTINGS[-1]))
    assert len(found.settings) == 3
    assert sum(observed) == 2
    assert sorted(tried) == sorted(2 * "abcdef")  # once for each input


def test_a_setting_beside_others_is_what_it_is_alone() -> None:
    model = Model.load(COMBINED)
    for together in compare_settings(model, FEW).settings:
        (alone,) = compare_settings(model, FEW, jobs=1, settings=(together.setting,)).settings
        assert replace(alone, seconds=together.seconds) == together


def test_sizes_out_of_range_are_left_out_with_what_they_allow() -> None:
    model = Model.load(COMBINED)
    found = compare_settings(model, FEW, settings=(at(1), at(99)))
    assert found.settings == ()
    size = model.stored.size
    assert [one.allowed for one in found.left_out] == [size // 100, size * 99 // 100]
    small, large = found.left_out
    assert "too small" in small.why
    assert "every weight at 16 bits" in large.why


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

"""What runs the model: inferences, adaptive rounding, comparing outputs, recommending."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tests.oracles import envs
from tests.oracles.jobs import SCRIPTS
from tests.oracles.run import speed
from tests.oracles.zoo import PPOCR
from tests.oracles.zoo import model as zoo_model
from tests.pages import COMBINED
from weightquant_cli.core.check.compare_outputs import COUNT

from .measure import Case, NotMeasured, ours, take_turns
from .report import Row, memory, seconds, slower, within
from .setting import Setting

INFERENCES = COUNT
"""Of the peer: on as many made-up inputs outputs are compared."""

PEER = f"{INFERENCES} inferences in Paddle 2.6.2"


@dataclass(frozen=True)
class Subject:
    """A model that is run.

    Attributes:
        title: its name.
        folder: its files.
        prefix: by which Paddle 2.6.2 finds it.
        shape: of its input.
        most: seconds for `--accurate`.
        names: what Paddle 2.6.2 wants to be told of its files.
    """

    title: str
    folder: Path
    prefix: Path
    shape: tuple[int, ...]
    most: float
    names: Mapping[str, str] = field(default_factory=dict)


def inferences(setting: Setting) -> Iterator[Row]:
    """One inference of PP-OCRv4 recognition."""
    if setting.quick:
        raise NotMeasured("not with --quick")
    model = "ppocr_rec"
    for way, (mine, theirs) in (
        (way, found) for (_, way), found in speed.measured([model], rounds=setting.few(5)).items()
    ):
        ratio = mine / theirs
        yield Row(
            f"one inference of PP-OCRv4 recognition (48x320); {way.name}",
            seconds(mine),
            seconds(theirs),
            f"{ratio:.2f} times as long",
            "<= 2 x",
            ratio <= 2,
        )


def accurate(setting: Setting) -> Iterator[Row]:
    """`quantize --accurate`."""
    if setting.quick:
        found = take_turns({"": setting.quantize(COMBINED, "--accurate")}, 1)
        yield memory("`--accurate`, digits", found[""])
        return
    for subject in (_recognition(), _mobilenet(), _vgg16()):
        cases = {
            "ours": setting.quantize(subject.folder, "--accurate", *_shape_option(subject)),
            "peer": _inferences(setting, subject),
        }
        found = take_turns(cases, setting.few(2 if subject.most > 60 else 3))
        title = f"`--accurate`, {subject.title}"
        yield within(f"{title}; {PEER}", found["ours"], found["peer"], subject.most)
        yield memory(title, found["ours"], 1000)


def outputs(setting: Setting) -> Iterator[Row]:
    """`dequantize-check --outputs`: both models are run on 12 inputs."""
    if setting.quick:
        yield from _outputs(setting, COMBINED, None)
        return
    subject = _recognition()
    yield from _outputs(setting, subject.folder, subject)


def _outputs(setting: Setting, source: Path, subject: Subject | None) -> Iterator[Row]:
    quantized = setting.scratch / "quantized_for_outputs"
    command = ("dequantize-check", "-q", "--outputs", "--reference", source, quantized)
    cases = {
        "quantize": ours(setting.scratch, "quantize", "-q", source, quantized, output=quantized),
        "ours": ours(setting.scratch, *command),
    }
    if subject is not None:
        cases["peer"] = _inferences(setting, subject, 2 * INFERENCES)
    found = take_turns(cases, setting.few())
    title = "`dequantize-check --outputs`, PP-OCRv4 recognition"
    if subject is not None:
        told = f"{title}; {2 * INFERENCES} inferences in Paddle 2.6.2"
        yield within(told, found["ours"], found["peer"], 10)
    yield memory(title, found["ours"], 1000)


def recommended(setting: Setting) -> Iterator[Row]:
    """`inspect --recommend` tries six settings; four of them are rounded adaptively."""
    source = COMBINED if setting.quick else _recognition().folder
    cases = {
        "ours": setting.inspect(source, "--recommend", "--json"),
        "peer": setting.quantize(source, "--accurate"),
    }
    found = take_turns(cases, setting.few())
    title = "`inspect --recommend`, PP-OCRv4 recognition; `quantize --accurate`"
    yield slower(title, found["ours"], found["peer"])
    yield memory("`inspect --recommend`", found["ours"], 1000)


def _recognition() -> Subject:
    name, shape = PPOCR["ppocr_rec"]
    folder = envs.ppocr_models() / name
    return Subject("PP-OCRv4 recognition", folder, folder / "inference", shape, 15)


def _mobilenet() -> Subject:
    folder = zoo_model("mobilenet_v1", "combined").folder
    names = {"model_filename": "__model__", "params_filename": "__params__"}
    return Subject("MobileNetV1 at 224", folder, folder, (1, 3, 224, 224), 25, names)


def _vgg16() -> Subject:
    folder = zoo_model("vgg16_2x").folder
    return Subject("VGG16", folder, folder / "inference", (1, 3, 224, 224), 180)


def _shape_option(subject: Subject) -> tuple[str, ...]:
    return () if subject.prefix != subject.folder else ("--input-shape", "image=1,3,224,224")


def _inferences(setting: Setting, subject: Subject, count: int = INFERENCES) -> Case:
    """A process that loads the model with Paddle 2.6.2 and runs it so often."""
    stem = subject.title.replace(" ", "_")
    values, job = setting.scratch / f"{stem}.npy", setting.scratch / f"{stem}-{count}.json"
    np.save(values, np.random.default_rng(0).standard_normal(subject.shape, dtype=np.float32))
    run = {"prefix": str(subject.prefix), "input": str(values), "runs": count - 1}
    job.write_text(json.dumps([{**run, "names": dict(subject.names)}]))
    return Case([envs.python(envs.PADDLE_26), SCRIPTS / "time_with_paddle.py", job])

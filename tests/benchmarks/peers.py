"""The same work by Paddle's own programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.oracles import envs, lite
from tests.oracles.jobs import SCRIPTS
from tests.oracles.paddle import ENVIRONMENT, QuantizeJob
from tests.oracles.pir.exported import PPOCR, networks
from tests.oracles.zoo import model as zoo_model

from .measure import Case, NotMeasured, take_turns
from .report import Row, faster, memory, slower
from .setting import Setting

QUANTIZE = SCRIPTS / "quantize_with_paddle.py"


def against_paddle(setting: Setting) -> Iterator[Row]:
    """VGG16 and MobileNetV1 against Paddle's own classes, and VGG16 against opt."""
    if setting.quick:
        raise NotMeasured("not with --quick")
    vgg = setting.vgg16_by_paddle()
    mobilenet = zoo_model("mobilenet_v1").folder
    for source, title in ((vgg, "VGG16"), (mobilenet, "MobileNetV1")):
        for version in ("1.8.5", "2.6.2"):
            peer = _paddle(setting, version, source)
            yield from _compared(f"{title}, INT8; Paddle {version}", setting, source, peer)
    yield from _compared("VGG16, INT8; `opt --quant_model`", setting, vgg, _opt(setting, vgg), 8.0)


def translated(setting: Setting) -> Iterator[Row]:
    """PP-OCRv4 recognition as Paddle 3's `.json` against the `.pdmodel`."""
    envs.require(envs.PADDLE_33, envs.PPOCR)
    folder = setting.scratch / "translated"
    folder.mkdir(exist_ok=True)
    (case,) = networks((), ("ppocr_rec",), folder)
    if case.error:
        raise NotMeasured(f"Paddle 3 could not translate it: {case.error[-300:]}")
    released = envs.ppocr_models() / PPOCR["ppocr_rec"][0]
    cases = {"json": setting.quantize(case.folder), "pdmodel": setting.quantize(released)}
    found = take_turns(cases, setting.rounds)
    title = "PP-OCRv4 recognition as Paddle 3's `.json`, `-q`; its `.pdmodel`"
    yield slower(title, found["json"], found["pdmodel"], 1.6)
    yield memory("PP-OCRv4 recognition as `.json`", found["json"])


def _compared(
    title: str, setting: Setting, source: Path, peer: Case, least: float | None = None
) -> Iterator[Row]:
    """Beside a peer; the row of a peer that fails says so."""
    try:
        found = take_turns({"ours": setting.quantize(source), "peer": peer}, setting.few())
    except NotMeasured as reason:
        yield Row(title, f"not measured: {reason}")
        return
    yield faster(title, found["ours"], found["peer"], least)


def _paddle(setting: Setting, version: str, source: Path) -> Case:
    output = setting.scratch / "out_by_paddle"
    job = setting.scratch / f"job-{source.parent.name}-{source.name}.json"
    job.write_text(json.dumps([vars(QuantizeJob(str(source), str(output)))]))
    return Case([envs.python(ENVIRONMENT[version]), QUANTIZE, job], output)


def _opt(setting: Setting, source: Path) -> Case:
    output = setting.scratch / "out_by_opt"
    return Case(
        [
            lite.opt("2.12"),
            f"--model_dir={source}",
            f"--optimize_out={output}",
            "--optimize_out_type=naive_buffer",
            "--valid_targets=arm",
            "--quant_model=true",
            "--quant_type=QUANT_INT8",
        ]
    )

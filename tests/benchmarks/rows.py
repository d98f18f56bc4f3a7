"""The rows of the table: each measures our command and its peer in turns."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.oracles import envs, lite
from tests.oracles.jobs import SCRIPTS, OracleFailed
from tests.oracles.paddle import ENVIRONMENT, QuantizeJob
from tests.oracles.pir.exported import PPOCR, networks
from tests.oracles.zoo import model as zoo_model

from .measure import (
    Case,
    NotMeasured,
    Sample,
    ours,
    take_turns,
)
from .models import (
    GIGABYTE,
    matrices,
    small_weights,
    vgg16,
    write_model,
)
from .report import Row, seconds

BUILD_VGG16 = SCRIPTS / "build_vgg16.py"
QUANTIZE = SCRIPTS / "quantize_with_paddle.py"


@dataclass(frozen=True)
class Setting:
    """How to measure.

    Attributes:
        scratch: a folder for models and outputs.
        rounds: runs of every command after a first one; 0 where that is enough.
        quick: tiny models, to see that the benchmark itself works.
        large: also the models of 1 to 12 GB.
    """

    scratch: Path
    rounds: int
    quick: bool
    large: bool

    @property
    def out(self) -> Path:
        """The folder that our command writes."""
        return self.scratch / "out"

    def quantize(self, source: Path, *options: str) -> Case:
        """A run of `weightquant quantize` on a model."""
        return ours(self.scratch, "quantize", "-q", *options, source, self.out, output=self.out)

    def inspect(self, source: Path) -> Case:
        """A run of `weightquant inspect` on a model."""
        return ours(self.scratch, "inspect", source)


def copied(setting: Setting) -> Iterator[Row]:
    """VGG16 against `cp -r`."""
    source = _vgg16(setting)
    copy = setting.scratch / "copy"
    cases = {"cp": Case(["cp", "-r", source, copy], copy)}
    for bits in ("8", "16"):
        cases[bits] = setting.quantize(source, "--bits", bits)
    cases["told"] = ours(setting.scratch, "quantize", source, setting.out, output=setting.out)
    found = take_turns(cases, setting.rounds)
    shutil.rmtree(copy, ignore_errors=True)
    for bits, target in (("8", 2.0), ("16", 2.5)):
        yield _slower(f"VGG16, INT{bits}, against cp -r", found[bits], found["cp"], target)
    title = "VGG16, INT8, errors measured for the summary, against cp -r"
    yield _slower(title, found["told"], found["cp"], None)
    for bits in ("8", "16"):
        yield _memory(f"peak memory, VGG16, INT{bits}", found[bits], 64)


def checked(setting: Setting) -> Iterator[Row]:
    """`dequantize-check --reference` against `quantize`."""
    source = _vgg16(setting)
    quantized = setting.scratch / "quantized"
    arguments = ("quantize", "-q", "--force", source, quantized)
    cases = {
        "quantize": ours(setting.scratch, *arguments),
        "check": ours(setting.scratch, "dequantize-check", "-q", "--reference", source, quantized),
    }
    found = take_turns(cases, setting.rounds)
    title = "VGG16, dequantize-check --reference, against quantize"
    yield _slower(title, found["check"], found["quantize"], 2.0)
    yield _memory("peak memory of that check", found["check"], None)


def started(setting: Setting) -> Iterator[Row]:
    """`weightquant --version` against the import of click."""
    cases = {
        "version": ours(setting.scratch, "--version"),
        "click": Case([sys.executable, "-c", "import click"]),
    }
    found = take_turns(cases, 3 * setting.rounds)
    yield _slower("--version against `import click`", found["version"], found["click"], 1.5)


def many(setting: Setting) -> Iterator[Row]:
    """Ten times as many operators, or files."""
    few = 100 if setting.quick else 10_000
    programs = [_operators(setting, count) for count in (few, 10 * few)]
    folders = [_files(setting, count // 5) for count in (few, 10 * few)]
    for what, sources in (("operators", programs), ("parameter files", folders)):
        for command, run in (("quantize", setting.quantize), ("inspect", setting.inspect)):
            cases = {source.name: run(source) for source in sources}
            small, big = take_turns(cases, min(setting.rounds, 3)).values()
            title = f"{command}, {sources[1].name} {what} against {sources[0].name}"
            yield _slower(title, big, small, 12.0)
            yield _memory(f"peak memory, {command}, {sources[1].name} {what}", big, None)


def grown(setting: Setting) -> Iterator[Row]:
    """Models of 1, 4 and 12 GB: memory and seconds per gigabyte stay the same."""
    if not setting.large and not setting.quick:
        raise NotMeasured("only with --large; takes 20 GB of disk")
    unit = GIGABYTE // 1024 if setting.quick else GIGABYTE
    needed = 20 * unit
    if shutil.disk_usage(setting.scratch).free < needed:
        raise NotMeasured(f"needs {needed / GIGABYTE:.0f} GB of disk")
    first: Sample | None = None
    for title, size, combined, single in (
        ("1 GB, combined", 1, "__params__", False),
        ("4 GB, separate", 4, None, False),
        ("4 GB, a single weight", 4, None, True),
        ("12 GB, combined", 12, "__params__", False),
    ):
        source = setting.scratch / title
        write_model(source, matrices(size * unit, single), combined)
        rounds = min(setting.rounds, 3 if size == 1 else 1)
        sample = take_turns({title: setting.quantize(source)}, rounds)[title]
        first = first or sample
        yield from _growth(title, size, sample, first)
        shutil.rmtree(setting.out, ignore_errors=True)
        if size == 12:
            looked = take_turns({title: setting.inspect(source)}, min(setting.rounds, 3))[title]
            yield Row(f"inspect, {title}", seconds(looked.seconds), target="<= 500 ms")
            yield _memory(f"peak memory, inspect, {title}", looked, 60)
        shutil.rmtree(source)


def _growth(title: str, size: int, sample: Sample, first: Sample) -> Iterator[Row]:
    relative = f"{sample.seconds / size / first.seconds:.2f} x per GB"
    change = f"{sample.peak / first.peak:.2f} x"
    targets = ("", "") if sample is first else ("<= 1.15 x", "<= 1.10 x")
    yield Row(f"quantize, {title}", seconds(sample.seconds), "", relative, targets[0])
    yield Row(f"peak memory, {title}", f"{sample.peak:.0f} MiB", "", change, targets[1])


def against_paddle(setting: Setting) -> Iterator[Row]:
    """VGG16 and MobileNetV1 against Paddle's own classes, and VGG16 against opt."""
    if setting.quick:
        raise NotMeasured("not with --quick")
    vgg = _vgg16_by_paddle(setting)
    mobilenet = zoo_model("mobilenet_v1").folder
    rounds = min(setting.rounds, 3)
    for source, title, target in ((vgg, "VGG16", 15.0), (mobilenet, "MobileNetV1", 8.0)):
        for version, promised in (("1.8.5", target), ("2.6.2", None)):
            cases = {"ours": setting.quantize(source), "peer": _paddle(setting, version, source)}
            yield from _compared(f"{title}, Paddle {version}", cases, rounds, promised)
    cases = {"ours": setting.quantize(vgg), "peer": _opt(setting, vgg)}
    yield from _compared("VGG16, opt --quant_model", cases, rounds, 8.0)


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
    title = "PP-OCRv4 recognition, the .json against the .pdmodel"
    yield _slower(title, found["json"], found["pdmodel"], 1.6)
    yield _memory("peak memory, PP-OCRv4 recognition, the .json", found["json"], None)


GROUPS: dict[str, Callable[[Setting], Iterator[Row]]] = {
    "copy": copied,
    "check": checked,
    "start": started,
    "many": many,
    "translated": translated,
    "large": grown,
    "paddle": against_paddle,
}


def measure(name: str, setting: Setting) -> Iterator[Row]:
    """The rows of one group; one that says why, where they cannot be measured."""
    try:
        yield from GROUPS[name](setting)
    except (NotMeasured, envs.OracleMissing, OracleFailed) as reason:
        yield Row(name, f"not measured: {' '.join(str(reason).split())}")


def _slower(title: str, mine: Sample, peer: Sample, target: float | None) -> Row:
    ratio = f"{mine.seconds / peer.seconds:.2f} x"
    wanted = "" if target is None else f"<= {target:g} x"
    return Row(title, seconds(mine.seconds), seconds(peer.seconds), ratio, wanted)


def _compared(
    title: str, cases: dict[str, Case], rounds: int, target: float | None
) -> Iterator[Row]:
    """Time and memory beside a peer; the row of a peer that fails says so."""
    try:
        found = take_turns(cases, rounds)
    except NotMeasured as reason:
        yield Row(title, f"not measured: {reason}")
        return
    mine, peer = found["ours"], found["peer"]
    ratio = f"{peer.seconds / mine.seconds:.1f} x faster"
    promised = "" if target is None else f">= {target:g} x"
    yield Row(title, seconds(mine.seconds), seconds(peer.seconds), ratio, promised)
    yield Row(f"peak memory, {title}", f"{mine.peak:.0f} MiB", f"{peer.peak:.0f} MiB")


def _memory(title: str, sample: Sample, target: int | None) -> Row:
    return Row(title, f"{sample.peak:.0f} MiB", target="" if target is None else f"<= {target} MiB")


def _vgg16(setting: Setting) -> Path:
    return write_model(setting.scratch / "vgg16", vgg16(32 if setting.quick else 1))


def _vgg16_by_paddle(setting: Setting) -> Path:
    """VGG16 built by Paddle 1.8.5, since it must be able to load it."""
    folder = setting.scratch / "vgg16_by_paddle"
    if not folder.exists():
        command = [envs.python(envs.PADDLE_18), BUILD_VGG16, folder]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise NotMeasured(f"Paddle could not build VGG16: {done.stderr[-300:]}")
    return folder


def _operators(setting: Setting, count: int) -> Path:
    layers = small_weights(min(count // 10, 100))
    folder = setting.scratch / "operators" / f"{count:,}"
    return write_model(folder, layers, "__params__", plain=count - len(layers))


def _files(setting: Setting, count: int) -> Path:
    return write_model(setting.scratch / "files" / f"{count:,}", small_weights(count))


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

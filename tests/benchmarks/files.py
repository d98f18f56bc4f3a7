"""Reading, rounding and writing: against `cp -r`, the bare imports, and smaller models."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from tests.oracles.zoo import model as zoo_model
from tests.pages import DIGITS

from .measure import ROOT, Case, NotMeasured, Sample, ours, take_turns
from .models import GIGABYTE, matrices, small_weights, write_model
from .report import Row, memory, seconds, slower
from .setting import Setting

_WRITE = """
import sys
from pathlib import Path
from tests.benchmarks.models import write_json
write_json(Path(sys.argv[1]), int(sys.argv[2]))
"""


def copied(setting: Setting) -> Iterator[Row]:
    """VGG16 against `cp -r`."""
    source = setting.vgg16()
    copy = setting.scratch / "copy"
    cases = {"cp": Case(["cp", "-r", source, copy], copy)}
    for bits in ("8", "16"):
        cases[bits] = setting.quantize(source, "--bits", bits)
    cases["told"] = ours(setting.scratch, "quantize", source, setting.out, output=setting.out)
    found = take_turns(cases, setting.rounds)
    shutil.rmtree(copy, ignore_errors=True)
    told = "`cp -r` of the model"
    yield slower(f"VGG16, INT8, `-q`; {told}", found["8"], found["cp"], 1.8)
    yield slower(f"VGG16, INT8, with the summary; {told}", found["told"], found["cp"], 2.2)
    yield slower(f"VGG16, INT16, `-q`; {told}", found["16"], found["cp"], 2.3)
    yield memory("VGG16, INT8", found["8"], 48)
    yield memory("VGG16, INT16", found["16"], 48)


def checked(setting: Setting) -> Iterator[Row]:
    """`dequantize-check --reference` against `quantize`."""
    source = setting.vgg16()
    quantized = setting.scratch / "quantized"
    arguments = ("--force", source, quantized)
    cases = {
        "quantize": ours(setting.scratch, "quantize", *arguments),
        "check": ours(setting.scratch, "dequantize-check", "-q", "--reference", source, quantized),
    }
    found = take_turns(cases, setting.rounds)
    title = "`dequantize-check --reference`, VGG16; `quantize` with the summary"
    yield slower(title, found["check"], found["quantize"], 1.5)
    yield memory("that check", found["check"])


def started(setting: Setting) -> Iterator[Row]:
    """Against the bare imports."""
    mobilenet = DIGITS if setting.quick else zoo_model("mobilenet_v1").folder
    cases = {
        "version": ours(setting.scratch, "--version"),
        "click": Case([sys.executable, "-c", "import click"]),
        "quantize": setting.quantize(mobilenet),
        "imports": _bare_imports(),
    }
    found = take_turns(cases, 3 * setting.rounds)
    yield slower("`--version`; `import click`", found["version"], found["click"], 1.5)
    title = "MobileNetV1, INT8, `-q`; `import numpy, click, google.protobuf`"
    yield slower(title, found["quantize"], found["imports"], 1.6)


def _bare_imports() -> Case:
    return Case([sys.executable, "-c", "import numpy, click, google.protobuf"])


def many(setting: Setting) -> Iterator[Row]:
    """Ten times as many operators, or files."""
    few = 100 if setting.quick else 10_000
    programs = [_operators(setting, count) for count in (few, 10 * few)]
    folders = [_files(setting, count // 5) for count in (few, 10 * few)]
    for what, sources in (("operators", programs), ("parameter files", folders)):
        for command, run in (("quantize", setting.quantize), ("inspect", setting.inspect)):
            cases = {source.name: run(source) for source in sources}
            small, big = take_turns(cases, setting.few()).values()
            title = f"`{command}`, {sources[1].name} {what}; {sources[0].name}"
            yield slower(title, big, small, 12.0)
            yield memory(f"`{command}`, {sources[1].name} {what}", big)


def weights(setting: Setting) -> Iterator[Row]:
    """10 to 10,000 weights in one file: small ones cost the imports, many cost by their number."""
    counts = (10, 100) if setting.quick else (10, 100, 1_000, 10_000)
    cases = {"bare imports": _bare_imports()}
    for count in counts:
        folder = setting.scratch / "weights" / f"{count:,}"
        cases[folder.name] = setting.quantize(
            write_model(folder, small_weights(count), "__params__")
        )
    yield from _grown(take_turns(cases, setting.few(5)), "weights")


def documents(setting: Setting) -> Iterator[Row]:
    """A `.json` of 1 to 50 MB, which is the most that is read."""
    sizes = (1, 2) if setting.quick else (1, 10, 50)
    unit = 20_000 if setting.quick else 1_000_000
    cases = {}
    for size in sizes:
        folder = setting.scratch / "documents" / f"{size} MB"
        # In a process of its own: what this one takes would count as the peak of those it starts.
        subprocess.run(
            [sys.executable, "-c", _WRITE, folder, str(size * unit)], check=True, cwd=ROOT
        )
        cases[folder.name] = setting.quantize(folder)
    yield from _grown(take_turns(cases, setting.few()), "of `.json`")


def _grown(found: dict[str, Sample], what: str) -> Iterator[Row]:
    """Each beside the one before."""
    for (before, small), (name, big) in pairwise(found.items()):
        yield slower(f"`quantize -q`, {name} {what}; {before}", big, small)


def grown(setting: Setting) -> Iterator[Row]:
    """Models of 1, 4 and 12 GB: memory and seconds per gigabyte stay the same."""
    if not setting.large and not setting.quick:
        raise NotMeasured("only with --large; takes 16 GB of disk, or of /dev/shm")
    unit = GIGABYTE // 1024 if setting.quick else GIGABYTE
    needed = 16 * unit
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
        rounds = setting.few(3 if size == 1 else 1)
        sample = take_turns({title: setting.quantize(source)}, rounds)[title]
        first = first or sample
        yield _per_gigabyte(title, size, sample, first)
        shutil.rmtree(setting.out, ignore_errors=True)
        if size == 12:
            looked = take_turns({title: setting.inspect(source)}, setting.few())[title]
            yield Row(f"`inspect`, {title}", seconds(looked.seconds))
            yield memory(f"`inspect`, {title}", looked)
        shutil.rmtree(source)


def _per_gigabyte(title: str, size: int, sample: Sample, first: Sample) -> Row:
    ratio = sample.seconds / size / first.seconds
    return Row(
        f"a model of {title}; of 1 GB",
        f"{seconds(sample.seconds)}, {sample.peak:.0f} MiB",
        f"{seconds(first.seconds)}, {first.peak:.0f} MiB",
        f"{ratio:.2f} times as long per GB",
        "" if size == 1 else "<= 1.2 x",
        None if size == 1 else ratio <= 1.2 and sample.peak <= 1.1 * first.peak,
    )


def _operators(setting: Setting, count: int) -> Path:
    layers = small_weights(min(count // 10, 100))
    folder = setting.scratch / "operators" / f"{count:,}"
    return write_model(folder, layers, "__params__", plain=count - len(layers))


def _files(setting: Setting, count: int) -> Path:
    return write_model(setting.scratch / "files" / f"{count:,}", small_weights(count))

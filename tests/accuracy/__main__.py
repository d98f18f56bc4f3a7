"""python -m tests.accuracy [--lines N] [--pages N] [rec] [det]: a table for many settings."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from weightquant_cli import (
    AutoBits,
    Model,
    OutputOptions,
    QuantizeOptions,
    Size,
    dequantize,
    plan_model,
    quantize,
)
from weightquant_cli.core.quantize.adaptive.adaptive import round_adaptively
from weightquant_cli.core.run.inputs import SampleOptions, samples

from ..oracles import envs
from .corpus import Corpus, load
from .evaluate import Array, compare_detecting, compare_reading, predict

MODELS = {"rec": "ch_PP-OCRv4_rec_infer", "det": "ch_PP-OCRv4_det_infer"}
BATCH = {"rec": 25, "det": 1}


@dataclass(frozen=True)
class Setting:
    """How a model is quantized.

    Attributes:
        label: for the table, as one would type it.
        bits: of the options.
        adaptive: whether rounding is.
    """

    label: str
    bits: int | AutoBits
    adaptive: bool


SETTINGS = (
    Setting("--bits 8", 8, False),
    Setting("--bits auto", AutoBits(), False),
    Setting("--rounding adaptive", 8, True),
    Setting("--accurate", AutoBits(), True),
    Setting("--accurate --target-size 35%", AutoBits(target_size=Size(35, relative=True)), True),
    Setting("--bits 16", 16, False),
)


def main() -> None:
    """Quantize, run everything in PaddlePaddle 2.6.2, and print what came of the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["rec", "det"], choices=list(MODELS))
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--pages", type=int, default=8)
    given = parser.parse_args()
    corpus = load(given.lines, given.pages)
    for name in given.models:
        for line in table(name, corpus):
            print(line, flush=True)


def table(name: str, corpus: Corpus) -> Iterator[str]:
    """A table in Markdown: sizes, and how far the answers are from FP32's."""
    source = envs.ppocr_models() / MODELS[name]
    with tempfile.TemporaryDirectory(prefix="weightquant-accuracy-") as scratch:
        folders = [Path(scratch) / str(index) for index in range(len(SETTINGS))]
        sizes = [
            written(source, setting, folder)
            for setting, folder in zip(SETTINGS, folders, strict=True)
        ]
        inputs = corpus.lines if name == "rec" else corpus.pages
        original, *found = predict([source, *folders], inputs, BATCH[name])
    yield f"{name}, {len(inputs)} inputs"
    yield "| setting | bytes | answers |"
    yield "|---|---|---|"
    size = Model.load(source).stored.size
    yield f"| FP32 | {size} | {judged(name, original, original, corpus)} |"
    for setting, size, outputs in zip(SETTINGS, sizes, found, strict=True):
        yield f"| `{setting.label}` | {size} | {judged(name, outputs, original, corpus)} |"


def written(source: Path, setting: Setting, folder: Path) -> int:
    """Write the dequantized model that PaddlePaddle can run; bytes of the quantized one."""
    model = Model.load(source)
    plan = plan_model(model, QuantizeOptions(bits=setting.bits, op_types=("all",)))
    rounding = None
    if setting.adaptive:
        rounding = round_adaptively(model, plan, samples(model, SampleOptions()))
    with tempfile.TemporaryDirectory() as between:
        small = Path(between) / "small"
        result = quantize(model, plan, OutputOptions(small), rounding=rounding)
        dequantize(Model.load(small), OutputOptions(folder))
    return result.sizes.after


def judged(name: str, found: Array, original: Array, corpus: Corpus) -> str:
    """The cell of a table."""
    if name == "rec":
        reading = compare_reading(found, original, corpus.texts)
        return (
            f"KL {reading.divergence:.4f}, same text {reading.agreement:.1%}, "
            f"same steps {reading.steps:.2%}, exact {reading.exact:.1%}"
        )
    detecting = compare_detecting(found, original)
    return f"rms {detecting.rms:.4f}, IoU {detecting.overlap:.4f}, area {np.mean(found > 0.3):.3f}"


if __name__ == "__main__":
    main()

"""python -m tests.accuracy [--lines N] [--pages N] [--tables N] [NAME...]: tables of answers.

For each model (rec, det, cls, slanet) and setting: bytes, bytes deflated, what the tool says of the
outputs from synthetic inputs, and what came of the answers on rendered text in PaddlePaddle 2.6.2
and in Paddle Lite 2.12. Below each table, how well what the tool says ranks the settings.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from weightquant_cli import OptionError

from ..oracles.jobs import OracleFailed
from .corpus import load
from .evaluate import Array, predict, predict_on_phone, rank_correlation
from .settings import SETTINGS, Written, original, written
from .subjects import NAMES, Subject, subject


def main() -> None:
    """Quantize, run everything on the corpus, and print what came of the answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=list(NAMES[:3]), choices=NAMES)
    parser.add_argument("--lines", type=int, default=200)
    parser.add_argument("--pages", type=int, default=8)
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--no-lite", action="store_true", help="PaddlePaddle alone")
    given = parser.parse_args()
    corpus = load(given.lines, given.pages, given.tables)
    for name in given.models:
        one = subject(name, corpus)
        print(f"{name}, {len(one.inputs)} inputs")
        for line in table(one, not given.no_lite):
            print(line, flush=True)


def table(one: Subject, lite: bool) -> Iterator[str]:
    """A table in Markdown: sizes, and how far the answers are from FP32's."""
    with tempfile.TemporaryDirectory(prefix="weightquant-accuracy-") as scratch:
        folders = [Path(scratch) / str(index) for index in range(len(SETTINGS) + 1)]
        models = [original(one.folder, folders[0])]
        labels = ["FP32"]
        for setting, folder in zip(SETTINGS, folders[1:], strict=True):
            try:
                models.append(written(one.folder, setting, folder))
            except OptionError as error:  # a size that cannot be reached
                yield f"without `{setting.label}`: {error.what}"
                continue
            labels.append(f"`{setting.label}`")
        found = predict([each.plain for each in models], one.inputs, one.batch, one.output)
        yield "| setting | bytes | deflated | told | Paddle 2.6.2 | Paddle Lite 2.12 |"
        yield "|---|---|---|---|---|---|"
        for label, model, answers in zip(labels, models, found, strict=True):
            cell, _ = one.judge(answers, found[0])
            phone = _on_phone(one, model, found[0]) if lite else ""
            told = f"{model.told[one.output]:.1f} dB" if model.told else ""
            yield f"| {label} | {model.size} | {model.compressed} | {told} | {cell} | {phone} |"
    yield from _ranks(one, models[1:], found[1:], found[0])


def _on_phone(one: Subject, model: Written, reference: Array) -> str:
    try:
        answers = predict_on_phone(model.folder, one.inputs, one.batch, one.output)
    except OracleFailed as reason:
        return " ".join(str(reason).split())[:60]
    return one.judge(answers, reference)[0]


def _ranks(
    one: Subject, models: Sequence[Written], found: Sequence[Array], reference: Array
) -> Iterator[str]:
    """Rank correlations over the settings with the harm on text."""
    harm = [one.judge(answers, reference)[1] for answers in found]
    for what, values in (
        ("outputs on synthetic inputs", [-model.told[one.output] for model in models]),
        ("worst SQNR of a weight", [-model.worst_sqnr for model in models]),
    ):
        yield f"rank correlation with the harm, {what}: {rank_correlation(values, harm):.2f}"
    yield f"({len(np.unique(harm))} different harms)"


if __name__ == "__main__":
    main()

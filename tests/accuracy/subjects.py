"""The models of the table: where they are, what they are run on, and how they are judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..oracles import envs
from .corpus import Corpus
from .evaluate import Array, compare_choosing, compare_detecting, compare_reading, compare_tables


@dataclass(frozen=True)
class Subject:
    """One trained model.

    Attributes:
        folder: where it is.
        inputs: for its one input.
        batch: how many of them are run at a time.
        output: which of its outputs is judged.
        judge: the cell of the table, and the harm as a number: 0 for the answers of FP32.
    """

    folder: Path
    inputs: Array
    batch: int
    output: int
    judge: Callable[[Array, Array], tuple[str, float]]


NAMES = ("rec", "det", "cls", "slanet")


def subject(name: str, corpus: Corpus) -> Subject:
    """One of `NAMES`."""
    models = envs.ppocr_models()
    if name == "rec":
        return Subject(models / "ch_PP-OCRv4_rec_infer", corpus.lines, 25, 0, _reading(corpus))
    if name == "det":
        return Subject(models / "ch_PP-OCRv4_det_infer", corpus.pages, 1, 0, _detecting)
    if name == "cls":
        turned = corpus.lines[:, :, :, :192].copy()
        turned[::2] = turned[::2, :, ::-1, ::-1]
        return Subject(models / "ch_ppocr_mobile_v2_cls_infer", turned, 25, 0, _choosing)
    return Subject(envs.slanet_model(), corpus.tables, 1, 1, _tables)


def _reading(corpus: Corpus) -> Callable[[Array, Array], tuple[str, float]]:
    def judge(found: Array, original: Array) -> tuple[str, float]:
        reading = compare_reading(found, original, corpus.texts)
        cell = (
            f"KL {reading.divergence:.4f}, same text {reading.agreement:.1%}, "
            f"same steps {reading.steps:.2%}, exact {reading.exact:.1%}"
        )
        return cell, reading.divergence

    return judge


def _detecting(found: Array, original: Array) -> tuple[str, float]:
    detecting = compare_detecting(found, original)
    cell = f"rms {detecting.rms:.4f}, IoU {detecting.overlap:.4f}, area {np.mean(found > 0.3):.3f}"
    return cell, detecting.rms


def _choosing(found: Array, original: Array) -> tuple[str, float]:
    choosing = compare_choosing(found, original)
    cell = f"KL {choosing.divergence:.6f}, same class {choosing.agreement:.1%}"
    return f"{cell}, logit SNR {choosing.logits:.1f} dB", 10 ** (-choosing.logits / 10)


def _tables(found: Array, original: Array) -> tuple[str, float]:
    tables = compare_tables(found, original)
    cell = f"KL {tables.divergence:.4f}, same structure {tables.agreement:.1%}"
    return f"{cell}, same steps {tables.steps:.2%}", tables.divergence

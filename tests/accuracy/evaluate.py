"""Answers of many variants of a model on the corpus, and how far they are from FP32's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..oracles import envs
from ..oracles.jobs import run_script, scratch
from .corpus import characters, decode

Array = npt.NDArray[np.float32]


def predict(models: Sequence[Path], inputs: Array, batch: int) -> list[Array]:
    """The first output of every model, in PaddlePaddle 2.6.2.

    Args:
        models: folders with `inference.pdmodel`, without quantization attributes.
        inputs: for the one input.
        batch: how many at a time.
    """
    with scratch() as name:
        folder = Path(name)
        np.savez(folder / "in.npz", inputs)
        outs = [folder / f"out{index}.npy" for index in range(len(models))]
        job = {
            "models": [str(model / "inference") for model in models],
            "outs": [str(out) for out in outs],
            "inputs": str(folder / "in.npz"),
            "batch": batch,
        }
        run_script(envs.PADDLE_26, "predict_many.py", job, folder, timeout=3600)
        return [np.load(out) for out in outs]


@dataclass(frozen=True)
class Reading:
    """How a recognizer reads beside FP32.

    Attributes:
        divergence: mean Kullback-Leibler divergence of the distribution of a step from FP32's.
        agreement: share of lines with FP32's text.
        steps: share of steps with FP32's likeliest class.
        exact: share of lines read as they were written.
    """

    divergence: float
    agreement: float
    steps: float
    exact: float


def compare_reading(found: Array, original: Array, texts: Sequence[str]) -> Reading:
    """Compare probabilities of shape ``(lines, steps, classes)``."""
    known = characters()
    ours = [decode(line, known) for line in found]
    theirs = [decode(line, known) for line in original]
    safe = np.maximum(found, 1e-12)
    ratio = np.log(np.maximum(original, 1e-12)) - np.log(safe)
    return Reading(
        divergence=float((original * ratio).sum(axis=-1).mean()),
        agreement=float(np.mean([a == b for a, b in zip(ours, theirs, strict=True)])),
        steps=float((found.argmax(axis=-1) == original.argmax(axis=-1)).mean()),
        exact=float(np.mean([a == b for a, b in zip(ours, texts, strict=True)])),
    )


@dataclass(frozen=True)
class Detecting:
    """How a detector's map of probabilities is beside FP32's.

    Attributes:
        rms: root of the mean squared change.
        overlap: of the areas above 0.3: intersection over union.
    """

    rms: float
    overlap: float


def compare_detecting(found: Array, original: Array) -> Detecting:
    """Compare maps of any shape."""
    ours, theirs = found > 0.3, original > 0.3
    union = np.count_nonzero(ours | theirs)
    return Detecting(
        rms=float(np.sqrt(np.mean((found - original).astype(np.float64) ** 2))),
        overlap=float(np.count_nonzero(ours & theirs) / union) if union else 1.0,
    )

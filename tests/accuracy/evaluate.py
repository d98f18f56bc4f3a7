"""Answers of many variants of a model on the corpus, and how far they are from FP32's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from weightquant_cli.core.tensors.weight_error import decibels

from ..oracles import envs, lite
from ..oracles.jobs import OracleFailed, run_script, scratch
from .corpus import characters, decode

Array = npt.NDArray[np.float32]


def predict(models: Sequence[Path], inputs: Array, batch: int, output: int = 0) -> list[Array]:
    """One output of every model, in PaddlePaddle 2.6.2.

    Args:
        models: folders with `inference.pdmodel`, without quantization attributes.
        inputs: for the one input.
        batch: how many at a time.
        output: which one. Where its second axis differs, it is filled with NaN.
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
            "output": output,
        }
        run_script(envs.PADDLE_26, "predict_many.py", job, folder, timeout=3600)
        return [np.load(out) for out in outs]


def predict_on_phone(model: Path, inputs: Array, batch: int, output: int = 0) -> Array:
    """The same of one quantized model in Paddle Lite 2.12: its `.nb` for x86.

    Raises:
        OracleFailed: opt wrote nothing, or Paddle Lite aborted.
    """
    with scratch() as name:
        folder = Path(name)
        files = ("inference.pdmodel", "inference.pdiparams")
        converted = lite.convert("2.12", model, *files, folder / "x86", "x86")
        if converted.nb is None:
            raise OracleFailed(f"opt wrote nothing: {converted.output[-300:]}")
        np.savez(folder / "in.npz", inputs)
        job = {
            "nb": str(converted.nb),
            "out": str(folder / "out.npy"),
            "inputs": str(folder / "in.npz"),
            "batch": batch,
            "output": output,
        }
        environment = lite.ENVIRONMENT["2.12"]
        run_script(environment, "predict_many_with_lite.py", job, folder, timeout=3600)
        return np.asarray(np.load(folder / "out.npy"))


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
    return Reading(
        divergence=_divergence(found, original),
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


def _divergence(found: Array, original: Array) -> float:
    """Mean Kullback-Leibler divergence of probabilities along the last axis."""
    ratio = np.log(np.maximum(original, 1e-12)) - np.log(np.maximum(found, 1e-12))
    return float((original * ratio).sum(axis=-1).mean())


@dataclass(frozen=True)
class Choosing:
    """How a classifier of two classes chooses beside FP32.

    Attributes:
        divergence: mean Kullback-Leibler divergence from FP32's.
        agreement: share of inputs with FP32's class.
        logits: signal to noise ratio of the difference of the two logits, in dB.
    """

    divergence: float
    agreement: float
    logits: float


def compare_choosing(found: Array, original: Array) -> Choosing:
    """Compare probabilities of shape ``(inputs, 2)``."""
    ours, theirs = (
        np.subtract(*np.log(np.maximum(one.astype(np.float64), 1e-30)).T)
        for one in (found, original)
    )
    noise = float(np.square(ours - theirs).sum())
    return Choosing(
        divergence=_divergence(found, original),
        agreement=float((found.argmax(axis=-1) == original.argmax(axis=-1)).mean()),
        logits=decibels(float(np.square(theirs).sum()), noise),
    )


@dataclass(frozen=True)
class Tables:
    """How tables are understood beside FP32.

    Attributes:
        divergence: mean Kullback-Leibler divergence of the tokens' distributions from FP32's, over
            the steps that both have.
        agreement: share of tables with FP32's tokens.
        steps: share of FP32's steps with the same token.
    """

    divergence: float
    agreement: float
    steps: float


def compare_tables(found: Array, original: Array) -> Tables:
    """Compare probabilities of shape ``(tables, steps, tokens)``, NaN behind the last step."""
    length = min(found.shape[1], original.shape[1])
    both = np.isfinite(found[:, :length, 0]) & np.isfinite(original[:, :length, 0])
    ours, theirs = found[:, :length][both], original[:, :length][both]
    steps = [np.isfinite(one[..., 0]).sum(axis=1) for one in (found, original)]
    equal = np.zeros(both.shape, bool)
    equal[both] = ours.argmax(axis=-1) == theirs.argmax(axis=-1)
    same = (steps[0] == steps[1]) & (equal.sum(axis=1) == steps[1])
    return Tables(
        divergence=_divergence(ours, theirs),
        agreement=float(same.mean()),
        steps=float(equal.sum() / steps[1].sum()),
    )


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float:
    """Spearman's; equal values share their mean rank."""
    ranks = [_ranks(np.asarray(values, np.float64)) for values in (one, other)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])


def _ranks(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    smaller = (values[:, None] > values).sum(axis=1)
    return np.asarray(smaller + (values[:, None] >= values).sum(axis=1), np.float64)

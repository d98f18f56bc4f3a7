"""Programs that Paddle 3.3.1 exported and ran, our translations, and what Paddle 2.6.2 answers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weightquant_cli.errors import WeightQuantError
from weightquant_cli.formats.pir import translate

from .. import envs
from ..jobs import Array, Feed, load_outputs, run_script

PPOCR = {
    "ppocr_det": ("ch_PP-OCRv4_det_infer", (1, 3, 64, 96)),
    "ppocr_rec": ("ch_PP-OCRv4_rec_infer", (2, 3, 48, 96)),
    "ppocr_cls": ("ch_ppocr_mobile_v2_cls_infer", (2, 3, 48, 192)),
}
"""Released models of PP-OCR: folder, and the shape of an input."""

SLANET = "slanet"
"""A released model with a loop and a branch in it."""

VISION = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "shufflenet_v2",
    "shufflenet_v2_swish",
    "resnet18",
    "resnext50",
    "squeezenet",
    "densenet121",
    "googlenet",
    "inception_v3",
    "alexnet",
    "vgg11",
    "lenet",
)
"""Networks of `paddle.vision.models`, in `scripts/pir_networks.py`."""

OTHERS = (
    "encoder",
    "lstm",
    "gru",
    "simple_rnn",
    "segmentation",
    "ssd",
    "yolo",
    "ghost",
    "writing",
    "deformed",
    "rois",
)
"""Networks of other kinds, likewise."""


@dataclass(frozen=True)
class Exported:
    """A program that Paddle 3.3.1 exported and ran.

    Attributes:
        name: of the case.
        folder: where it is; ours is in `folder / "ours"`.
        feeds: the names of its inputs.
        operations: the names of its operations, as in the file.
        error: why Paddle 3.3.1 failed, or nothing.
    """

    name: str
    folder: Path
    feeds: tuple[str, ...]
    operations: frozenset[str]
    error: str = ""

    @property
    def ours(self) -> Path:
        """Our translation, without a suffix."""
        return self.folder / "ours" / "m"

    def inputs(self) -> dict[str, Feed]:
        """The arrays it was run on."""
        arrays = load_outputs(self.folder / "m.in.npz")
        return {name: Feed(array) for name, array in zip(self.feeds, arrays, strict=True)}

    def answer(self) -> list[Array]:
        """What Paddle 3.3.1 answered."""
        return load_outputs(self.folder / "m.out.npz")

    def translate(self) -> str:
        """Write our translation; why it failed, or nothing."""
        file = self.folder / "m.json"
        try:
            program = translate(file.read_bytes(), file)
        except WeightQuantError as error:
            return str(error)
        self.ours.parent.mkdir(exist_ok=True)
        self.ours.with_suffix(".pdmodel").write_bytes(program.serialize())
        shutil.copy(self.folder / "m.pdiparams", self.ours.with_suffix(".pdiparams"))
        return ""


def export(script: str, job: Mapping[str, Any], folder: Path) -> list[Exported]:
    """Run a script that exports cases with Paddle 3.3.1; one that fails there has an error."""
    said = run_script(envs.PADDLE_33, script, {"folder": str(folder), **job}, folder)
    return [
        Exported(
            case["name"],
            folder / case["name"],
            tuple(case.get("feeds", ())),
            frozenset(case.get("operations", ())),
            case.get("error", ""),
        )
        for case in _told(said, "CASES")
    ]


def networks(names: Sequence[str], released: Sequence[str], folder: Path) -> list[Exported]:
    """Whole networks by name, and released models."""
    given = {}
    rng = np.random.default_rng(5)
    for name in released:
        prefix, shape = _released(name)
        file = folder / f"{name}.npy"
        np.save(file, rng.random(shape, np.float32) * 2 - 1)
        given[name] = {"source": str(prefix), "in": str(file)}
    job = {"networks": list(names), "released": given}
    return export("pir_build_networks.py", job, folder)


def _released(name: str) -> tuple[Path, tuple[int, ...]]:
    """Where a released model is, and the shape of an input."""
    if name == SLANET:
        return envs.slanet_model() / "inference", (1, 3, 488, 488)
    source, shape = PPOCR[name]
    return envs.ppocr_models() / source / "inference", shape


def run_old(cases: Sequence[Exported], folder: Path) -> dict[str, str | list[Array]]:
    """Paddle 2.6.2's answer to each translation, or why it failed."""
    jobs = [
        {
            "name": case.name,
            "prefix": str(case.ours),
            "in": str(case.folder / "m.in.npz"),
            "feeds": list(case.feeds),
            "out": str(case.folder / "ours" / "out.npz"),
        }
        for case in cases
    ]
    errors = _told(run_script(envs.PADDLE_26, "pir_run_old.py", jobs, folder), "ERRORS")
    answers: dict[str, str | list[Array]] = dict(errors)
    for case in cases:
        if case.name not in answers:
            answers[case.name] = load_outputs(case.folder / "ours" / "out.npz")
    return answers


def difference(ours: Sequence[Array], theirs: Sequence[Array]) -> float:
    """The largest difference, relative to the largest value of each output.

    Infinite where shapes, element types or the number of outputs differ, or one is NaN and the
    other is not.
    """
    if [(one.shape, one.dtype) for one in ours] != [(one.shape, one.dtype) for one in theirs]:
        return float("inf")
    worst = 0.0
    for one, other in zip(ours, theirs, strict=True):
        if one.size and not np.array_equal(one, other, equal_nan=one.dtype.kind == "f"):
            first, second = one.astype(np.float64), other.astype(np.float64)
            largest = max(float(np.abs(second).max()), 1e-12)
            found = float(np.abs(first - second).max()) / largest
            worst = max(worst, found if np.isfinite(found) else float("inf"))
    return worst


def _told(said: str, marker: str) -> Any:
    """What a script printed behind a marker, as JSON."""
    for line in said.splitlines():
        if line.startswith(marker):
            return json.loads(line.removeprefix(marker))
    raise AssertionError(said[-1500:])

"""Whole models to run: the zoo's, PP-OCR's, SLANet, and networks of `paddle.vision`."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.oracles import envs, paddle, zoo
from tests.oracles.jobs import SCRIPTS, Array, Feed, Feeds, run_script
from weightquant_cli.core.run import Network, Tensor, cached, stored
from weightquant_cli.formats.model_dir import ModelFiles, StoredModel, find_model, open_model
from weightquant_cli.formats.program import AttrType

VISION = (
    "mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "mobilenet_v3_large", "shufflenet",
    "shufflenet_swish", "squeezenet", "densenet", "inception", "googlenet", "resnext", "gru",
    "lstm", "ernie", "ssd", "yolo", "segmentation", "efficient", "ghost", "loop",
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A model, an input, and what Paddle answers."""

    name: str
    files: ModelFiles
    inputs: dict[str, Tensor]
    answers: list[Array]

    def network(self) -> Network:
        """The model, ready to run."""
        model = self.model()
        return Network(model.program, cached(stored(model)))

    def model(self) -> StoredModel:
        """The stored model."""
        return open_model(self.files)


def tensors(feeds: Feeds) -> dict[str, Tensor]:
    """Feeds as the interpreter takes them."""
    return {
        name: Tensor(feed.values, tuple(tuple(level) for level in feed.lod))
        for name, feed in feeds.items()
    }


def from_zoo(names: Sequence[str], version: str) -> list[Subject]:
    """Models of the zoo that one Paddle runs, all in one process."""
    models = [model for name in names if (model := zoo.model(name)).paddle == version]
    jobs = [paddle.RunJob(m.folder, m.program, m.params, m.feeds) for m in models]
    return [
        Subject(m.name, ModelFiles(m.folder, m.program, m.params), tensors(m.feeds), answers)
        for m, answers in zip(models, paddle.run(version, jobs), strict=True)
    ]


def vision() -> list[Subject]:
    """The networks of `build_vision.py`, built once, with the answers that it noted."""
    folder = _built()
    subjects = []
    for name in VISION:
        with np.load(folder / name / "feeds.npz") as feeds:
            inputs = {key: Tensor(feeds[key]) for key in feeds.files}
        with np.load(folder / name / "outputs.npz") as outputs:
            answers = [outputs[key] for key in outputs.files]
        subjects.append(Subject(name, find_model(folder / name), inputs, answers))
    return subjects


def _built() -> Path:
    script = SCRIPTS / "build_vision.py"
    folder, wanted = envs.home() / "vision", script.read_text()
    with open(envs.home() / "vision.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = folder / "builder"
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            run_script(envs.PADDLE_26, script.name, {"names": VISION, "out": str(folder)}, folder)
            stamp.write_text(wanted)
    return folder


def spelled_for_2_6(model: StoredModel, folder: Path) -> None:
    """Write a copy that PaddlePaddle 2.6.2 reads: `assign_value` as it was spelled before 3.0."""
    program = model.program.copy()
    for _, _, operator in program.operators():
        values = operator.scalars("values") if operator.type == "assign_value" else None
        if values is not None:
            operator.remove_attribute("values")
            whole = operator.value("dtype") == 3
            name, kind = ("int64", AttrType.LONGS) if whole else ("fp64", AttrType.FLOAT64S)
            operator.set_attribute(f"{name}_values", kind, values)
    folder.mkdir(exist_ok=True)
    (folder / "inference.pdmodel").write_bytes(program.serialize())
    assert model.files.params is not None
    shutil.copy(model.files.folder / model.files.params, folder / "inference.pdiparams")


def slanet(scratch: Path) -> Subject:
    """SLANet. Paddle 3.0 wrote it; 2.6.2 reads it once it is respelled."""
    model = open_model(find_model(envs.slanet_model()))
    spelled_for_2_6(model, scratch)
    feeds = {"x": Feed(zoo.picture((1, 3, 488, 488)))}
    job = paddle.RunJob(scratch, "inference.pdmodel", "inference.pdiparams", feeds)
    return Subject("slanet", model.files, tensors(feeds), paddle.run("2.6.2", [job])[0])

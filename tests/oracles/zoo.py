"""The models that tests quantize, each built once by the real PaddlePaddle, or trained by others.

python -m tests.oracles.zoo digits      train the model that the repository carries anew
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import envs
from .jobs import (
    SCRIPTS,
    Array,
    Feed,
    Feeds,
    run_script,
)

DIGITS = envs.ROOT / "tests" / "models"

MODELS_1X = (
    "mobilenet_v1",
    "grouped",
    "resnet",
    "text",
    "subblock",
    "text_large",
    "transformer_1x",
    "shared_mul_mul",
    "shared_mul_three_times",
    "shared_mul_matmul",
    "shared_conv_conv",
    "shared_depthwise",
    "shared_conv_conv_bn",
    "shared_fc_fc",
    "shared_lookup_matmul",
    "shared_mul_subblock",
    "tagger_1x",
)
MODELS_2X = (
    "resnet18_2x",
    "vgg16_2x",
    "transformer_2x",
    "linears_2x",
    "recognizer_2x",
    "upsampling_2x",
)
CARRIED = ("tagger_1x", "recognizer_2x", "upsampling_2x")
"""Models with weights that only carriers quantize."""
WHOLE_1X = ("crnn_1x", "tagger_gru_1x")
WHOLE_2X = ("crnn_2x", "unet_2x")
"""Models of usual size, most of whose weights only carriers quantize."""
PPOCR = {
    "ppocr_det": ("ch_PP-OCRv4_det_infer", (1, 3, 320, 320)),
    "ppocr_rec": ("ch_PP-OCRv4_rec_infer", (1, 3, 48, 320)),
    "ppocr_cls": ("ch_ppocr_mobile_v2_cls_infer", (1, 3, 48, 192)),
}


@dataclass(frozen=True)
class ZooModel:
    """A model and an input for it.

    Attributes:
        name: its name in the zoo.
        folder: its folder.
        program: the program's file name.
        params: the combined parameter file's name, or None for separate files.
        paddle: the PaddlePaddle that runs it, ``1.8.5`` or ``2.6.2``.
        feeds: inputs for one forward run, the same every time.
    """

    name: str
    folder: Path
    program: str
    params: str | None
    paddle: str
    feeds: Feeds


def model(name: str, layout: str = "separate") -> ZooModel:
    """The model of this name; 1.x models in the layout ``separate`` or ``combined``.

    Raises:
        OracleMissing: what builds it is not installed.
    """
    if name == "digits":
        suffix = "" if layout == "separate" else "_combined"
        params = None if layout == "separate" else "__params__"
        with np.load(DIGITS / "digits_heldout.npz") as held:
            images = (held["images"][:1, None] / 16).astype("float32")
        feeds = {"image": Feed(images)}
        return ZooModel(name, DIGITS / f"digits{suffix}", "__model__", params, "1.8.5", feeds)
    if name in PPOCR:
        return _ppocr(name)
    folder = _built(name)
    if name in MODELS_2X or name in WHOLE_2X:
        return ZooModel(
            name, folder, "inference.pdmodel", "inference.pdiparams", "2.6.2", _feeds(folder)
        )
    params = None if layout == "separate" else "__params__"
    return ZooModel(name, folder / layout, "__model__", params, "1.8.5", _feeds(folder))


# The word HELLO, seven rows of dots: enough for text models to find something.
WORD = (
    "#   # ##### #     #      ### ",
    "#   # #     #     #     #   #",
    "#   # #     #     #     #   #",
    "##### ####  #     #     #   #",
    "#   # #     #     #     #   #",
    "#   # #     #     #     #   #",
    "#   # ##### ##### #####  ### ",
)


def picture(shape: tuple[int, ...]) -> Array:
    """White paper with a dark word on it, normalized as PP-OCR does for recognition."""
    height, width = shape[2:]
    dots = np.array([[mark == "#" for mark in row] for row in WORD])
    size = max(1, min((height - 8) // dots.shape[0], (width - 8) // dots.shape[1]))
    word = np.kron(dots, np.ones((size, size)))
    page = np.full((height, width), 0.95)
    top, left = (height - word.shape[0]) // 2, (width - word.shape[1]) // 2
    page[top : top + word.shape[0], left : left + word.shape[1]] -= 0.85 * word
    noise = np.random.default_rng(5).normal(0, 0.01, (*shape[:2], height, width))
    return ((page + noise - 0.5) / 0.5).astype("float32")


def _ppocr(name: str) -> ZooModel:
    folder, shape = PPOCR[name]
    return ZooModel(
        name,
        envs.ppocr_models() / folder,
        "inference.pdmodel",
        "inference.pdiparams",
        "2.6.2",
        {"x": Feed(picture(shape))},
    )


def _feeds(folder: Path) -> Feeds:
    described = json.loads((folder / "feeds.json").read_text())
    with np.load(folder / "feeds.npz") as arrays:
        return {
            name: Feed(arrays[f"arr_{index}"], described["lods"][index])
            for index, name in enumerate(described["names"])
        }


def _built(name: str) -> Path:
    """The folder of a model, built now if it is not there; one process builds, others wait."""
    zoo = envs.home() / "zoo"
    zoo.mkdir(parents=True, exist_ok=True)
    folder = zoo / name
    old = name in (*MODELS_1X, *WHOLE_1X)
    kind = "build_whole" if name in (*WHOLE_1X, *WHOLE_2X) else "build"
    kind = "build_carried" if name in CARRIED else kind
    builder = f"{kind}_1x.py" if old else f"{kind}_2x.py"
    with open(zoo / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _up_to_date(folder, builder):
            shutil.rmtree(folder, ignore_errors=True)
            building = zoo / f"{name}.building"
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            run_script(
                envs.PADDLE_18 if old else envs.PADDLE_26,
                builder,
                {"name": name, "out": str(building)},
                building,
            )
            (building / "builder").write_text(_fingerprint(builder))
            building.rename(folder)
    return folder


def _up_to_date(folder: Path, builder: str) -> bool:
    stamp = folder / "builder"
    return stamp.exists() and stamp.read_text() == _fingerprint(builder)


def _fingerprint(builder: str) -> str:
    return hashlib.sha256((SCRIPTS / builder).read_bytes()).hexdigest()


def main(names: list[str]) -> int:
    """Build these models now."""
    for name in names:
        if name == "digits":
            for old in ("digits", "digits_combined"):
                shutil.rmtree(DIGITS / old, ignore_errors=True)
            DIGITS.mkdir(exist_ok=True)
            work = envs.home()
            print(run_script(envs.PADDLE_18, "train_digits.py", {"out": str(DIGITS)}, work))
        else:
            print(model(name).folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

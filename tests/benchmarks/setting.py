"""How to measure, and the models of which there is one for several groups."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests.oracles import envs
from tests.oracles.jobs import SCRIPTS

from .measure import Case, NotMeasured, ours
from .models import vgg16, write_model

BUILD_VGG16 = SCRIPTS / "build_vgg16.py"


@dataclass(frozen=True)
class Setting:
    """How to measure.

    Attributes:
        scratch: a folder for models and outputs.
        rounds: runs of every command after a first one; 0 where that is enough.
        quick: tiny models, to see that the benchmark itself works.
        large: also the models of 1 to 12 GB.
    """

    scratch: Path
    rounds: int
    quick: bool
    large: bool

    @property
    def out(self) -> Path:
        """The folder that our command writes."""
        return self.scratch / "out"

    def quantize(self, source: Path, *options: str) -> Case:
        """A run of `weightquant quantize` on a model."""
        return ours(self.scratch, "quantize", "-q", *options, source, self.out, output=self.out)

    def inspect(self, source: Path, *options: str) -> Case:
        """A run of `weightquant inspect` on a model."""
        return ours(self.scratch, "inspect", *options, source)

    def vgg16(self) -> Path:
        """VGG16, or with `quick` a tiny one; it cannot be run."""
        return write_model(self.scratch / "vgg16", vgg16(32 if self.quick else 1))

    def vgg16_by_paddle(self) -> Path:
        """VGG16 built by Paddle 1.8.5, which can be loaded and run.

        Raises:
            NotMeasured: it could not be built.
        """
        folder = self.scratch / "vgg16_by_paddle"
        if not folder.exists():
            command = [envs.python(envs.PADDLE_18), BUILD_VGG16, folder]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise NotMeasured(f"Paddle could not build VGG16: {done.stderr[-300:]}")
        return folder

    def few(self, most: int = 3) -> int:
        """Rounds of a command that takes long."""
        return min(self.rounds, most)

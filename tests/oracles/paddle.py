"""PaddlePaddle itself: its WeightQuantization, and running a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from . import envs
from .jobs import (
    Array,
    Feeds,
    load_outputs,
    run_script,
    save_feeds,
    scratch,
)
from .zoo import ZooModel

ENVIRONMENT = {"1.8.5": envs.PADDLE_18, "2.6.2": envs.PADDLE_26}


OP_TYPES = ("conv2d", "depthwise_conv2d", "mul")
"""All that Paddle's class takes."""


@dataclass(frozen=True)
class QuantizeJob:
    """One call of Paddle's `WeightQuantization.quantize_weight_to_int`, with its arguments."""

    model_dir: str
    save_model_dir: str
    model_filename: str | None = None
    params_filename: str | None = None
    save_model_filename: str | None = None
    save_params_filename: str | None = None
    quantizable_op_type: tuple[str, ...] = ("conv2d", "mul")
    weight_bits: int = 8
    weight_quantize_type: str = "channel_wise_abs_max"
    threshold_rate: float = 0.0
    generate_test_model: bool = False

    @classmethod
    def of(cls, model: ZooModel, out: Path, **others: Any) -> QuantizeJob:
        """A model of the zoo with all of `OP_TYPES`, written under the names that it has."""
        names = (model.program, model.params)
        job = cls(str(model.folder), str(out), *names, *names, OP_TYPES)
        return replace(job, **others)


def quantize(version: str, jobs: Sequence[QuantizeJob], any_bits: bool = False) -> None:
    """Quantize with Paddle's own class, all jobs in one process, each in a scope of its own.

    The results are in ``save_model_dir/quantized_model`` (and ``test_model``). Paddle asserts that
    there are 8 or 16 bits; with `any_bits` it runs without assertions.
    """
    with scratch() as folder:
        run_script(
            ENVIRONMENT[version],
            "quantize_with_paddle.py",
            [asdict(job) for job in jobs],
            Path(folder),
            600,
            *(["-O"] if any_bits else []),
        )


@dataclass(frozen=True)
class RunJob:
    """One forward run of a stored model: its folder, file names and inputs, and which variables to
    give behind its outputs.
    """

    folder: Path
    program: str
    params: str | None
    feeds: Feeds
    others: tuple[str, ...] = ()

    def described(self, feeds: dict[str, Any], out: Path) -> dict[str, Any]:
        """The job as the script reads it."""
        names: dict[str, Any] = {"model_filename": self.program, "params_filename": self.params}
        folder = str(self.folder)
        if self.program.endswith(".pdmodel"):  # Paddle 2.x asks for a prefix
            folder = str(self.folder / self.program.removesuffix(".pdmodel"))
            names = {}
        return {
            "model_dir": folder,
            "names": names,
            "feeds": feeds,
            "others": self.others,
            "out": str(out),
        }


def run(version: str, jobs: Sequence[RunJob]) -> list[list[Array]]:
    """The outputs of every job, all run in one process."""
    with scratch() as name:
        folder = Path(name)
        written = [
            job.described(
                save_feeds(folder / f"in{index}.npz", job.feeds), folder / f"out{index}.npz"
            )
            for index, job in enumerate(jobs)
        ]
        run_script(ENVIRONMENT[version], "run_with_paddle.py", written, folder)
        return [load_outputs(folder / f"out{index}.npz") for index in range(len(jobs))]

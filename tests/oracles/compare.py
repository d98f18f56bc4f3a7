"""The README's comparison: `python -m tests.oracles.compare [--rounds N]`.

PP-OCRv4 recognition, INT8, by each tool that is installed: seconds of the whole process (the best
of some), megabytes that pip installs for it, the size of the `.nb` for ARM, and how far its output
moves in Paddle Lite. PaddleSlim is there after `python -m tests.oracles.setup slim`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path

import numpy as np
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from weightquant_cli.formats.model_dir import find_model

from . import (
    envs,
    lite,
    ours,
    zoo,
)
from .jobs import SCRIPTS, OracleFailed
from .paddle import QuantizeJob

MODEL = "ppocr_rec"
LITE = "2.12"
Command = Sequence[str | Path]


@dataclass(frozen=True)
class Tool:
    """One way to quantize.

    Attributes:
        name: as the table shows it.
        oracle: the environment that it needs; None for our own.
        packages: what one installs with pip.
        command: the process, given a scratch folder that exists.
        result: where the process leaves the model, or the `.nb`, in that folder.
    """

    name: str
    oracle: str | None
    packages: tuple[str, ...]
    command: Callable[[Path], Command]
    result: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.oracles.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="runs of each (3)")
    rounds = parser.parse_args(arguments).rounds
    print("| PP-OCRv4 rec, INT8 | seconds | installed | `.nb` for ARM | output moves |")
    print("|---|---|---|---|---|")
    for tool in TOOLS:
        if tool.oracle and not envs.stamp(tool.oracle).exists():
            print(f"{tool.name}: {tool.oracle} is not installed", file=sys.stderr)
            continue
        print(row(tool, rounds), flush=True)
    return 0


def row(tool: Tool, rounds: int) -> str:
    """The tool's line of the table."""
    with tempfile.TemporaryDirectory() as name:
        taken = []
        for index in range(rounds):
            folder = Path(name) / str(index)
            folder.mkdir()
            command = tool.command(folder)
            start = time.perf_counter()
            subprocess.run(command, check=True, cwd=folder, capture_output=True)
            taken.append(time.perf_counter() - start)
        arm, moved = on_the_phone(folder / tool.result, tool, folder)
    installed = sum(map(size_of, needed(tool))) / 1e6
    return f"| {tool.name} | {min(taken):.2f} s | {installed:.0f} MB | {arm} | {moved} |"


def on_the_phone(result: Path, tool: Tool, folder: Path) -> tuple[str, str]:
    """Size of the model for ARM, and the largest change of an output in Paddle Lite on x86."""
    model = zoo.model(MODEL)
    sizes = {}
    for target in ("arm", "x86"):
        nb = folder / target
        if tool.command is with_opt:
            done = subprocess.run(with_opt(nb, target), cwd=folder, check=True, capture_output=True)
            assert done.returncode == 0
        else:
            found = find_model(result)
            converted = lite.convert(LITE, result, found.program, found.params, nb, target)
            if converted.nb is None:
                return "opt aborts", ""
        sizes[target] = nb.with_name(f"{target}.nb")
    size = f"{sizes['arm'].stat().st_size / 1e6:.2f} MB"
    (expected, *_) = ours.lite_outputs(LITE, model.folder, model, folder / "fp32")
    try:
        (output, *_) = lite.run(LITE, sizes["x86"], model.feeds)
    except OracleFailed:
        return size, "aborts"
    moved = float(np.max(np.abs(output - expected)))
    return size, f"{moved:.2f}" if np.isfinite(moved) else "NaN"


# ---- what each tool runs ----------------------------------------------------------------------


def with_paddle(oracle: str) -> Callable[[Path], Command]:
    """Paddle's WeightQuantization in this environment."""

    def command(folder: Path) -> Command:
        model = zoo.model(MODEL)
        job = QuantizeJob(str(model.folder), str(folder / "out"), model.program, model.params)
        return script(oracle, "quantize_with_paddle.py", asdict(job), folder)

    return command


def with_slim(folder: Path) -> Command:
    """PaddleSlim's quant_post_dynamic."""
    model = zoo.model(MODEL)
    job = {
        "model_dir": str(model.folder),
        "save_model_dir": str(folder / "out"),
        "model_filename": model.program,
        "params_filename": model.params,
        "quantizable_op_type": ["conv2d", "mul"],
        "weight_bits": 8,
    }
    return script(envs.SLIM, "quantize_with_paddleslim.py", job, folder)


def with_opt(folder: Path, target: str = "arm") -> Command:
    """Paddle Lite's opt, which converts at the same time."""
    model = zoo.model(MODEL)
    return [
        lite.opt(LITE),
        f"--model_file={model.folder / model.program}",
        f"--param_file={model.folder / str(model.params)}",
        f"--optimize_out={folder / 'out' if folder.is_dir() else folder}",
        "--optimize_out_type=naive_buffer",
        f"--valid_targets={target}",
        "--quant_model=true",
        "--quant_type=QUANT_INT8",
    ]


def with_ours(folder: Path) -> Command:
    """Our own command."""
    program = Path(sys.executable).with_name("weightquant")
    model = zoo.model(MODEL)
    return [program, "quantize", "-q", "--op-type", "all", model.folder, folder / "out"]


def script(oracle: str, name: str, job: object, folder: Path) -> Command:
    """A script of the oracle's with one job."""
    (folder / "job.json").write_text(json.dumps([job]))
    return [envs.python(oracle), SCRIPTS / name, folder / "job.json"]


# ---- what pip installs for each ---------------------------------------------------------------


def needed(tool: Tool) -> Iterator[Distribution]:
    """The tool's distributions and all that they require, where they are installed."""
    if tool.oracle is None:
        found = {}
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
    else:
        (site,) = (envs.home() / tool.oracle / "lib").glob("python3*/site-packages")
        version = site.parent.name.removeprefix("python")
        found = {
            canonicalize_name(one.metadata["Name"]): one for one in distributions(path=[str(site)])
        }
    environment = {"extra": "", "python_version": version, "python_full_version": f"{version}.0"}
    seen: set[str] = set()
    todo = list(tool.packages)
    while todo:
        name = canonicalize_name(todo.pop())
        if name in seen or (found and name not in found):
            continue
        seen.add(name)
        one = found[name] if found else distribution(name)
        yield one
        for line in one.requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(environment):
                todo.append(requirement.name)


def size_of(one: Distribution) -> int:
    """Bytes of a distribution's files; of an editable one's, those of the source."""
    if canonicalize_name(one.metadata["Name"]) == "weightquant":
        source = Path(__file__).resolve().parents[2] / "weightquant_cli"
        return sum(path.stat().st_size for path in source.rglob("*.py"))
    paths = (Path(str(one.locate_file(path))) for path in one.files or [])
    return sum(path.stat().st_size for path in paths if path.is_file())


TOOLS = (
    Tool(
        "Paddle 1.8.5's `WeightQuantization`",
        envs.PADDLE_18,
        ("paddlepaddle",),
        with_paddle(envs.PADDLE_18),
        "out/quantized_model",
    ),
    Tool(
        "Paddle 2.6.2's `WeightQuantization`",
        envs.PADDLE_26,
        ("paddlepaddle",),
        with_paddle(envs.PADDLE_26),
        "out/quantized_model",
    ),
    Tool(
        "PaddleSlim 2.6.0",
        envs.SLIM,
        ("paddleslim", "paddlepaddle"),
        with_slim,
        "out/quantized_model",
    ),
    Tool("`opt --quant_model` 2.12", envs.PADDLE_18, ("paddlelite",), with_opt, "out.nb"),
    Tool("weightquant", None, ("weightquant",), with_ours, "out"),
)


if __name__ == "__main__":
    sys.exit(main())

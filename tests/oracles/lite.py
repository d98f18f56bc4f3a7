"""Paddle Lite itself: `opt`, and the runtime on x86."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from . import envs
from .jobs import (
    Array,
    Feeds,
    load_outputs,
    run_script,
    save_feeds,
    scratch,
)

ENVIRONMENT = {"2.12": envs.PADDLE_18, "2.13rc0": envs.LITE_213}


@dataclass(frozen=True)
class Converted:
    """What `opt` did.

    Attributes:
        code: its exit code, which proves nothing.
        output: what it printed.
        nb: the file it wrote, or None.
    """

    code: int
    output: str
    nb: Path | None


def opt(version: str) -> Path:
    """The real `paddle_lite_opt`; OracleMissing where it is not installed."""
    return envs.python(ENVIRONMENT[version]).parent / "paddle_lite_opt"


def convert(
    version: str,
    folder: Path,
    program: str,
    params: str | None,
    out: Path,
    target: str = "arm",
    *extra: str,
) -> Converted:
    """Convert a model with the real opt.

    Args:
        version: of Paddle Lite.
        folder, program, params: the model; `params` None for separate files (then the program
            must be named ``__model__``).
        out: the result without its suffix ``.nb``.
        target: ``arm`` or ``x86``.
        extra: more arguments.
    """
    nb = out.with_name(out.name + ".nb")
    nb.unlink(missing_ok=True)
    if params is None:
        model = [f"--model_dir={folder}"]
    else:
        model = [f"--model_file={folder / program}", f"--param_file={folder / params}"]
    done = subprocess.run(
        [
            opt(version),
            *model,
            f"--optimize_out={out}",
            "--optimize_out_type=naive_buffer",
            f"--valid_targets={target}",
            *extra,
        ],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=out.parent,
        check=False,
    )
    return Converted(done.returncode, done.stdout + done.stderr, nb if nb.exists() else None)


def run(version: str, nb: Path, feeds: Feeds) -> list[Array]:
    """Run a model that was converted for x86, in a process of its own.

    Raises:
        OracleFailed: Paddle Lite aborted.
    """
    with scratch() as name:
        folder = Path(name)
        job = {
            "nb": str(nb),
            "feeds": save_feeds(folder / "in.npz", feeds),
            "out": str(folder / "out.npz"),
        }
        run_script(ENVIRONMENT[version], "run_with_lite.py", job, folder)
        return load_outputs(folder / "out.npz")


def convert_and_run(
    version: str, folder: Path, program: str, params: str | None, scratch_folder: Path, feeds: Feeds
) -> list[Array]:
    """Convert for x86 and run; the outputs.

    Raises:
        OracleFailed: Paddle Lite aborted at run time.
        AssertionError: opt wrote nothing.
    """
    converted = convert(version, folder, program, params, scratch_folder / "x86", "x86")
    assert converted.nb is not None, converted.output[-1500:]
    return run(version, converted.nb, feeds)

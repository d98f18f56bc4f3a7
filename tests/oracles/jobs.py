"""Run a script inside an oracle's environment: jobs go in as JSON, arrays as .npz files."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import envs

SCRIPTS = Path(__file__).parent / "scripts"

Array = npt.NDArray[Any]


class OracleFailed(Exception):
    """The real program failed, or aborted."""


@dataclass(frozen=True)
class Feed:
    """One input of a model: its values, and for a sequence its LoD offsets."""

    values: Array
    lod: list[list[int]] = field(default_factory=list)


Feeds = Mapping[str, Feed]


def run_script(
    environment: str, script: str, job: object, folder: Path, timeout: float = 600, *flags: str
) -> str:
    """Run a script of `scripts/` with a job, and flags for Python; its standard output.

    Raises:
        OracleFailed: it exited with another code than 0; the message ends with its last words.
    """
    job_file = folder / "job.json"
    job_file.write_text(json.dumps(job))
    done = subprocess.run(
        [envs.python(environment), *flags, SCRIPTS / script, job_file],
        capture_output=True,
        text=True,
        errors="replace",
        cwd=folder,
        timeout=timeout,
        check=False,
    )
    if done.returncode != 0:
        last_words = (done.stdout + done.stderr)[-1500:]
        raise OracleFailed(f"{script} ended with {done.returncode}: {last_words}")
    return done.stdout


def save_feeds(path: Path, feeds: Feeds) -> dict[str, Any]:
    """Write the arrays; what a script needs to read them in order."""
    np.savez(path, *(feed.values for feed in feeds.values()))
    return {
        "file": str(path),
        "names": list(feeds),
        "lods": [feed.lod for feed in feeds.values()],
    }


def load_outputs(path: Path) -> list[Array]:
    """The arrays that a script wrote, in order."""
    with np.load(path) as stored:
        return [stored[f"arr_{index}"] for index in range(len(stored.files))]


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder for one job."""
    return tempfile.TemporaryDirectory(prefix="weightquant-oracle-")


def relative_difference(ours: Sequence[Array], theirs: Sequence[Array]) -> float:
    """The largest difference, relative to the largest value of each output; inf where one has NaN.

    Raises:
        AssertionError: other outputs or shapes, or outputs that vanish and so prove nothing.
    """
    assert len(ours) == len(theirs)
    worst = 0.0
    for one, other in zip(ours, theirs, strict=True):
        assert one.size == other.size, (one.shape, other.shape)
        other = other.reshape(one.shape).astype(np.float64)
        largest = float(np.abs(other).max())
        assert largest > 1e-12, "the reference output vanishes"
        difference = np.abs(one.astype(np.float64) - other).max() / largest
        worst = max(worst, float(difference) if np.isfinite(difference) else float("inf"))
    return worst

"""The bench of the audit: cases built by the real Paddle, for the real Paddle Lite.

Every conversion and every run is a process of its own (`convert_forked.py`).
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from weightquant_cli.formats.program import Program

from .. import envs
from ..jobs import OracleFailed

SCRIPTS = Path(__file__).parents[1] / "scripts" / "lite_demands"

LITE = {
    "2.9": envs.LITE_29,
    "2.10": envs.LITE_210,
    "2.11": envs.LITE_211,
    "2.12": envs.PADDLE_18,
    "2.13rc0": envs.LITE_213,
}
"""Versions of Paddle Lite and the environments they are in."""

WITH_OLD = {"2.6.0": envs.LITE_26, "2.8": envs.LITE_28, **LITE}
"""The same with those that the audit leaves out."""

BUILDERS = {
    "2.6.2": (envs.PADDLE_26, "build_cases_2x.py"),
    "1.8.5": (envs.PADDLE_18, "build_cases_1x.py"),
}
"""Versions of Paddle, their environments, and the script that builds their cases."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_STAMP = re.compile(r"^\[[A-Z] [^\]]*\] *")


@dataclass(frozen=True)
class Case:
    """One small program as Paddle stored it, or a changed copy of one.

    Attributes:
        name: operator, slash, variant.
        paddle: the version that wrote it.
        program, params: the files.
        feeds: the inputs' names in the order of `values`.
        lods: their LoD offsets.
        values, answers: files with what is fed, and with what Paddle answers.
    """

    name: str
    paddle: str
    program: Path
    params: Path
    feeds: tuple[str, ...]
    lods: tuple[Any, ...]
    values: Path
    answers: Path

    def parse(self) -> Program:
        """The program."""
        return Program.parse(self.program.read_bytes(), self.program)

    def changed(self, program: Program, path: Path) -> Case:
        """The same case with another program, which is written to `path`."""
        path.write_bytes(program.serialize())
        return Case(
            self.name,
            self.paddle,
            path,
            self.params,
            self.feeds,
            self.lods,
            self.values,
            self.answers,
        )


@dataclass(frozen=True)
class Outcome:
    """What opt made of a case.

    Attributes:
        converted: whether there is a ``.nb``.
        said: the line in which Paddle Lite says why it failed; empty where nothing failed.
        verdict: ``right``, ``wrong`` or ``aborts`` where the result was run, else None.
    """

    converted: bool
    said: str
    verdict: str | None = None


def build(paddle: str, folder: Path, only: Sequence[str] = ()) -> tuple[list[Case], dict[str, str]]:
    """Build the cases of a Paddle in `folder`; those built, and why others were not.

    Raises:
        OracleMissing, OracleFailed: the environment is not there, or the script broke.
    """
    environment, script = BUILDERS[paddle]
    out = folder / f"paddle-{paddle}"
    manifest = folder / f"paddle-{paddle}.json"
    job = {"out": str(out), "manifest": str(manifest), "only": list(only)}
    if not manifest.exists():  # it is written last
        _script(environment, script, job, folder / f"build-{paddle}.json")
    told = json.loads(manifest.read_text())
    cases = []
    for built in told["built"]:
        home = Path(built["folder"])
        cases.append(
            Case(
                built["name"],
                paddle,
                home / built["program"],
                home / built["params"],
                tuple(built["feeds"]),
                tuple(built["lods"]),
                home / "in.npz",
                home / "out.npz",
            )
        )
    return cases, told["failed"]


def convert(
    version: str, cases: Sequence[Case], target: str, folder: Path, run: bool = False
) -> list[Outcome]:
    """Convert the cases with one opt, and run what it wrote if `run` (x86 only).

    What was converted before is remembered in `folder`, by the bytes of program and parameters.
    """
    memory = folder / f"outcomes-{version}-{target}-{'run' if run else 'converted'}.json"
    known: dict[str, list[Any]] = json.loads(memory.read_text()) if memory.exists() else {}
    keys = [_key(case) for case in cases]
    new = {key: case for key, case in zip(keys, cases, strict=True) if key not in known}
    for key, outcome in zip(
        new, convert_afresh(version, list(new.values()), target, folder, run), strict=True
    ):
        known[key] = [outcome.converted, outcome.said, outcome.verdict]
    memory.write_text(json.dumps(known))
    return [Outcome(*known[key]) for key in keys]


def convert_afresh(
    version: str, cases: Sequence[Case], target: str, folder: Path, run: bool = False
) -> list[Outcome]:
    """`convert` without a memory: for programs that are run on several inputs."""
    tasks = []
    label = f"{version}-{target.replace(',', '-')}"
    for number, case in enumerate(cases):
        given = None
        if run:
            given = {
                "feeds": str(case.values),
                "names": case.feeds,
                "lods": case.lods,
                "outputs": _count(case.answers),
                "out": str(folder / f"ran-{version}-{number}.npz"),
            }
        tasks.append(
            {
                "model": str(case.program),
                "params": str(case.params),
                "target": target,
                "out": str(folder / f"nb-{label}"),
                "run": given,
            }
        )
    results = folder / f"results-{label}.json"
    job = {"opts": tasks, "results": str(results)}
    _script(WITH_OLD[version], "convert_forked.py", job, results.with_suffix(".job"))
    told = json.loads(results.read_text())
    return [
        _outcome(case, task, result) for case, task, result in zip(cases, tasks, told, strict=True)
    ]


def _key(case: Case) -> str:
    digest = hashlib.sha256(case.program.read_bytes())
    digest.update(case.params.read_bytes())
    return digest.hexdigest()


def convert_all(
    versions: Sequence[str], cases: Sequence[Case], target: str, folder: Path, run: bool = False
) -> dict[str, list[Outcome]]:
    """`convert` for several versions, two at a time."""
    with ThreadPoolExecutor(max_workers=2) as executor:
        done = executor.map(lambda v: convert(v, cases, target, folder, run), versions)
        return dict(zip(versions, done, strict=True))


def supported_operators(version: str) -> set[str]:
    """Operators with an ARM or host kernel, as this opt prints them."""
    opt = envs.python(LITE[version]).parent / "paddle_lite_opt"
    done = subprocess.run(
        [opt, "--print_supported_ops=true", "--valid_targets=arm"],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    lines = _COLOUR.sub("", done.stdout).splitlines()
    header = next(i for i, line in enumerate(lines) if line.split()[:1] == ["OP_name"])
    title, *marks = re.finditer(r"\S+", lines[header])
    # Columns go by their distance from the name: 2.9 forgets the line's end after some operators.
    columns = {(m.start() + m.end()) // 2 - title.end(): m.group() for m in marks}
    found = set()
    for line in lines[header + 1 :]:
        row = re.match(r".*?(\w+)(\s+Y\b.*)$", line[: line.rfind("Y") + 1])
        if row is None:
            continue
        ticks = [m.start() + 1 for m in re.finditer(r"\sY\b", row.group(2))]
        if {columns[_nearest(columns, tick)] for tick in ticks} & {"kARM", "kHost", "ARM", "Host"}:
            found.add(row.group(1))
    return found


def _nearest(places: Iterable[int], mark: int) -> int:
    return min(places, key=lambda place: abs(place - mark))


def run_in(environment: str, script: str, *arguments: Path) -> None:
    """Run a script of this audit in an environment.

    Raises:
        OracleFailed: it ended with another code than 0.
    """
    done = subprocess.run(
        [envs.python(environment), SCRIPTS / script, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        raise OracleFailed(f"{script} ended with {done.returncode}: {done.stderr[-1500:]}")


def _count(stored: Path) -> int:
    with np.load(stored) as arrays:
        return len(arrays.files)


def _script(environment: str, script: str, job: object, job_file: Path) -> None:
    job_file.write_text(json.dumps(job))
    run_in(environment, script, job_file)


def _outcome(case: Case, task: dict[str, Any], result: dict[str, Any]) -> Outcome:
    if not result["nb"]:
        return Outcome(False, _last_words(result["said"], result["status"]))
    if task["run"] is None:
        return Outcome(True, "")
    if not result["ran"]:
        return Outcome(True, _last_words(result["run_said"], result["run_status"]), "aborts")
    difference = compare(case.answers, Path(task["run"]["out"]))
    return Outcome(True, difference, "wrong" if difference else "right")


def compare(expected: Path, found: Path) -> str:
    """How the outputs differ, in a phrase; empty where they agree to 1e-4 of the largest value.

    Shapes may differ as long as the number of elements does not: Paddle Lite knows no 0-d tensors.
    """
    with np.load(expected) as ours, np.load(found) as theirs:
        if len(ours.files) != len(theirs.files):
            return f"{len(theirs.files)} outputs, not {len(ours.files)}"
        for key in ours.files:
            one, other = ours[key], theirs[key]
            if one.size != other.size:
                return f"an output of {other.size} elements, not {one.size}"
            if not one.size:
                continue
            one, other = one.astype(np.float64).ravel(), other.astype(np.float64).ravel()
            with np.errstate(all="ignore"):
                off = float(np.abs(one - other).max())
            if not off <= 1e-4 * max(1.0, float(np.abs(one).max())):
                return f"off by {off:.2g}"
    return ""


def _last_words(said: str, status: int) -> str:
    lines = [_COLOUR.sub("", line).strip() for line in said.splitlines()]
    telling = [
        line
        for line in lines
        if "Check failed" in line
        or line.startswith("[F")
        or "unsupported ops are" in line
        or "Error input tensor" in line
        or line.startswith("PYTHON")
    ]
    if telling:
        line = _STAMP.sub("", telling[0])
        return re.sub(r"^.*?Check failed: ", "Check failed: ", line)[:240]
    return f"killed by signal {status & 127}" if status & 127 else "no message"

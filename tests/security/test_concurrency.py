"""Many runs at once: one output is always one run's, whole."""

from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path

import pytest

from tests import builders
from tests.builders import tree
from tests.cli.helpers import command, environment, run

RUNS = 10
BITS = range(8, 8 + 9)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a model of many files."""
    model = builders.small_model()
    model.mul("fc1.sum", "large.w", builders.normal(500, 500))
    model.write(tmp_path / "model")
    return tmp_path


def at_once(place: Path, *lines: tuple[str, ...]) -> list[tuple[int, str]]:
    """Exit codes and stderr of runs that are started together."""
    processes = [
        subprocess.Popen(
            command(*line), cwd=place, env=environment(), stderr=subprocess.PIPE, text=True
        )
        for line in lines
    ]
    told = [process.communicate()[1] for process in processes]
    return [(process.returncode, err) for process, err in zip(processes, told, strict=True)]


def digest(folder: Path) -> str:
    """One number for all that is in a folder."""
    return hashlib.sha256(repr(tree(folder)).encode()).hexdigest()


def whole_outputs(place: Path) -> set[str]:
    """What each of the runs would write alone."""
    found = set()
    for bits in BITS:
        run("quantize", "-q", "--bits", str(bits), "model", "alone", "--force", cwd=place).ok()
        found.add(digest(place / "alone"))
    assert len(found) == len(BITS)
    return found


def lines(*options: str, out: str = "parents/out") -> list[tuple[str, ...]]:
    """Ten runs that differ in their bits, and so in what they write."""
    bits = [str(BITS[index % len(BITS)]) for index in range(RUNS)]
    return [("quantize", "-q", *options, "--bits", b, "model", out) for b in bits]


def test_of_ten_runs_into_one_new_output_one_wins_and_the_others_are_refused(place: Path) -> None:
    results = at_once(place, *lines())
    assert digest(place / "parents/out") in whole_outputs(place)
    assert sorted(code for code, _ in results) == [0] + [4] * (RUNS - 1)
    for code, told in results:
        if code:
            assert len(told.splitlines()) == 1
            assert "exists already" in told or "another process created the output folder" in told
    assert [entry.name for entry in (place / "parents").iterdir()] == ["out"]


def test_ten_runs_that_replace_one_output_leave_that_of_one_of_them(place: Path) -> None:
    run("quantize", "-q", "model", "parents/out", cwd=place).ok()
    results = at_once(place, *lines("--force"))
    assert results == [(0, "")] * RUNS
    assert digest(place / "parents/out") in whole_outputs(place)
    assert [entry.name for entry in (place / "parents").iterdir()] == ["out"]


def test_two_runs_from_one_input_do_not_disturb_each_other(place: Path) -> None:
    before = tree(place / "model")
    results = at_once(place, lines(out="one")[0], lines(out="two")[0])
    assert results == [(0, "")] * 2
    assert tree(place / "one") == tree(place / "two")
    assert tree(place / "model") == before

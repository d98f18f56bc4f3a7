"""The lines for many models: GNU parallel from Debian, here and over ssh."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders import tree
from tests.cli.helpers import run
from tests.pages import DIGITS, block, with_command
from tests.ssh_hosts import LocalHosts, local_hosts, missing

DAMAGED = "three"
MODELS = ("one", DAMAGED, "two")


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[LocalHosts]:
    """The two hosts of the README; where there can be none, skipped, but failed in CI."""
    absent = missing()
    if absent:
        reason = f"not installed: {', '.join(absent)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with local_hosts(tmp_path / "hosts", ("build1", "build2")) as found:
        yield found


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with `models/`, one of them damaged."""
    folder = tmp_path / "here"
    for name in MODELS:
        shutil.copytree(DIGITS, folder / "models" / name)
    (folder / "models" / DAMAGED / "fc_0.w_0").write_bytes(b"damaged")
    return folder


def sh(line: str, folder: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def job_log(folder: Path) -> list[tuple[str, int]]:
    """Model and exit code of every job, as parallel noted them."""
    with (folder / "jobs.log").open() as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    return [(row["Command"].split("/")[-1], int(row["Exitval"])) for row in rows]


def assert_fails_at_one_and_resumes(line: str, folder: Path, env: dict[str, str]) -> None:
    """All but the damaged model are done; once mended, it alone is run again."""
    first = sh(line, folder, env)
    assert first.returncode == 1, first.stderr  # the number of failed jobs
    assert "fc_0.w_0" in first.stderr
    assert sorted(job_log(folder)) == [(name, 3 if name == DAMAGED else 0) for name in MODELS]
    assert sorted(path.name for path in (folder / "int8").iterdir()) == sorted(
        set(MODELS) - {DAMAGED}
    )
    shutil.copy(DIGITS / "fc_0.w_0", folder / "models" / DAMAGED / "fc_0.w_0")
    again = sh(line.replace("parallel ", "parallel --resume-failed ", 1), folder, env)
    assert (again.returncode, again.stderr) == (0, "")
    assert job_log(folder)[len(MODELS) :] == [(DAMAGED, 0)]
    run("quantize", "-q", DIGITS, folder / "expected").ok()
    for name in MODELS:
        assert tree(folder / "int8" / name) == tree(folder / "expected")


def test_parallel_fails_at_one_and_resumes(models: Path, tmp_path: Path) -> None:
    if shutil.which("parallel") is None:
        pytest.skip("not installed: parallel")
    env = {**with_command(tmp_path), "HOME": str(tmp_path)}
    assert_fails_at_one_and_resumes(block("test: parallel"), models, env)


def test_over_ssh_parallel_fetches_results_fails_at_one_and_resumes(
    models: Path, hosts: LocalHosts
) -> None:
    assert_fails_at_one_and_resumes(block("test: parallel over ssh"), models, hosts.environment)
    for name, home in hosts.homes.items():
        assert "rsync --server" in hosts.commands(name)
        left = [path for path in home.rglob("*") if path.is_file() and path.name != ".commands"]
        assert left == []

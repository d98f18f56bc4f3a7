"""The README's way from an empty machine to a `.nb`, walked as it stands, with the real opt.

Needs PyPI, git and Python 3.10, and is no part of the suite: `pytest -m packaging`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.oracles.setup import find_python
from tests.pages import ROOT, block

pytestmark = pytest.mark.packaging


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with the two Pythons; where there is no 3.10, skipped, but failed in CI."""
    try:
        python310 = find_python("3.10")
    except LookupError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "python3").symlink_to(getattr(sys, "_base_executable", sys.executable))
    (folder / "python3.10").symlink_to(python310)
    return folder


def test_every_line_can_be_copied_from_an_empty_machine_to_the_nb(
    tools: Path, tmp_path: Path
) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    done = subprocess.run(
        ["sh", "-e", "-c", block("test: phone")],
        cwd=clone,
        env={"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tmp_path), **_proxy()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 0 < (clone / "out" / "out.nb").stat().st_size < 100_000


def _proxy() -> dict[str, str]:
    """How this machine reaches PyPI."""
    return {
        name: value
        for name, value in os.environ.items()
        if name.startswith("PIP_") or name.lower().endswith("_proxy")
    }

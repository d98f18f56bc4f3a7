"""The completion scripts: made from the templates in the package, and committed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from completions.generate import FOLDER, main


def test_the_committed_scripts_are_those_of_the_package(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_the_check_names_scripts_that_are_stale_or_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(shutil.copytree(FOLDER, tmp_path / "completions"))
    (folder / "weightquant.fish").unlink()
    (folder / "_weightquant").write_text("edited by hand\n")
    assert main(["--check"], folder) == 1
    names = {line.split()[0] for line in capsys.readouterr().err.splitlines()}
    assert names == {"completions/_weightquant", "completions/weightquant.fish"}
    assert main([], folder) == 0
    assert main(["--check"], folder) == 0


def test_any_other_argument_is_refused(tmp_path: Path) -> None:
    assert main(["--chekc"], tmp_path) == 2
    assert not list(tmp_path.iterdir())

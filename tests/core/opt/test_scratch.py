"""The temporary folder is gone afterwards, or the error says what stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from weightquant_cli.core.opt.scratch import scratch_folder
from weightquant_cli.errors import OutputError


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_removed_with_what_cannot_be_read_in_it(temporary: Path) -> None:
    with scratch_folder() as folder:
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "a").chmod(0)
    assert list(temporary.iterdir()) == []


def test_a_folder_that_is_gone_already_is_no_error(temporary: Path) -> None:
    with scratch_folder() as folder:
        folder.rmdir()
    assert list(temporary.iterdir()) == []


def test_what_stands_in_the_folders_place_is_left_and_named(temporary: Path) -> None:
    kept = temporary / "kept"
    kept.mkdir()
    with (
        pytest.raises(OutputError, match="cannot remove the temporary folder") as caught,
        scratch_folder() as folder,
    ):
        folder.rmdir()
        folder.symlink_to(kept)
    assert caught.value.path == str(folder)
    assert kept.is_dir()


def test_an_error_inside_is_not_hidden_by_one_of_the_removal() -> None:
    with pytest.raises(KeyboardInterrupt), scratch_folder() as folder:
        shutil.rmtree(folder)
        folder.write_text("x")
        raise KeyboardInterrupt

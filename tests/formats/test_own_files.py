"""What in an output folder may be replaced: what we wrote, told by content."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.builders import LAYOUTS, SEPARATE, Layout, ModelBuilder, normal, small_model
from weightquant_cli.errors import OutputError
from weightquant_cli.formats.files.folder import Folder
from weightquant_cli.formats.own_files import SCRIPT_MARK, OwnFiles
from weightquant_cli.formats.program import Program


def look(folder: Path, ours: bool = True) -> OwnFiles:
    """Look into a folder; every program at its top is ours, or none is."""

    def is_ours(program: Program, nested: bool) -> bool:
        return ours and not nested

    own = OwnFiles(is_ours)
    with Folder.open(folder) as opened:
        own.inspect(opened)
    return own


def refused(folder: Path, name: str) -> None:
    with pytest.raises(OutputError, match="did not write") as caught:
        look(folder)
    assert name in str(caught.value.found)


@pytest.mark.parametrize("layout", [*LAYOUTS.values(), Layout("any name", "any.other")], ids=str)
def test_a_model_alone_is_ours_in_every_layout(layout: Layout, tmp_path: Path) -> None:
    model = small_model()
    model.parameter("block/deep/w", normal(2, 2))
    assert look(model.write(tmp_path / "out", layout)).extras == ()


def test_an_empty_folder_may_be_replaced(tmp_path: Path) -> None:
    look(tmp_path)


def test_the_script_and_what_opt_made_are_ours_and_told(tmp_path: Path) -> None:
    folder = small_model().write(tmp_path / "out")
    (folder / "convert_to_lite.sh").write_bytes(SCRIPT_MARK + b"\n")
    (folder / "old.nb").write_bytes(b"\x02\x00v2.12")
    assert look(folder).extras == ("convert_to_lite.sh", "old.nb")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("thesis.txt", b"years of work"),
        ("convert_to_lite.sh", b"#!/bin/sh\n# my own"),
        ("notebook.nb", b"(* Content-type: application/vnd.wolfram.mathematica *)"),
        ("random.nb", bytes(range(100, 200))),
        ("text.nb", b"notes of a biologist"),
        ("report.json", b"{}"),
        ("other.pdmodel", b"years of work"),
        ("zeros", bytes(1000)),
        ("empty", b""),
    ],
)
def test_anything_else_is_somebodys(name: str, content: bytes, tmp_path: Path) -> None:
    folder = small_model().write(tmp_path / "out")
    (folder / name).write_bytes(content)
    refused(folder, name)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_a_text_of_a_programs_name_is_no_model(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / layout.program).write_bytes(b"years of work")
    (tmp_path / "notes").write_bytes(b"more")
    with pytest.raises(OutputError, match="does not hold a model"):
        look(tmp_path)


def test_a_text_of_a_parameters_name_is_somebodys(tmp_path: Path) -> None:
    folder = small_model().write(tmp_path / "out")
    (folder / "conv.w").write_bytes(b"years of work")
    refused(folder, "conv.w")


def test_a_text_of_the_name_of_selected_rows_is_somebodys(tmp_path: Path) -> None:
    model = small_model()
    model.selected_rows("rows", bytes(24))
    model.selected_rows("thesis", b"years of work")
    folder = model.write(tmp_path / "out", SEPARATE)
    refused(folder, "thesis")
    (folder / "thesis").write_bytes(bytes(24))
    assert look(folder).extras == ()


def test_parameters_of_another_model_are_somebodys(tmp_path: Path) -> None:
    folder = small_model().write(tmp_path / "out", Layout("__model__", "__params__"))
    other = ModelBuilder()
    other.parameter("w", normal(3, 3))
    other.write(tmp_path / "other", Layout("p", "q"))
    shutil.copy(tmp_path / "other" / "q", folder / "weights")
    refused(folder, "weights")


def test_a_model_that_is_not_ours_stays(tmp_path: Path) -> None:
    folder = small_model().write(tmp_path / "out")
    with pytest.raises(OutputError, match="does not hold a model that weightquant wrote"):
        look(folder, ours=False)


@pytest.mark.parametrize("inside", ["folder", "conv.w.d", "a/b/c"])
def test_folders_and_links_within_are_somebodys(inside: str, tmp_path: Path) -> None:
    folder = small_model().write(tmp_path / "out")
    (folder / inside).mkdir(parents=True)
    refused(folder, inside)
    shutil.rmtree(folder / inside.partition("/")[0])
    (folder / "link").symlink_to("conv.w")
    refused(folder, "link")


def test_a_model_in_a_folder_of_the_output_is_somebodys(tmp_path: Path) -> None:
    folder = small_model().write(tmp_path / "out")
    small_model().write(folder / "original", SEPARATE)
    refused(folder, "original/")


def test_a_file_that_cannot_be_read_is_a_refusal_of_the_file_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = small_model().write(tmp_path / "out")

    def pread(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "pread", pread)
    with pytest.raises(OSError, match="Input/output error"):
        look(folder)

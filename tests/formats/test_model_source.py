"""Where a model lies: which folder of a tar, and what a path names."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tars import pack, pack_folder
from weightquant_cli.errors import AmbiguousModelError, ModelError, ModelNotFoundError
from weightquant_cli.formats.model_dir import find_model, open_model
from weightquant_cli.formats.model_source import declared, is_archive, locate, open_source

DIGITS = Path(__file__).parents[1] / "models" / "digits"
COMBINED = DIGITS.with_name("digits_combined")


@pytest.mark.parametrize(
    "within", [".", "ch_PP-OCRv4_rec_infer", "./ch_PP-OCRv4_rec_infer", "a folder/and one in it"]
)
def test_finds_the_model_at_the_top_of_a_tar_or_in_its_folder(within: str, tmp_path: Path) -> None:
    for folder in (DIGITS, COMBINED):
        tar = pack_folder(tmp_path / "m.tar", folder, within)
        found = open_model(find_model(tar))
        expected = open_model(find_model(folder))
        assert found.program.serialize() == expected.program.serialize()
        assert list(found.parameters) == list(expected.parameters)
        assert (found.size, found.files.folder) == (expected.size, tar)
        assert found.digests() == expected.digests()


def test_finds_it_as_paddleocr_packs_it(tmp_path: Path) -> None:
    names = ("inference.pdmodel", "inference.pdiparams", "inference.pdiparams.info")
    tar = pack(tmp_path / "m.tar", {f"./rec_infer/{name}": b"" for name in names})
    found = find_model(tar)
    assert (found.program, found.params) == names[:2]


def test_several_models_in_a_tar_are_told_apart_by_the_user(tmp_path: Path) -> None:
    tar = pack(tmp_path / "m.tar", {f"{name}/m.pdmodel": b"" for name in "dbca"})
    with pytest.raises(AmbiguousModelError, match=r"4 models in the tar: a, b, c and 1 more .*tar"):
        find_model(tar)


def test_a_file_name_chooses_among_the_models_of_a_tar(tmp_path: Path) -> None:
    files = {f"{name}/{name}.pdmodel": b"" for name in "ab"} | {"b/b.pdiparams": b""}
    found = find_model(pack(tmp_path / "m.tar", files), "b.pdmodel")
    assert (found.program, found.params) == ("b.pdmodel", "b.pdiparams")


def test_the_outermost_folder_with_a_model_is_meant(tmp_path: Path) -> None:
    files = {"m/inference.pdmodel": b"", "m/student/model.pdmodel": b"", "other/notes.txt": b""}
    assert find_model(pack(tmp_path / "m.tar", files)).program == "inference.pdmodel"


def test_two_programs_in_one_folder_of_a_tar_are_told_as_in_a_folder(tmp_path: Path) -> None:
    tar = pack(tmp_path / "m.tar", {"m/a.pdmodel": b"", "m/b.pdmodel": b""})
    with pytest.raises(AmbiguousModelError, match="2 files could be the program"):
        find_model(tar)


def test_a_tar_without_a_model_is_told_with_what_is_in_it(tmp_path: Path) -> None:
    tar = pack(tmp_path / "m.tar", {"train/best.pdparams": b"", "train/config.yml": b""})
    with pytest.raises(ModelNotFoundError, match=r"no model in the tar: .*found train"):
        find_model(tar)
    with pytest.raises(ModelNotFoundError, match="no file of this name in the tar: x"):
        find_model(tar, "x")


def test_only_a_file_is_an_archive(tmp_path: Path) -> None:
    (tmp_path / "model.tar").mkdir()
    assert not is_archive(tmp_path / "model.tar")
    assert not is_archive(tmp_path / "missing.tar")
    assert not is_archive(Path("a\0.tar"))
    (tmp_path / "M.TAR").write_bytes(b"")
    assert locate(tmp_path / "M.TAR") == (tmp_path / "M.TAR", None)


def test_what_is_read_is_called_by_what_it_is(tmp_path: Path) -> None:
    tar = pack(tmp_path / "m.tar", {"m.pdmodel": b""})
    assert declared(tar, "input") == (tar, "the input tar")
    assert declared(tmp_path, "input") == (tmp_path, "the input folder")
    (tmp_path / "m.pdmodel").write_bytes(b"")
    assert declared(tmp_path / "m", "input") == (tmp_path, "the input folder")


def test_a_file_that_only_looks_like_a_tar_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "m.tar").write_bytes(b"not packed" * 100)
    with pytest.raises(ModelError, match="not a tar"):
        open_source(tmp_path / "m.tar")

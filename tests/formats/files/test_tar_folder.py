"""A folder within a tar reads like a folder on the disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.builders import tree
from tests.tars import entry, pack, pack_folder, pax, write
from weightquant_cli.errors import ModelError
from weightquant_cli.formats.files.input_folder import InputFolder
from weightquant_cli.formats.files.tar_folder import TarFolder

DIGITS = Path(__file__).parents[2] / "models" / "digits"


def test_gives_every_file_and_digest_as_the_folder_does(tmp_path: Path) -> None:
    inside = TarFolder.open(pack_folder(tmp_path / "t.tar", DIGITS, "digits")).inside("digits")
    folder = InputFolder.open(DIGITS)
    assert set(inside.names()) == set(folder.names())
    for name, data in tree(DIGITS).items():
        assert inside.read(name) == data
        assert inside.digest(name) == folder.digest(name)
    inside.verify_unchanged()


def test_a_file_ends_where_it_ends_and_not_where_the_tar_does(tmp_path: Path) -> None:
    tar = TarFolder.open(pack(tmp_path / "t.tar", {"a": b"12345", "b": b"next"}))
    with tar.opened("a") as file:
        assert file.size == 5
        assert file.read_at(100, 3) == b"45"
        assert file.read_at(100, 5) == file.read_at(1, 600) == b""
        part = bytearray(3)
        file.read_into(memoryview(part), 2)
        assert part == b"345"
        with pytest.raises(ModelError, match="ends too early"):
            file.read_into(memoryview(part), 3)


def test_folders_are_there_whether_or_not_they_were_packed(tmp_path: Path) -> None:
    for folders in ((), ("m/", "m/deep/")):
        tar = TarFolder.open(pack(tmp_path / "t.tar", {"m/deep/a": b"1"}, folders=folders))
        assert tar.names() == ["m"]
        assert tar.is_folder("m") and tar.inside("m").is_folder("deep")
        assert tar.exists("m/deep/a") and not tar.exists("m/a") and not tar.is_folder("m/deep/a")
        assert tar.inside("m").read("deep/a") == b"1"


def test_files_that_macos_adds_are_not_listed(tmp_path: Path) -> None:
    tar = TarFolder.open(pack(tmp_path / "t.tar", {"._m.pdmodel": b"1", "m.pdmodel": b"2"}))
    assert tar.names() == ["m.pdmodel"]


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    tar = TarFolder.open(pack(tmp_path / "t.tar", {"a": b"1"}))
    with pytest.raises(FileNotFoundError), tar.opened("b"):
        pass
    with pytest.raises(ModelError, match="the file is missing"):
        tar.digest("b")


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (entry("a", kind=b"2"), "not a regular file but a link in a tar"),
        (entry("a", kind=b"3"), "not a regular file but a device"),
        (pax(("GNU.sparse.major", "1")) + entry("a", b"1"), "a sparse file in a tar.*tar xf"),
    ],
)
def test_what_is_no_file_is_not_opened(piece: bytes, said: str, tmp_path: Path) -> None:
    tar = TarFolder.open(write(tmp_path / "t.tar", piece))
    assert tar.exists("a")
    with pytest.raises(ModelError, match=said):
        tar.read("a")


def test_a_tar_that_changes_is_an_error(tmp_path: Path) -> None:
    path = pack(tmp_path / "t.tar", {"a": b"1"})
    tar = TarFolder.open(path)
    with path.open("r+b") as stream:
        stream.write(b"b")
    with pytest.raises(ModelError, match="changed while it was read"):
        tar.verify_unchanged()


def test_another_tar_in_its_place_is_an_error(tmp_path: Path) -> None:
    path = pack(tmp_path / "t.tar", {"a": b"1"})
    tar = TarFolder.open(path)
    os.replace(pack(tmp_path / "new.tar", {"a": b"2"}), path)
    with pytest.raises(ModelError, match="another file is in its place"):
        tar.verify_unchanged()


def test_permissions_are_those_of_the_tar(tmp_path: Path) -> None:
    path = pack(tmp_path / "t.tar", {"a": b"1"})
    path.chmod(0o640)
    assert TarFolder.open(path).mode == 0o640


def test_a_link_to_a_tar_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    path = pack(tmp_path / "store" / "t.tar", {"a": b"1"})
    (tmp_path / "link.tar").symlink_to(path)
    tar = TarFolder.open(tmp_path / "link.tar")
    assert (tar.read("a"), tar.path) == (b"1", tmp_path / "link.tar")

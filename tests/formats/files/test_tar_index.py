"""Where the files in a tar lie: honest tars of every format, and damaged ones."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tars import entry, header, pack, pax, write
from weightquant_cli.errors import ModelError, UnsupportedModelError
from weightquant_cli.formats.files import tar_index
from weightquant_cli.formats.files.input_files import InputFile
from weightquant_cli.formats.files.tar_index import FILE, FOLDER, SPARSE, TarEntry, read_index

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def index(path: Path) -> dict[str, TarEntry]:
    """What is in the tar at `path`."""
    with path.open("rb") as stream:
        return read_index(InputFile(stream.fileno(), path, path.stat().st_size))


def contents(path: Path) -> dict[str, bytes]:
    """The files in the tar at `path`, cut out of it."""
    data = path.read_bytes()
    return {
        name: data[found.start : found.start + found.size]
        for name, found in index(path).items()
        if found.kind == FILE
    }


@pytest.mark.parametrize("format", FORMATS)
def test_finds_the_files_of_every_format_at_their_place(format: str, tmp_path: Path) -> None:
    deep = "/".join(["folder" * 8] * 3)  # too long for the name's own field
    files = {"m/a": b"A" * 513, "m/empty": b"", f"{deep}/b": b"B", "é": b"C" * 512}
    path = pack(tmp_path / "t.tar", files, FORMATS[format], folders=["m/"])
    assert contents(path) == files
    assert index(path)["m"].kind == FOLDER


@given(
    st.dictionaries(
        st.text("ab/éü.-_ ", min_size=1, max_size=140).filter(
            lambda name: all(part not in ("", ".", "..") for part in name.split("/"))
        ),
        st.binary(max_size=1100),
        min_size=1,
        max_size=6,
    ).filter(lambda files: not any(f"{a}/" in f"{b}/"[:-1] for a in files for b in files)),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)
def test_reads_what_tarfile_writes(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], format: int
) -> None:
    path = tmp_path_factory.mktemp("tar") / "t.tar"
    assert contents(pack(path, files, format)) == files


def test_a_dot_in_front_of_names_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "t.tar", entry("./", kind=b"5"), entry("./m//./a", b"data"))
    assert contents(path) == {"m/a": b"data"}


def test_sizes_in_base_256_and_in_an_extended_header_count(tmp_path: Path) -> None:
    large = b"\x80" + (5).to_bytes(11, "big")
    data = b"12345".ljust(512, b"\0")
    path = write(
        tmp_path / "t.tar", header("a", large), data, pax(("size", "5")), header("b", 0), data
    )
    assert contents(path) == {"a": b"12345", "b": b"12345"}


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    path = write(
        tmp_path / "t.tar",
        entry("link", kind=b"2"),
        entry("hard", kind=b"1"),
        entry("null", kind=b"3"),
        entry("pipe", kind=b"6"),
        entry("volume", kind=b"V"),
        pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0")),
        entry("holes", b"1\n0\n1\n"),
    )
    assert {name: found.kind for name, found in index(path).items()} == {
        **{"link": "a link", "hard": "a link", "null": "a device", "pipe": "a FIFO"},
        **{"volume": "something that is no file", "holes": SPARSE},
    }


def test_what_follows_the_map_of_an_old_sparse_file_is_found(tmp_path: Path) -> None:
    first = bytearray(header("holes", 3, b"S", magic=b"ustar  \0"))
    first[482] = 1
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    more = bytearray(512)
    more[504] = 1
    path = write(
        tmp_path / "t.tar", bytes(first), bytes(more), bytes(512), b"abc".ljust(512), entry("b")
    )
    assert {name: found.kind for name, found in index(path).items()} == {
        "holes": SPARSE,
        "b": FILE,
    }


@pytest.mark.parametrize(
    ("pieces", "said"),
    [
        ([b""], "the tar is empty"),
        ([b"\x0a" * 600], "not a tar"),
        ([b"tiny"], "not a tar"),
        ([entry("../up", b"x")], "leads out of it: '../up'"),
        ([entry("a/../b")], "leads out"),
        ([entry("/etc/passwd")], "leads out"),
        ([pax(("path", "/etc/passwd")), entry("a")], "leads out"),
        ([pax(("path", "a\0b")), entry("a")], "leads out"),
        ([entry("a", b"1"), entry("./a", b"2")], "'a' stands twice"),
        ([entry("a", b"1"), entry("a", kind=b"2")], "'a' stands twice"),
        ([entry("a", kind=b"2"), entry("a/b", b"1")], "'a' is a folder and a link"),
        ([entry("a", b"1"), entry("a/b/c", b"1")], "'a' is a folder and a file"),
        ([header("a", 1 << 30)], "ends too early"),
        ([header("a", b"\x80" + b"\x7f" * 11)], "ends too early"),
        ([header("a", b"\xff" * 12)], "below zero"),
        ([header("a", b"0000009\0    ")], "a header is damaged"),
        ([pax(("size", "-1")), entry("a")], "damaged"),
        ([pax(("size", "9" * 400)), entry("a")], "damaged"),
        ([entry("pax", b"99 path=a\n", b"x"), entry("a")], "damaged"),
        ([entry("pax", b"0 path=a\n", b"x"), entry("a")], "damaged"),
        ([pax(("path", "b"), kind=b"g"), entry("a")], "all files one name"),
        ([entry("a", b"data", kind=b"1")], "is a link and has data"),
        ([entry("a"), header("b")[:300]], None),
    ],
)
def test_a_tar_that_is_not_to_be_trusted_is_an_error(
    pieces: list[bytes], said: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "t.tar"
    path.write_bytes(b"".join(pieces) + (bytes(1024) if pieces != [b"tiny"] else b""))
    if said is None:
        path.write_bytes(b"".join(pieces))
        said = "ends too early"
    with pytest.raises(ModelError, match=said):
        index(path)


def test_an_empty_file_is_no_tar(tmp_path: Path) -> None:
    (tmp_path / "t.tar").write_bytes(b"")
    with pytest.raises(ModelError, match="the file is empty"):
        index(tmp_path / "t.tar")


def test_a_damaged_header_is_told_with_its_place(tmp_path: Path) -> None:
    path = pack(tmp_path / "t.tar", {"a": b"1", "b": b"2"})
    data = bytearray(path.read_bytes())
    data[1024] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"header of the tar is damaged .*offset 1024"):
        index(path)


@pytest.mark.parametrize(
    ("start", "how"), [(b"\x1f\x8b\x08", "tar xf"), (b"BZh9", "tar xf"), (b"PK\x03\x04", "unzip")]
)
def test_a_compressed_archive_is_refused_with_what_to_do(
    start: bytes, how: str, tmp_path: Path
) -> None:
    (tmp_path / "t.tar").write_bytes(start + bytes(1000))
    with pytest.raises(UnsupportedModelError, match=f"compressed.*`{how}`"):
        index(tmp_path / "t.tar")


@pytest.mark.parametrize(
    ("limit", "value", "pieces"),
    [
        ("MAX_ENTRIES", 2, [entry("a"), entry("b"), entry("c")]),
        ("MAX_ENTRIES", 3, [entry("a/b/c/d")]),  # folders that have no entry of their own
        ("MAX_EXTENDED_BYTES", 100, [entry("long", b"n" * 101, b"L"), entry("a")]),
        ("MAX_NAME_BYTES", 10, [entry("n" * 11)]),
        ("MAX_NAMES_BYTES", 10, [entry("n" * 6), entry("m" * 6)]),
        ("MAX_NAMES_BYTES", 20, [entry("a/b/c/d/e")]),  # with a, a/b, a/b/c and a/b/c/d
    ],
)
def test_more_than_any_model_has_is_refused(
    limit: str,
    value: int,
    pieces: list[bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = write(tmp_path / "t.tar", *pieces)
    index(path)
    monkeypatch.setattr(tar_index, limit, value)
    with pytest.raises(UnsupportedModelError, match="tar xf"):
        index(path)


def test_an_extended_header_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    path.write_bytes(header("long", 5 << 30, b"L"))
    os.truncate(path, 6 << 30)
    with pytest.raises(UnsupportedModelError, match="larger than any name"):
        index(path)


def test_agrees_with_tarfile_on_links_within_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "t.tar"
    with tarfile.open(path, "w") as tar:
        for name, kind in (("s", tarfile.SYMTYPE), ("h", tarfile.LNKTYPE)):
            link = tarfile.TarInfo(name)
            link.type, link.linkname = kind, "a"
            tar.addfile(link)
        file = tarfile.TarInfo("a")
        file.size = 3
        tar.addfile(file, io.BytesIO(b"abc"))
    assert contents(path) == {"a": b"abc"}
    assert {index(path)[name].kind for name in "sh"} == {"a link"}

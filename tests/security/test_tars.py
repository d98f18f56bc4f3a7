"""Tars made to harm: one line and exit code 3, in little time and memory; nothing is unpacked."""

from __future__ import annotations

import gzip
import os
import resource
import subprocess
from pathlib import Path

import pytest

from tests.cli.helpers import command, environment, run
from tests.tars import entry, header, pack_folder, pax, write

DIGITS = Path(__file__).parents[1] / "models" / "digits"

HOSTILE = {
    "a name that leads out": [entry("../../escaped", b"x")],
    "an absolute name": [entry("/tmp/escaped", b"x")],
    "a program that is a link": [header("__model__", 0, b"2", link="/etc/passwd")],
    "a hard link": [header("__model__", 0, b"1", link="/etc/passwd")],
    "a device": [entry("__model__", kind=b"3")],
    "a FIFO": [entry("__model__", kind=b"6")],
    "a folder behind a link": [header("m", 0, b"2", link="/etc"), entry("m/__model__", b"x")],
    "a name twice": [entry("__model__", b"1"), entry("./__model__", b"2")],
    "sparse": [pax(("GNU.sparse.realsize", "9" * 15)), entry("__model__", b"1")],
    "a size beyond the file": [header("__model__", 0o77777777777)],
    "a size that goes backwards": [header("__model__", b"\xff" * 11 + b"\0")],
    "a size beyond any": [header("__model__", b"\x80" + b"\xff" * 11)],
    "a size that POSIX spells": [pax(("size", "9" * 19)), entry("__model__")],
    "control characters": [entry("m\x1b[2J\n\u202e/../x")],
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_tar_is_one_line_and_nothing_is_unpacked(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "m.tar", *HOSTILE[name])
    for arguments in (["inspect"], ["quantize"], ["dequantize-check"]):
        out = [tmp_path / "out"] if arguments == ["quantize"] else []
        result = run(*arguments, path, *out)
        assert (result.code, result.stdout) == (3, "")
        assert len(result.stderr.splitlines()) == 1
        assert result.stderr.rstrip("\n").isprintable()
    assert os.listdir(tmp_path) == ["m.tar"]


def test_thousands_of_members_take_a_second_and_little_memory(tmp_path: Path) -> None:
    pieces = [entry(f"{'d/' * 20}{number}/x.pdmodel") for number in range(20_000)]
    path = write(tmp_path / "m.tar", *pieces)
    result = _limited("inspect", path)
    assert (result.returncode, result.stdout) == (3, b"")
    assert b"20000 models in the tar" in result.stderr


def test_more_members_than_any_model_has_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.tar"
    path.write_bytes(header("m", 0, b"5") * 100_001)
    result = _limited("inspect", path)
    assert (result.returncode, result.stdout) == (3, b"")
    assert b"more than 100000 entries" in result.stderr


def test_a_compressed_bomb_is_not_unpacked(tmp_path: Path) -> None:
    (tmp_path / "m.tar.gz").write_bytes(gzip.compress(bytes(50 << 20), 1))
    result = _limited("inspect", tmp_path / "m.tar.gz")
    assert (result.returncode, result.stdout) == (3, b"")
    assert b"compressed" in result.stderr


def test_a_tar_full_of_holes_costs_nothing(tmp_path: Path) -> None:
    path = pack_folder(tmp_path / "m.tar", DIGITS, "m")
    size = path.stat().st_size
    with path.open("r+b") as stream:
        stream.truncate(size - 1024)
        stream.seek(0, os.SEEK_END)
        stream.write(header("hole", 50 << 30))
        stream.truncate(stream.tell() + (50 << 30))
    result = _limited("inspect", path)
    assert (result.returncode, result.stderr) == (0, b"")


def test_every_cut_of_a_tar_is_an_error_or_the_whole_model(tmp_path: Path) -> None:
    data = pack_folder(tmp_path / "whole.tar", DIGITS, "m").read_bytes()
    whole = run("inspect", tmp_path / "whole.tar").ok().stdout
    for size in range(0, len(data), 30_011):
        (tmp_path / "m.tar").write_bytes(data[:size])
        result = run("inspect", tmp_path / "m.tar")
        assert (result.code == 3 and len(result.stderr.splitlines()) == 1) or (
            (result.code, result.stdout) == (0, whole)
        )


def _limited(*arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """A call that may use 20 s of CPU and 2 GiB of addresses."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))

    return subprocess.run(
        command(*arguments), env=environment(), preexec_fn=limit, capture_output=True
    )

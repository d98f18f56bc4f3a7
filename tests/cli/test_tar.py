"""A tar in place of a model's folder, for every command."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from tests.builders import tree
from tests.cli.helpers import run
from tests.tars import pack_folder

DIGITS = Path(__file__).parents[1] / "models" / "digits"


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    return pack_folder(tmp_path / "digits_infer.tar", DIGITS, "digits_infer")


def test_quantize_writes_the_same_bytes_as_from_the_folder(tar: Path, tmp_path: Path) -> None:
    run("quantize", "-q", DIGITS, tmp_path / "from-folder").ok()
    run("quantize", "-q", tar, tmp_path / "from-tar").ok()
    assert tree(tmp_path / "from-tar") == tree(tmp_path / "from-folder")


def test_inspect_shows_the_same(tar: Path) -> None:
    assert run("inspect", tar).ok().stdout == run("inspect", DIGITS).ok().stdout
    assert run("inspect", "--json", tar).ok().json["input"]["folder"] == str(tar)


def test_the_check_takes_tars_for_both(tar: Path, tmp_path: Path) -> None:
    run("quantize", "-q", tar, tmp_path / "out").ok()
    packed = pack_folder(tmp_path / "out.tar", tmp_path / "out", "out")
    result = run("dequantize-check", "--reference", tar, "--min-sqnr", "30", packed).ok()
    assert result.lines[0].startswith("ok")
    run("dequantize-check", "-q", "--save-dequantized", tmp_path / "fp32", packed).ok()
    assert (tmp_path / "fp32" / "__model__").is_file()


def test_a_report_of_a_tar_is_verified_against_it(tar: Path, tmp_path: Path) -> None:
    run("quantize", "-q", "--report", tmp_path / "r.json", tar, tmp_path / "out").ok()
    packed = pack_folder(tmp_path / "out.tar", tmp_path / "out", "out")
    run("dequantize-check", "--verify-report", tmp_path / "r.json", packed).ok()


def test_export_opt_says_that_opt_reads_no_tar(tar: Path, tmp_path: Path) -> None:
    result = run("export-opt", tar)
    assert (result.code, result.stdout) == (2, "")
    assert "opt reads a model's folder, and no tar" in result.stderr
    assert "tar xf" in result.stderr
    assert os.listdir(tmp_path) == [tar.name]


def test_a_compressed_tar_is_refused_in_one_line(tmp_path: Path) -> None:
    for name, mode in (("m.tar.gz", "w:gz"), ("m.tgz", "w:gz"), ("m.tar", "w:xz")):
        with tarfile.open(tmp_path / name, mode) as packed:  # type: ignore[call-overload]
            packed.add(DIGITS, "m")
        result = run("inspect", tmp_path / name)
        assert (result.code, result.stdout) == (3, "")
        assert len(result.stderr.splitlines()) == 1
        assert "compressed" in result.stderr and "`tar xf`" in result.stderr


@pytest.mark.parametrize("option", ["--report", "--plan-out"])
def test_no_output_of_quantize_replaces_the_tar(option: str, tar: Path, tmp_path: Path) -> None:
    before = tar.read_bytes()
    os.link(tar, tmp_path / "second-name")
    (tmp_path / "link").symlink_to(tar)
    for name in (tar.name, "second-name", "link"):
        result = run("quantize", option, tmp_path / name, tar, tmp_path / "out")
        assert (result.code, "the input tar" in result.stderr) == (2, True), result.stderr
    assert run("quantize", "-f", tar, tar).code == 2
    assert run("quantize", "-f", tar, tmp_path).code == 2
    assert tar.read_bytes() == before
    assert not (tmp_path / "out").exists()


def test_no_output_of_the_check_replaces_a_tar(tar: Path, tmp_path: Path) -> None:
    run("quantize", "-q", tar, tmp_path / "out").ok()
    packed = pack_folder(tmp_path / "out.tar", tmp_path / "out", "out")
    before = (tar.read_bytes(), packed.read_bytes())
    for option in ("--report", "--html", "--save-dequantized"):
        for target in (tar, packed):
            assert run("dequantize-check", "--reference", tar, option, target, packed).code == 2
    assert (tar.read_bytes(), packed.read_bytes()) == before


def test_an_output_beside_the_tar_is_fine(tar: Path, tmp_path: Path) -> None:
    run("quantize", "-q", "--report", tmp_path / "r.json", tar, tmp_path / "out").ok()
    assert sorted(os.listdir(tmp_path)) == [tar.name, "out", "r.json"]

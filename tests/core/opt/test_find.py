"""Which opt is taken: the one that is named, then the one that is Paddle Lite's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.core.opt.fakes import fake_opt
from weightquant_cli.core.opt.find import find_opt
from weightquant_cli.errors import OptionError

HELP = "echo 'usage: opt [--optimize_out_type {protobuf,naive_buffer}]'"


def test_a_named_path_is_taken_as_it_is(tmp_path: Path) -> None:
    opt = fake_opt(tmp_path / "mine", "exit 1")
    assert find_opt(str(opt), "") == opt


def test_a_relative_path_is_seen_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opt = fake_opt(tmp_path / "bin" / "mine", "exit 1")
    monkeypatch.chdir(tmp_path)
    assert find_opt("bin/mine", "") == opt


def test_a_name_without_a_slash_is_looked_for_on_path(tmp_path: Path) -> None:
    opt = fake_opt(tmp_path / "mine", "exit 1")
    assert find_opt("mine", str(tmp_path)) == opt


def test_paddle_lite_opt_comes_before_opt(tmp_path: Path) -> None:
    fake_opt(tmp_path / "one" / "opt", HELP)
    opt = fake_opt(tmp_path / "two" / "paddle_lite_opt", "exit 1")
    assert find_opt(None, f"{tmp_path}/one:{tmp_path}/two") == opt


def test_an_opt_that_says_it_is_paddle_lites_is_taken(tmp_path: Path) -> None:
    opt = fake_opt(tmp_path / "opt", HELP)
    assert find_opt("", str(tmp_path)) == opt


def test_another_opt_is_refused(tmp_path: Path) -> None:
    fake_opt(tmp_path / "opt", "echo 'OVERVIEW: llvm .bc -> .bc modular optimizer'")
    with pytest.raises(OptionError, match=r"this opt is not Paddle Lite's \(.*/opt\); give its"):
        find_opt(None, str(tmp_path))


def test_none_at_all_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="cannot find Paddle Lite's opt; give its path with"):
        find_opt(None, str(tmp_path))


@pytest.mark.parametrize("kind", ["missing", "folder", "no program"])
def test_what_is_named_must_be_a_program(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "mine"
    if kind == "folder":
        path.mkdir()
    elif kind == "no program":
        path.touch(0o644)
    for named in (str(path), "mine"):
        with pytest.raises(OptionError, match="opt is not a program that can be run"):
            find_opt(named, str(tmp_path))

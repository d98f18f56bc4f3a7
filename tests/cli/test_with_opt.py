"""`dequantize-check --with-opt`: what it says of a conversion, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.builders import small_model
from tests.cli.helpers import command, environment, run, run_terminal
from tests.core.opt.fakes import GOOD, fake_opt
from tests.core.opt.test_process import assert_gone, wait_for
from tests.schemas.test_schemas import faults
from tests.tars import pack_folder

ABORTS = "echo '[F 11/24 x.h:118] Check failed: no \033[31mthreshold'; kill -ABRT $$"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A small quantized model."""
    run("quantize", "-q", small_model().write(tmp_path / "fp32"), tmp_path / "out").ok()
    return tmp_path / "out"


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """An opt that converts everything."""
    return fake_opt(tmp_path / "bin" / "paddle_lite_opt", GOOD)


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """An opt that aborts on everything."""
    return fake_opt(tmp_path / "bad" / "opt", ABORTS)


def test_a_model_that_converts_is_ok_and_has_a_size(model: Path, good: Path) -> None:
    told = run("dequantize-check", "--with-opt", "--opt", good, model).ok()
    assert told.lines[0].startswith("ok: ")
    assert told.lines[1:] == ["opt: converts it for arm: 37 bytes (opt 2.12)"]


def test_a_terminal_says_what_is_waited_for(model: Path, good: Path) -> None:
    shown = run_terminal("dequantize-check", "--opt", good, model, stderr_too=True).stdout
    assert "opt converts it ..." in shown
    assert "steps" not in shown
    assert run("dequantize-check", "--opt", good, model).ok().stderr == ""


def test_an_opt_in_the_current_folder_is_found(
    model: Path, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(good.parent)
    run("dequantize-check", "--opt", f"./{good.name}", model).ok()


def test_one_that_does_not_convert_is_not_ok(model: Path, bad: Path) -> None:
    told = run("dequantize-check", "-q", "--opt", bad, model)
    assert (told.code, told.stderr) == (1, "")
    assert told.lines[0].startswith("not ok: ")
    assert "opt does not convert it (Paddle Lite" in told.lines[0]
    assert told.lines[1:] == [
        "error: opt: it does not convert it for arm: it aborted (SIGABRT): "
        rf"Check failed: no \x1b[31mthreshold; it was {bad}"
    ]


def test_the_document_has_it_and_null_without(model: Path, good: Path, bad: Path) -> None:
    document = run("dequantize-check", "--json", "--opt", good, model).ok().json
    assert faults("dequantize-check", document) == []
    assert document["conversion"] == {
        "ok": True,
        "opt": str(good),
        "version": "2.12",
        "targets": ["arm"],
        "naive_buffer": 37,
        "failure": None,
        "said": "",
    }
    failed = run("dequantize-check", "--json", "--opt", bad, model)
    assert faults("dequantize-check", failed.json) == []
    assert (failed.code, failed.json["ok"]) == (1, False)
    assert failed.json["conversion"]["failure"] == "aborted (SIGABRT)"
    assert run("dequantize-check", "--json", model).ok().json["conversion"] is None


def test_the_page_has_it(model: Path, good: Path, bad: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    run("dequantize-check", "-q", "--opt", good, "--html", page, model).ok()
    assert ".nb for arm, by opt 2.12" in page.read_text()
    assert run("dequantize-check", "-q", "--opt", bad, "--html", page, model).code == 1
    assert "it does not convert it for arm: it aborted (SIGABRT)" in page.read_text()


def test_opt_is_found_as_the_script_finds_it(model: Path, good: Path, bad: Path) -> None:
    there = f"{good.parent}{os.pathsep}{os.environ['PATH']}"
    run("dequantize-check", "--with-opt", model, env={"PATH": there}).ok()
    assert run("dequantize-check", "--with-opt", model, env={"OPT": str(bad)}).code == 1
    both = {"PATH": there, "OPT": str(bad)}
    assert run("dequantize-check", "--with-opt", model, env=both).code == 1
    run("dequantize-check", "--with-opt", "--opt", good, model, env={"OPT": str(bad)}).ok()


def test_the_environment_alone_converts_nothing(model: Path, bad: Path) -> None:
    told = run("dequantize-check", model, env={"OPT": str(bad)}).ok()
    assert len(told.lines) == 1


def test_without_an_opt_it_says_what_to_do(model: Path, tmp_path: Path) -> None:
    told = run("dequantize-check", "--with-opt", model, env={"PATH": str(tmp_path), "OPT": ""})
    assert (told.code, told.stdout) == (2, "")
    assert told.stderr == (
        "weightquant: error: cannot find Paddle Lite's opt; give its path with --opt; "
        "`pip install paddlelite` has one, as paddle_lite_opt\n"
    )
    missing = run("dequantize-check", "--opt", tmp_path / "none", model)
    assert missing.code == 2
    assert "opt is not a program that can be run" in missing.stderr


def test_a_tar_is_converted_too(model: Path, tmp_path: Path) -> None:
    opt = fake_opt(tmp_path / "opt", f'[ -s "${{out%/*}}/model/conv.w" ] || exit 1\n{GOOD}')
    run("dequantize-check", "--opt", opt, pack_folder(tmp_path / "m.tar", model, "m")).ok()


@pytest.mark.parametrize("columns", [50, 80])
def test_the_line_fits_a_terminal(model: Path, good: Path, columns: int) -> None:
    told = run_terminal("dequantize-check", "--opt", good, model, columns=columns)
    assert told.lines[-1].startswith("opt: ")
    assert len(told.lines[-1]) <= columns


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_opt_and_leaves_nothing(
    number: int, code: int, model: Path, tmp_path: Path
) -> None:
    pid, temporary = tmp_path / "pid", tmp_path / "temporary"
    temporary.mkdir()
    opt = fake_opt(tmp_path / "opt", f"echo $$ >{pid}.new; mv {pid}.new {pid}; sleep 600")
    with subprocess.Popen(
        command("dequantize-check", "--opt", opt, model),
        env=environment({"TMPDIR": str(temporary)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        wait_for(pid.exists)
        process.send_signal(number)
        out, err = process.communicate()
    assert (process.returncode, out) == (code, b"")
    assert b"Traceback" not in err
    assert list(temporary.iterdir()) == []
    assert_gone(int(pid.read_text()))


@pytest.mark.parametrize("option", ["--html", "--report"])
def test_opt_is_not_overwritten_by_an_output(option: str, model: Path, good: Path) -> None:
    before = good.read_bytes()
    told = run("dequantize-check", "--opt", good, option, good, model)
    assert told.code == 2
    assert "the opt that converts" in told.stderr
    assert good.read_bytes() == before

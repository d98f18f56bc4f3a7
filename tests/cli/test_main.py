"""Where errors become exit codes and one line each: closed pipes, memory, version, debug."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.cli.helpers import run, run_terminal, shell
from weightquant_cli import __version__
from weightquant_cli.core.model.model import Model

DIGITS = Path(__file__).resolve().parents[1] / "models" / "digits"


def test_version_is_one_line() -> None:
    assert run("--version").ok().stdout == f"weightquant {__version__}\n"


def test_debug_adds_a_traceback_to_the_one_line(tmp_path: Path) -> None:
    plain = run("quantize", tmp_path, tmp_path / "out")
    debug = run("quantize", "--debug", tmp_path, tmp_path / "out")
    assert len(plain.stderr.splitlines()) == 1
    assert "Traceback" in debug.stderr
    assert debug.stderr.endswith(plain.stderr)


@pytest.mark.parametrize(
    "arguments", [["inspect", "nowhere"], ["inspect", "--nonsense", "x"], ["inspect"]]
)
def test_an_error_on_a_terminal_has_the_colours_that_were_asked_for(arguments: list[str]) -> None:
    colored = run_terminal(*arguments, stderr_too=True)
    plain = run_terminal(*arguments, "--color", "never", stderr_too=True)
    assert colored.code == plain.code != 0
    assert "\x1b[1;31merror" in colored.stdout
    assert "\x1b" not in plain.stdout


@pytest.mark.parametrize("reader", ["true", "head -n 1"])
def test_the_verdict_of_a_gate_counts_whatever_the_reader_does(tmp_path: Path, reader: str) -> None:
    run("quantize", "-q", DIGITS, tmp_path / "out").ok()
    line = 'weightquant dequantize-check --min-sqnr 99 --reference "$1" "$2"; echo "code $?" >&2; '
    for _ in range(3):
        result = shell(f"{{ {line} }} | {reader}", DIGITS, tmp_path / "out")
        assert result.stderr == "code 1\n"


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    for command in ("inspect", "inspect --json"):
        result = shell(f'{{ weightquant {command} "$1"; echo "code $?" >&2; }} | true', DIGITS)
        assert (result.stdout, result.stderr) == ("", "code 0\n")


def test_a_report_is_written_also_when_nobody_reads_stdout(tmp_path: Path) -> None:
    result = shell(
        '{ weightquant quantize --json --report "$2/r.json" "$1" "$2/out"; echo $? >&2; } | true',
        DIGITS,
        tmp_path,
    )
    assert result.stderr == "0\n"
    assert sorted(os.listdir(tmp_path)) == ["out", "r.json"]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libgfortran.so: failed to map segment from shared object"),
    ],
    ids=repr,
)
def test_out_of_memory_is_one_line_and_not_the_code_of_a_failed_check(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*arguments: object) -> Model:
        raise error

    monkeypatch.setattr(Model, "load", load)
    result = run("inspect", DIGITS)
    assert (result.code, result.stdout) == (70, "")
    assert result.stderr.startswith("weightquant: error: out of memory")
    assert len(result.stderr.splitlines()) == 1

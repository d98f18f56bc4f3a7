"""A program that is not ours: how it ended is told, and nothing of it stays."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.opt.fakes import fake_opt
from weightquant_cli.core.opt import process
from weightquant_cli.core.opt.process import Ended, run
from weightquant_cli.errors import OptionError

LONG = 60.0


def ended(tmp_path: Path, body: str, seconds: float = LONG) -> Ended:
    """How a script with this body ends."""
    return run((str(fake_opt(tmp_path / "opt", body)),), tmp_path, seconds)


@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("exit 0", None),
        ("kill -ABRT $$", "aborted (SIGABRT)"),
        ("exit 134", "aborted (SIGABRT)"),
        ("kill -SEGV $$", "crashed (SIGSEGV)"),
        ("exit 139", "crashed (SIGSEGV)"),
        ("exit 3", "failed with exit code 3"),
        ("exit 255", "failed with exit code 255"),
    ],
)
def test_how_it_ended_is_told_in_words(tmp_path: Path, body: str, how: str | None) -> None:
    assert ended(tmp_path, body).how == how


def test_both_streams_are_read_and_there_is_no_input(tmp_path: Path) -> None:
    assert ended(tmp_path, "cat; echo one; echo two >&2").output == b"one\ntwo\n"


def test_it_works_in_its_folder(tmp_path: Path) -> None:
    assert ended(tmp_path, "pwd -P").output.decode().strip() == str(tmp_path.resolve())


def test_only_the_end_of_a_long_output_is_kept(tmp_path: Path) -> None:
    output = ended(tmp_path, "yes | head -c 1000000; echo last").output
    assert len(output) == process.KEPT
    assert output.endswith(b"y\nlast\n")


def test_endless_output_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MAX_OUTPUT", 1 << 20)
    assert ended(tmp_path, "yes").how == "was stopped: it printed more than 1 MiB"


@pytest.mark.parametrize("body", ["sleep 600", "exec >&- 2>&-; sleep 600", "sleep 600 & wait"])
def test_what_never_ends_is_stopped_with_all_that_it_started(tmp_path: Path, body: str) -> None:
    end = ended(tmp_path, f"echo $$ >{tmp_path}/pid\n{body}", 0.3)
    assert end.how == "was stopped: it took more than 0.3 seconds"
    assert_gone(int((tmp_path / "pid").read_text()))


def test_a_child_that_outlives_it_is_not_waited_for_and_is_ended(tmp_path: Path) -> None:
    end = ended(tmp_path, f"sleep 600 & echo $! >{tmp_path}/pid; echo done")
    assert end == Ended(None, b"done\n")
    assert_gone(int((tmp_path / "pid").read_text()))


def test_an_exception_while_it_runs_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        wait_for((tmp_path / "pid").exists)
        raise KeyboardInterrupt

    monkeypatch.setattr(process, "_watched", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ended(tmp_path, f"echo $$ >{tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; sleep 600")
    assert_gone(int((tmp_path / "pid").read_text()))


def test_what_cannot_be_started_is_a_usage_error(tmp_path: Path) -> None:
    program = tmp_path / "opt"
    program.write_bytes(b"\x7fELF, but not really")
    program.chmod(0o755)
    with pytest.raises(OptionError, match=r"cannot run opt: Exec format error \(.*opt\)"):
        run((str(program),), tmp_path, LONG)


def assert_gone(number: int) -> None:
    """See that a process has ended: collected, or a zombie of which nothing runs."""
    wait_for(lambda: not _runs(number))


def _runs(number: int) -> bool:
    if sys.platform == "linux":
        try:
            status = Path(f"/proc/{number}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        return status.rpartition(")")[2].split()[0] != "Z"
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait until something holds; fail where it never does."""
    for _ in range(2000):
        if holds():
            return
        time.sleep(0.01)
    pytest.fail("waited in vain")

"""Inputs and outputs in awkward places: no permission, other file systems, links, full pipes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import builders
from tests.builders import tree
from tests.cli.helpers import command, environment, run
from tests.security.sandbox import watched

NOBODY = 65534
FILE_SYSTEMS = (Path("/dev/shm"), Path("/var/tmp"))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model, and the commands' modules imported: the unprivileged may not read them."""
    folder = builders.write_model(tmp_path / "model")
    run("quantize", "-q", folder, tmp_path / "warm").ok()
    assert run("quantize", folder, folder).code == 2  # rich, for the message
    return folder


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Be nobody for a while, if root: to root nothing is forbidden."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_place(model: Path) -> Iterator[Path]:
    """A folder that anyone may enter, with a copy of the model; pytest's own are the user's."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        place.chmod(0o777)
        builders.write_model(place / "model")
        yield place


def refused(place: Path, *arguments: str | Path, word: str) -> None:
    """The run says why in one line, exits with 4, and changes nothing."""
    before = tree(place)
    with unprivileged():
        result = run("quantize", "-q", *arguments)
    assert result.code == 4, result.stderr
    assert word in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert tree(place) == before


def test_a_folder_where_one_may_not_write(open_place: Path) -> None:
    locked = open_place / "locked"
    locked.mkdir(mode=0o555)
    refused(open_place, open_place / "model", locked / "out", word="Permission denied")
    refused(open_place, open_place / "model", locked / "a/b/out", word="Permission denied")


def test_an_old_output_in_a_folder_where_one_may_not_write(open_place: Path) -> None:
    locked = open_place / "locked"
    run("quantize", "-q", open_place / "model", locked / "out").ok()
    locked.chmod(0o555)
    refused(open_place, "--force", open_place / "model", locked / "out", word="Permission denied")


def test_an_output_that_one_may_not_look_into(open_place: Path) -> None:
    (open_place / "out").mkdir(mode=0)
    (open_place / "model").chmod(0o755)
    for options in ((), ("--force",)):
        with unprivileged():
            result = run("quantize", "-q", *options, open_place / "model", open_place / "out")
        assert result.code == 4, result.stderr
        assert "Permission denied" in result.stderr
    assert [entry.name for entry in open_place.iterdir() if entry.name.startswith(".")] == []


def test_a_parameter_file_that_one_may_not_read(open_place: Path) -> None:
    (open_place / "model" / "fc1.w").chmod(0)
    with unprivileged():
        result = run("quantize", open_place / "model", open_place / "out")
    assert result.code == 3
    assert "cannot read the file: Permission denied" in result.stderr
    assert not (open_place / "out").exists()


def test_a_read_only_input_is_read(open_place: Path) -> None:
    for path in sorted((open_place / "model").rglob("*")):
        path.chmod(0o444)
    (open_place / "model").chmod(0o555)
    before = tree(open_place / "model")
    with unprivileged():
        run("quantize", "-q", open_place / "model", open_place / "out").ok()
        run("inspect", "-q", "--histogram", open_place / "model")
    assert tree(open_place / "model") == before
    with unprivileged():
        result = run("export-opt", open_place / "model")
    assert result.code == 4
    assert "Permission denied" in result.stderr


def test_no_command_opens_its_input_for_writing(model: Path, tmp_path: Path) -> None:
    with watched(tmp_path / "out", tmp_path / ".weightquant-", tmp_path / "page") as seen:
        for line in (
            ("quantize", "-q", model, tmp_path / "out"),
            ("quantize", "-q", "--force", model, tmp_path / "out"),
            ("inspect", "--histogram", model),
            ("dequantize-check", "--reference", model, "--html", tmp_path / "page",
             "--save-dequantized", tmp_path / "out2", tmp_path / "out"),
            ("export-opt", "-o", "-", model),
        ):  # fmt: skip
            assert run(*line).code == 0
    assert seen == []


def test_a_missing_parent_folder_is_made(model: Path, tmp_path: Path) -> None:
    run("quantize", "-q", model, tmp_path / "a/b/c/out").ok()
    assert tree(tmp_path / "a/b/c/out") == tree(tmp_path / "warm")


def test_missing_parents_do_not_stay_where_the_run_fails(model: Path, tmp_path: Path) -> None:
    (model / "fc1.w").write_bytes(builders.record(builders.normal(64, 10) * float("nan")))
    assert run("quantize", "-q", model, tmp_path / "a/b/out").code == 3
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_a_symlinked_output_is_written_where_it_points(
    force: tuple[str, ...], model: Path, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "there" / "real")
    run("quantize", "-q", *force, model, tmp_path / "out").ok()
    assert (tmp_path / "out").is_symlink()
    assert tree(tmp_path / "there" / "real") == tree(tmp_path / "warm")
    assert [entry.name for entry in (tmp_path / "there").iterdir()] == ["real"]


def test_an_output_linked_into_the_input_is_refused(model: Path, tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(model / "inside")
    before = tree(model)
    assert run("quantize", model, tmp_path / "out").code == 2
    assert tree(model) == before


def test_an_output_on_another_file_system(model: Path, tmp_path: Path) -> None:
    here = tmp_path.stat().st_dev
    others = [p for p in FILE_SYSTEMS if os.access(p, os.W_OK) and p.stat().st_dev != here]
    if not others:
        pytest.skip("there is no other file system here")
    with tempfile.TemporaryDirectory(dir=others[0]) as name:
        run("quantize", "-q", model, Path(name) / "out").ok()
        run("quantize", "-q", "--force", model, Path(name) / "out").ok()
        assert tree(Path(name) / "out") == tree(tmp_path / "warm")


@pytest.mark.parametrize("name", ["𝄞" * 60, "x" * 255, "\udcff\udcfe", "-", "a\nb", "é" * 127])
def test_an_output_s_name_may_be_what_a_file_system_takes(
    name: str, model: Path, tmp_path: Path
) -> None:
    for options in ((), ("--force",)):
        run("quantize", "-q", *options, "--", model, tmp_path / name).ok()
    assert tree(tmp_path / name) == tree(tmp_path / "warm")


def test_an_output_s_name_that_is_too_long(model: Path, tmp_path: Path) -> None:
    result = run("quantize", model, tmp_path / ("x" * 256))
    assert result.code == 4
    assert "File name too long" in result.stderr


@pytest.mark.parametrize("kind", ["fifo", "link to a fifo"])
@pytest.mark.parametrize(
    "line",
    [("quantize", "-n", "--report", "x", "model", "out"), ("export-opt", "-f", "-o", "x", "model"),
     ("quantize", "-n", "--plan-out", "x", "model", "out"),
     ("dequantize-check", "--html", "x", "warm")],
    ids=lambda line: line[0] + line[2],
)  # fmt: skip
def test_what_is_no_file_is_not_replaced_by_one(
    line: tuple[str, ...], kind: str, model: Path, tmp_path: Path
) -> None:
    """Root would lose /dev/null otherwise. A pipe that nobody reads is not waited for."""
    place = tmp_path / "x"
    os.mkfifo(tmp_path / "fifo")
    place.symlink_to("fifo") if "link" in kind else (tmp_path / "fifo").rename(place)
    result = run(*line, cwd=tmp_path)
    assert result.code == 4, result.stderr
    assert "is not a file" in result.stderr or "No such device or address" in result.stderr
    assert not place.is_file()
    assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def onto_a_full_disk(
    *arguments: str | Path, stderr: bool = False, **variables: str
) -> subprocess.CompletedProcess[bytes]:
    """A process with stdout, or else stderr, on a disk that is full."""
    with open("/dev/full", "wb") as full:
        return subprocess.run(
            command(*arguments),
            env=environment(variables),
            stdout=subprocess.DEVNULL if stderr else full,
            stderr=full if stderr else subprocess.PIPE,
        )


@pytest.mark.parametrize(
    "line",
    [("inspect",), ("dequantize-check",), ("inspect", "--json"), ("quantize", "-n"),
     ("export-opt", "-o", "-"), ("--help",), ("--version",), ("inspect", "-h")],
    ids=" ".join,
)  # fmt: skip
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output_is_an_output_that_could_not_be_written(
    line: tuple[str, ...], unbuffered: str, model: Path, tmp_path: Path
) -> None:
    out = (tmp_path / "new",) if line[0] == "quantize" else ()
    done = onto_a_full_disk(*line, model, *out, PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 4
    assert done.stderr.count(b"error: ") == 1
    assert done.stderr.endswith(b"error: cannot write to stdout: No space left on device\n")


def test_a_completion_script_that_cannot_be_written_is_said_to_be_so() -> None:
    done = onto_a_full_disk(_WEIGHTQUANT_COMPLETE="bash_source")
    assert (done.returncode, done.stderr.count(b"\n")) == (4, 1), done.stderr


@pytest.mark.parametrize(
    ("line", "code"), [(("inspect", "missing"), 3), ((), 2), (("inspect", "--nothing"), 2)]
)
def test_where_stderr_takes_nothing_the_exit_code_tells_it(
    line: tuple[str, ...], code: int
) -> None:
    assert onto_a_full_disk(*line, stderr=True).returncode == code


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("name", ["model", "missing"])
def test_closed_standard_streams_do_no_harm(
    name: str, closed: str, model: Path, tmp_path: Path
) -> None:
    quoted = " ".join(f"'{part}'" for part in command("quantize", name, "out"))
    before = tree(model)
    done = subprocess.run(
        ["sh", "-c", f"exec {quoted} {closed}"], cwd=tmp_path, env=environment(),
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == (0 if name == "model" else 3), done.stderr
    assert b"Traceback" not in done.stderr
    assert tree(model) == before
    if name == "model":
        assert tree(tmp_path / "out") == tree(tmp_path / "warm")

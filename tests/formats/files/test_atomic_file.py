"""All-or-nothing output of one file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from tests.builders import tree
from weightquant_cli.errors import OutputError
from weightquant_cli.formats.files.atomic_file import FileOutput, write_file


def test_a_file_is_written_whole_and_alone(tmp_path: Path) -> None:
    write_file(tmp_path / "plan.json", b"new", "the plan")
    assert tree(tmp_path) == {"plan.json": b"new"}


def test_a_file_that_is_there_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"a longer old one")
    with path.open("rb") as reader:
        write_file(path, b"new", "the plan")
        assert reader.read() == b"a longer old one"
    assert path.read_bytes() == b"new"


def test_permissions_are_those_asked_for_less_the_umask(tmp_path: Path) -> None:
    write_file(tmp_path / "script.sh", b"", "the script", 0o700)
    assert stat.S_IMODE((tmp_path / "script.sh").stat().st_mode) == 0o700


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_failure_at_any_step_keeps_the_old_file_and_leaves_nothing(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan.json").write_bytes(b"old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OutputError, match=r"cannot write the plan: No space left .*plan\.json"):
        write_file(tmp_path / "plan.json", b"new", "the plan")
    monkeypatch.undo()
    assert tree(tmp_path) == {"plan.json": b"old"}


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan.json").write_bytes(b"old")
    real = os.pwrite

    def pwrite(descriptor: int, data: memoryview, offset: int) -> int:
        if offset >= 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data[:4], offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(OutputError, match="No space left on device"):
        write_file(tmp_path / "plan.json", b"new and long", "the plan")
    assert tree(tmp_path) == {"plan.json": b"old"}


@pytest.mark.parametrize("name", ["nowhere/plan.json", "x" * 256, "folder"])
def test_a_place_where_no_file_can_be_is_an_output_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match=r"cannot write the plan|is a folder, not a file"):
        write_file(tmp_path / name, b"new", "the plan")
    assert tree(tmp_path) == {"folder/": b""}


def test_a_long_name_is_possible(tmp_path: Path) -> None:
    write_file(tmp_path / ("é" * 127), b"new", "the plan")
    assert tree(tmp_path) == {"é" * 127: b"new"}


# ---- links, and what is no regular file --------------------------------------------------------


def test_a_link_stays_and_the_file_that_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("there/real")
    (tmp_path / "dangling").symlink_to("there/new")
    for name in ("link", "dangling"):
        write_file(tmp_path / name, b"new", "the plan")
        assert (tmp_path / name).is_symlink()
    assert tree(tmp_path / "there") == {"real": b"new", "new": b"new"}


def test_a_link_that_is_not_to_be_followed_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_bytes(b"precious")
    (tmp_path / "link").symlink_to("theirs")
    write_file(tmp_path / "link", b"new", "the script", follow_links=False)
    assert not (tmp_path / "link").is_symlink()
    assert tree(tmp_path) == {"theirs": b"precious", "link": b"new"}


def test_dev_null_stays_dev_null(tmp_path: Path) -> None:
    before = os.stat("/dev/null")
    (tmp_path / "null").symlink_to("/dev/null")
    for path in (Path("/dev/null"), tmp_path / "null"):
        write_file(path, b"new", "the plan")
    assert os.stat("/dev/null") == before


def test_a_pipe_gets_the_bytes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_file(tmp_path / "pipe", b"new", "the plan")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
    with pytest.raises(OutputError, match="No such device or address"):  # nobody reads it
        write_file(tmp_path / "pipe", b"new", "the plan")


@pytest.mark.skipif(not os.path.exists("/dev/fd/0"), reason="needs /dev/fd")
def test_a_descriptors_path_is_written_where_the_descriptor_is(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb", buffering=0) as stream:
        (tmp_path / "stdout").symlink_to(f"/dev/fd/{stream.fileno()}")
        for path in (Path(f"/dev/fd/{stream.fileno()}"), tmp_path / "stdout"):
            stream.write(b"before,")
            write_file(path, b"new,", "the plan")
    assert (tmp_path / "log").read_bytes() == b"before,new,before,new,"


def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b"old")
    (tmp_path / "plan.json").chmod(0o604)
    write_file(tmp_path / "plan.json", b"new", "the plan")
    assert stat.S_IMODE((tmp_path / "plan.json").stat().st_mode) == 0o604


# ---- before and after the work -----------------------------------------------------------------


def test_a_file_that_is_opened_and_not_written_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b"old")
    with FileOutput(tmp_path / "plan.json", "the plan"):
        assert len(list(tmp_path.iterdir())) == 2
    assert tree(tmp_path) == {"plan.json": b"old"}


def test_temporary_files_of_killed_runs_are_cleared_and_living_ones_left(tmp_path: Path) -> None:
    leftover = tmp_path / ".weightquant-plan.json-0123456789ab"
    leftover.write_bytes(b"half")
    with FileOutput(tmp_path / "plan.json", "the plan") as living:
        assert not leftover.exists()
        write_file(tmp_path / "plan.json", b"other", "the plan")
        living.write(b"new")
    assert tree(tmp_path) == {"plan.json": b"new"}


def test_a_temporary_file_that_somebody_moved_is_not_put_in_place(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b"old")
    with (
        pytest.raises(OutputError, match="moved the temporary file away"),
        FileOutput(tmp_path / "plan.json", "the plan") as output,
    ):
        (temporary,) = set(tmp_path.iterdir()) - {tmp_path / "plan.json"}
        temporary.rename(tmp_path / "aside")
        temporary.write_bytes(b"theirs")
        output.write(b"new")
    assert (tmp_path / "plan.json").read_bytes() == b"old"

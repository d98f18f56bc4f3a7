"""All-or-nothing folder output: whole, or as if nothing had been tried."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.builders import tree
from weightquant_cli.errors import OptionError, OutputError
from weightquant_cli.formats.files import atomic_folder as atomic
from weightquant_cli.formats.files.atomic_folder import Existing, new_folder, refuse_overlap

EVERY = list(Existing)


def fill(folder: Path, text: str = "new") -> None:
    """Put a file and a folder with a file into a temporary folder."""
    (folder / "__model__").write_text(text)
    (folder / "block").mkdir()
    (folder / "block" / "w").write_text(text)


NEW = {"__model__": b"new", "block/": b"", "block/w": b"new"}


def make(target: Path, existing: Existing = Existing.REFUSE) -> None:
    with new_folder(target, existing) as folder:
        fill(folder)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """An output folder of an earlier run."""
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "__model__").write_text("old")
    (folder / "notes").write_text("old")
    return folder


OLD = {"__model__": b"old", "notes": b"old"}


# ---- success -----------------------------------------------------------------------------------


@pytest.mark.parametrize("existing", EVERY)
def test_a_new_folder_appears_whole_and_alone(existing: Existing, tmp_path: Path) -> None:
    make(tmp_path / "out", existing)
    assert tree(tmp_path) == {"out/": b"", **{f"out/{name}": data for name, data in NEW.items()}}


def test_nothing_is_to_be_seen_before_the_block_ends(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out") as folder:
        fill(folder)
        assert not (tmp_path / "out").exists()
        assert folder.parent == tmp_path
        assert folder.name.startswith(".weightquant-out-")


@pytest.mark.parametrize("existing", EVERY)
def test_an_empty_folder_that_exists_is_filled(existing: Existing, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    make(tmp_path / "out", existing)
    assert tree(tmp_path / "out") == NEW


@pytest.mark.parametrize("existing", EVERY)
def test_missing_parents_are_made(existing: Existing, tmp_path: Path) -> None:
    make(tmp_path / "a" / "b" / "out", existing)
    assert tree(tmp_path / "a" / "b") == {
        "out/": b"",
        **{f"out/{name}": data for name, data in NEW.items()},
    }


def test_replace_exchanges_the_whole_folder(old: Path) -> None:
    make(old, Existing.REPLACE)
    assert tree(old) == NEW
    assert list(old.parent.iterdir()) == [old]


def test_merge_leaves_other_files_alone(old: Path) -> None:
    (old / "block").mkdir()
    (old / "block" / "other").write_text("old")
    make(old, Existing.MERGE)
    assert tree(old) == {**NEW, "notes": b"old", "block/other": b"old"}
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("clash", ["a file for a folder", "a folder for a file"])
def test_merge_moves_nothing_where_one_thing_is_in_the_way(clash: str, old: Path) -> None:
    if clash == "a file for a folder":
        (old / "block").write_text("old")
    else:
        (old / "block" / "w").mkdir(parents=True)
    before = tree(old)
    with pytest.raises(OutputError, match=r"a (file|folder) is where a (file|folder) of the outp"):
        make(old, Existing.MERGE)
    assert tree(old) == before
    assert list(old.parent.iterdir()) == [old]


@pytest.mark.parametrize("existing", EVERY)
def test_a_link_to_a_folder_is_followed_and_stays(existing: Existing, tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "real").mkdir(parents=True)
    (tmp_path / "out").symlink_to("elsewhere/real")
    make(tmp_path / "out", existing)
    assert (tmp_path / "out").is_symlink()
    assert tree(tmp_path / "elsewhere" / "real") == NEW
    assert len(list((tmp_path / "elsewhere").iterdir())) == 1


def test_a_relative_target_is_taken_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make(Path("out"))
    make(Path("./a/../out2"))
    assert tree(tmp_path / "out") == tree(tmp_path / "out2") == NEW


def test_a_name_of_the_greatest_length_is_possible(tmp_path: Path) -> None:
    make(tmp_path / ("x" * 255))
    assert tree(tmp_path / ("x" * 255)) == NEW


def test_two_outputs_side_by_side_do_not_meet(tmp_path: Path) -> None:
    with new_folder(tmp_path / "a") as first, new_folder(tmp_path / "a-b") as second:
        fill(first, "first")
        fill(second, "second")
    assert (tmp_path / "a" / "__model__").read_text() == "first"
    assert (tmp_path / "a-b" / "__model__").read_text() == "second"


def test_everything_is_flushed_before_it_is_put_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    real_sync, real_publish = atomic._sync_folders, atomic._publish

    def sync(root: Path) -> None:
        steps.append("sync")
        real_sync(root)

    def publish(temporary: Path, final: Path, existing: Existing) -> None:
        steps.append("publish")
        real_publish(temporary, final, existing)

    monkeypatch.setattr(atomic, "_sync_folders", sync)
    monkeypatch.setattr(atomic, "_publish", publish)
    make(tmp_path / "out")
    assert steps == ["sync", "publish"]


# ---- what is refused ---------------------------------------------------------------------------


def test_a_folder_that_is_not_empty_is_refused_at_once(old: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"exists already .*--force"),
        new_folder(old),
    ):
        pytest.fail("the work was begun")
    assert tree(old.parent) == {"out/": b"", "out/__model__": b"old", "out/notes": b"old"}


@pytest.mark.parametrize("existing", EVERY)
@pytest.mark.parametrize("kind", ["file", "fifo", "link to a file"])
def test_a_target_that_is_not_a_folder_is_refused(
    kind: str, existing: Existing, tmp_path: Path
) -> None:
    target = tmp_path / "out"
    if kind == "fifo":
        os.mkfifo(target)
    elif kind == "file":
        target.write_text("precious")
    else:
        (tmp_path / "file").write_text("precious")
        target.symlink_to("file")
    with pytest.raises(OutputError, match="exists and is not a folder"):
        make(target, existing)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".weightquant")]
    if kind != "fifo":
        assert target.read_text() == "precious"


@pytest.mark.parametrize("existing", EVERY)
def test_a_file_in_place_of_a_parent_is_refused(existing: Existing, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("precious")
    for target in (tmp_path / "file" / "out", tmp_path / "file" / "a" / "out"):
        with pytest.raises(OutputError):
            make(target, existing)
    assert tree(tmp_path) == {"file": b"precious"}


@pytest.mark.parametrize("existing", EVERY)
def test_a_name_that_no_folder_can_have_is_refused(existing: Existing, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="File name too long"):
        make(tmp_path / ("x" * 256), existing)
    assert tree(tmp_path) == {}


def test_parents_made_on_the_way_to_one_that_cannot_be_made_are_removed(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="File name too long"):
        make(tmp_path / "a" / "b" / ("x" * 256) / "out")
    assert tree(tmp_path) == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
@pytest.mark.parametrize("existing", EVERY)
def test_a_parent_that_may_not_be_written_is_an_output_error(
    existing: Existing, tmp_path: Path
) -> None:
    parent = tmp_path / "parent"
    parent.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        make(parent / "out", existing)
    assert tree(parent) == {}


# ---- failure: nothing is left ------------------------------------------------------------------


class Interrupted(BaseException):
    """What a signal handler may raise: not an Exception."""


@pytest.mark.parametrize("error", [ValueError, Interrupted, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("existing", EVERY)
def test_an_error_within_the_block_leaves_nothing_behind(
    error: type[BaseException], existing: Existing, tmp_path: Path
) -> None:
    with pytest.raises(error), new_folder(tmp_path / "a" / "b" / "out", existing) as folder:
        fill(folder)
        raise error
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("existing", [Existing.REPLACE, Existing.MERGE])
def test_an_error_within_the_block_leaves_the_old_folder_as_it_was(
    existing: Existing, old: Path
) -> None:
    inode = old.stat().st_ino
    with pytest.raises(ValueError), new_folder(old, existing) as folder:
        fill(folder)
        raise ValueError
    assert (tree(old), old.stat().st_ino) == (OLD, inode)
    assert list(old.parent.iterdir()) == [old]


def test_parents_that_were_there_before_stay(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(ValueError), new_folder(tmp_path / "a" / "b" / "out"):
        raise ValueError
    assert tree(tmp_path) == {"a/": b""}


def test_a_parent_that_somebody_used_meanwhile_stays(tmp_path: Path) -> None:
    with pytest.raises(ValueError), new_folder(tmp_path / "a" / "out"):
        (tmp_path / "a" / "theirs").write_text("precious")
        raise ValueError
    assert tree(tmp_path) == {"a/": b"", "a/theirs": b"precious"}


def refusing(*paths: object) -> None:
    """A system call that fails."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


@pytest.mark.parametrize("step", ["_sync_folders", "_publish", "_make_temporary", "_sync_folder"])
@pytest.mark.parametrize("existing", EVERY)
def test_a_failure_of_the_disk_at_any_step_is_an_output_error_and_leaves_nothing(
    step: str, existing: Existing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, step, refusing)
    with pytest.raises(OutputError, match="Input/output error"):
        make(tmp_path / "a" / "out", existing)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("step", ["_sync_folders", "_publish", "_make_temporary", "_exchange"])
def test_a_failure_of_the_disk_at_any_step_keeps_the_folder_that_was_to_be_replaced(
    step: str, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, step, refusing)
    with pytest.raises(OutputError, match="Input/output error"):
        make(old, Existing.REPLACE)
    assert tree(old) == OLD
    assert list(old.parent.iterdir()) == [old]


def test_a_folder_that_was_filled_meanwhile_is_not_touched(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with pytest.raises(OutputError, match="came into being meanwhile"), new_folder(target) as new:
        fill(new)
        target.mkdir()
        (target / "theirs").write_text("precious")
    assert tree(tmp_path) == {"out/": b"", "out/theirs": b"precious"}


def test_a_folder_that_vanishes_meanwhile_is_replaced_by_a_new_one(old: Path) -> None:
    with new_folder(old, Existing.REPLACE) as folder:
        fill(folder)
        for path in old.iterdir():
            path.unlink()
        old.rmdir()
    assert tree(old) == NEW


# ---- exchanging --------------------------------------------------------------------------------


@pytest.fixture(params=["in one step", "in two steps"])
def exchanging(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """With the system's exchange, and as on file systems without one."""
    if request.param == "in two steps":
        monkeypatch.setattr(atomic, "_exchange", atomic._exchange_in_two_steps)
    yield


@pytest.mark.usefixtures("exchanging")
def test_either_way_of_exchanging_replaces_the_old_folder(old: Path) -> None:
    make(old, Existing.REPLACE)
    assert tree(old) == NEW
    assert list(old.parent.iterdir()) == [old]


def test_where_the_system_cannot_exchange_it_is_done_in_two_steps(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Libc:
        """A C library whose file system knows no exchange."""

        @staticmethod
        def renameat2(*_: object) -> int:
            ctypes.set_errno(errno.EINVAL)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Libc)
    make(old, Existing.REPLACE)
    assert tree(old) == NEW
    assert list(old.parent.iterdir()) == [old]


def test_where_the_system_has_no_call_to_exchange_it_is_done_in_two_steps(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: object())
    make(old, Existing.REPLACE)
    assert tree(old) == NEW


def test_an_exchange_that_is_refused_keeps_the_old_folder(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Libc:
        """A C library that may not."""

        @staticmethod
        def renameat2(*_: object) -> int:
            ctypes.set_errno(errno.EPERM)
            return -1

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: Libc)
    with pytest.raises(OutputError, match="Operation not permitted"):
        make(old, Existing.REPLACE)
    assert tree(old) == OLD
    assert list(old.parent.iterdir()) == [old]


def test_an_exchange_in_two_steps_that_fails_in_between_puts_the_old_folder_back(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.rename
    monkeypatch.setattr(atomic, "_exchange", atomic._exchange_in_two_steps)

    def rename(source: Path, target: Path) -> None:
        # The plain rename is refused because the folder is not empty; the second one is ours.
        if target == old and not old.exists() and not source.name.endswith("-old"):
            refusing()
        real(source, target)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OutputError, match="Input/output error"):
        make(old, Existing.REPLACE)
    assert tree(old) == OLD
    assert list(old.parent.iterdir()) == [old]


# ---- leftovers of runs that were killed --------------------------------------------------------


def test_the_temporary_folder_of_a_killed_run_is_cleared(tmp_path: Path) -> None:
    leftover = tmp_path / ".weightquant-out-0123456789ab"
    (leftover / "block").mkdir(parents=True)
    (leftover / "__model__").write_text("half")
    make(tmp_path / "out")
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_the_temporary_folder_of_a_living_run_is_left_alone(tmp_path: Path) -> None:
    with new_folder(tmp_path / "out", Existing.REPLACE) as first:
        fill(first, "first")
        make(tmp_path / "out", Existing.REPLACE)
        assert (first / "__model__").read_text() == "first"
        assert tree(tmp_path / "out") == NEW
    assert (tmp_path / "out" / "__model__").read_text() == "first"


def test_a_file_or_a_link_that_is_called_like_a_leftover_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "theirs").write_text("precious")
    (tmp_path / ".weightquant-out-link").symlink_to("elsewhere")
    (tmp_path / ".weightquant-out-file").write_text("precious")
    make(tmp_path / "out")
    assert (tmp_path / "elsewhere" / "theirs").exists()
    assert (tmp_path / ".weightquant-out-file").exists()


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    make(tmp_path / "out")
    with pytest.raises(ValueError), new_folder(tmp_path / "out2") as folder:
        raise ValueError
    if before:
        assert len(os.listdir("/proc/self/fd")) == before
    assert not folder.exists()


def test_a_temporary_folder_taken_for_a_leftover_before_it_was_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real: Callable[[int, int], object] = fcntl.flock
    calls: list[int] = []

    def flock(descriptor: int, operation: int) -> object:
        calls.append(operation)
        if len(calls) == 1:
            (taken,) = tmp_path.iterdir()
            taken.rmdir()
        return real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    make(tmp_path / "out")
    assert (len(calls), tree(tmp_path / "out")) == (2, NEW)


# ---- signals -----------------------------------------------------------------------------------


in_the_main_thread = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(),
    reason="Python delivers signals to the main thread",
)


@in_the_main_thread
@pytest.mark.parametrize("existing", EVERY)
def test_a_signal_while_the_folder_is_put_in_place_waits_until_it_is(
    existing: Existing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = atomic._publish

    def publish(temporary: Path, final: Path, existing: Existing) -> None:
        signal.raise_signal(signal.SIGINT)
        real(temporary, final, existing)

    monkeypatch.setattr(atomic, "_publish", publish)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "out", existing)
    assert tree(tmp_path / "out") == NEW
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


@in_the_main_thread
def test_a_signal_within_the_block_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path / "a" / "out") as folder:
        fill(folder)
        signal.raise_signal(signal.SIGINT)
    assert tree(tmp_path) == {}


# ---- permissions -------------------------------------------------------------------------------


def test_the_folder_has_the_permissions_of_any_new_folder(tmp_path: Path) -> None:
    make(tmp_path / "out")
    (tmp_path / "plain").mkdir()
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == stat.S_IMODE(
        (tmp_path / "plain").stat().st_mode
    )


# ---- overlapping input and output --------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path) -> Path:
    (tmp_path / "models" / "net" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to("models/net")
    (tmp_path / "up").symlink_to("models")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "target", "relation"),
    [
        ("models/net", "models/net", "is the input folder"),
        ("models/net", "models/net/", "is the input folder"),
        ("models/net", "models/../models/net", "is the input folder"),
        ("models/net", "link", "is the input folder"),
        ("link", "models/net", "is the input folder"),
        ("up/net", "link", "is the input folder"),
        ("models/net", "models/net/sub", "lies inside the input folder"),
        ("models/net", "models/net/new/deeper", "lies inside the input folder"),
        ("models/net", "link/new", "lies inside the input folder"),
        ("link", "models/net/new", "lies inside the input folder"),
        ("models/net", "models", "contains the input folder"),
        ("link", "up", "contains the input folder"),
        ("models/net", "/", "contains the input folder"),
    ],
)
def test_overlapping_folders_are_refused(
    source: str, target: str, relation: str, places: Path
) -> None:
    with pytest.raises(OptionError, match=f"the output folder {relation}"):
        refuse_overlap(places / source, places / target)


@pytest.mark.parametrize(
    "target", ["models/net2", "models/ne", "models/net-int8", "other", "link2", "../elsewhere"]
)
def test_folders_that_do_not_overlap_are_accepted(target: str, places: Path) -> None:
    before = tree(places)
    refuse_overlap(places / "models" / "net", places / target)
    assert tree(places) == before


def test_folders_are_compared_from_the_working_folder(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(places / "models")
    with pytest.raises(OptionError, match="is the input folder"):
        refuse_overlap(Path("net"), places / "models" / "net")
    with pytest.raises(OptionError, match="contains the input folder"):
        refuse_overlap(Path("net"), Path("."))

"""All-or-nothing folder output: whole, or as if nothing had been tried."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import signal
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import tree
from weightquant_cli.errors import OutputError
from weightquant_cli.formats.files import atomic_folder as atomic
from weightquant_cli.formats.files import removal, temporary
from weightquant_cli.formats.files.atomic_folder import Existing, new_folder
from weightquant_cli.formats.files.folder import Folder
from weightquant_cli.formats.files.new_files import NewFiles
from weightquant_cli.formats.files.old_folder import list_contents

EVERY = list(Existing)


def fill(files: NewFiles, text: str = "new") -> None:
    """Write a file, and one in a folder."""
    for name in ("__model__", "block/w"):
        with files.opened(name) as (descriptor, _):
            os.write(descriptor, text.encode())


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
        (temporary,) = tmp_path.iterdir()
        assert temporary.name.startswith(".weightquant-out-")
        assert stat.S_IMODE(temporary.stat().st_mode) == 0o700


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
    real_sync, real_rename = os.fsync, os.rename

    def sync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        real_sync(descriptor)

    def rename(*args: Any, **kwargs: Any) -> None:
        steps.append("rename")
        real_rename(*args, **kwargs)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "rename", rename)
    make(tmp_path / "out")
    assert steps == ["file"] * 2 + ["folder"] * 2 + ["rename", "folder"]


# ---- what is refused ---------------------------------------------------------------------------


def test_a_folder_that_is_not_empty_is_refused_at_once(old: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"exists already .*`existing`"),
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


def refusing(*_: object, **__: object) -> None:
    """A system call that fails."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


STEPS = [(NewFiles, "flush"), (temporary, "make_folder"), (atomic._Output, "publish")]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step[1])
@pytest.mark.parametrize("existing", EVERY)
def test_a_failure_of_the_disk_at_any_step_is_an_output_error_and_leaves_nothing(
    step: tuple[Any, str], existing: Existing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*step, refusing)
    with pytest.raises(OutputError, match="Input/output error"):
        make(tmp_path / "a" / "out", existing)
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("step", [*STEPS, (atomic, "exchange")], ids=lambda step: step[1])
def test_a_failure_of_the_disk_at_any_step_keeps_the_folder_that_was_to_be_replaced(
    step: tuple[Any, str], old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*step, refusing)
    with pytest.raises(OutputError, match="Input/output error"):
        make(old, Existing.REPLACE)
    assert tree(old) == OLD
    assert list(old.parent.iterdir()) == [old]


def test_a_folder_that_was_filled_meanwhile_is_not_touched(tmp_path: Path) -> None:
    target = tmp_path / "out"
    with (
        pytest.raises(OutputError, match="another process created the output folder"),
        new_folder(target) as new,
    ):
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


# ---- replacing ---------------------------------------------------------------------------------


def test_what_was_put_into_the_old_folder_meanwhile_is_not_lost(old: Path) -> None:
    def inspect(folder: Any) -> Any:
        contents = list_contents(folder)
        if "thesis" in contents:
            raise OutputError("there is a thesis")
        return contents

    with (
        pytest.raises(OutputError, match="there is a thesis"),
        new_folder(old, Existing.REPLACE, inspect) as files,
    ):
        fill(files)
        (old / "thesis").write_text("precious")
    assert tree(old) == {**OLD, "thesis": b"precious"}
    assert list(old.parent.iterdir()) == [old]


def test_a_folder_of_which_nothing_can_be_removed_is_put_back(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = removal.remove_folder

    def remove(parent: Any, name: str) -> None:
        refusing() if parent.subfolder(name).find("notes") else real(parent, name)

    monkeypatch.setattr(atomic, "remove_folder", remove)
    with pytest.raises(OutputError, match="Input/output error"):
        make(old, Existing.REPLACE)
    assert tree(old) == OLD
    assert list(old.parent.iterdir()) == [old]


def test_a_folder_of_which_only_some_can_be_removed_is_replaced_and_the_rest_named(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def remove(parent: Any, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{name}/notes", dir_fd=parent.descriptor)
        refusing()

    monkeypatch.setattr(atomic, "remove_folder", remove)
    with new_folder(old, Existing.REPLACE) as files:
        fill(files)
    assert tree(old) == NEW
    (notice,) = files.notices
    assert "replaced, but not all of it removed" in notice
    (left,) = set(old.parent.iterdir()) - {old}
    assert str(left) in notice


@pytest.mark.parametrize("mode", [0o755, 0o700, 0o2775, 0o750])
def test_mode_and_setgid_of_a_replaced_folder_survive(mode: int, old: Path) -> None:
    old.chmod(mode)
    make(old, Existing.REPLACE)
    assert stat.S_IMODE(old.stat().st_mode) == mode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives folders away")
def test_the_owner_of_a_replaced_folder_survives(old: Path) -> None:
    os.chown(old, 4321, 8765)
    old.chmod(0o2770)
    make(old, Existing.REPLACE)
    status = old.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (4321, 8765, 0o2770)
    assert (old / "__model__").stat().st_gid == 8765


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
def test_files_are_no_more_open_than_they_may_be(mode: int, tmp_path: Path) -> None:
    with new_folder(tmp_path / "out", file_mode=mode) as files:
        fill(files)
    umask = os.umask(0)
    os.umask(umask)
    for name in ("__model__", "block/w"):
        assert stat.S_IMODE((tmp_path / "out" / name).stat().st_mode) == mode & ~umask


# ---- another process in the folder where the output lies ---------------------------------------


def test_nothing_is_written_through_a_link_in_place_of_the_temporary_folder(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "target").mkdir()
    place = tmp_path / "theirs"
    with (
        pytest.raises(OutputError, match="moved the temporary folder away"),
        new_folder(place / "out") as files,
    ):
        (temporary,) = place.iterdir()
        temporary.rename(place / "aside")
        temporary.symlink_to(tmp_path / "target")
        fill(files)
    assert tree(tmp_path / "target") == {}
    assert not (place / "out").exists()


def test_a_link_that_comes_at_the_last_moment_does_not_become_the_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Folder.rename

    def rename(self: Folder, source: str, target: str) -> None:
        if target == "out":
            (tmp_path / source).rename(tmp_path / "aside")
            (tmp_path / source).symlink_to("theirs")
        real(self, source, target)

    monkeypatch.setattr(Folder, "rename", rename)
    with pytest.raises(OutputError, match="moved the temporary folder away"):
        make(tmp_path / "out")
    assert not os.path.lexists(tmp_path / "out")
    assert tree(tmp_path / "aside") == NEW


def test_the_folder_above_may_be_renamed_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "parent").mkdir()
    with new_folder(tmp_path / "parent" / "out") as files:
        fill(files)
        (tmp_path / "parent").rename(tmp_path / "moved")
    assert tree(tmp_path / "moved" / "out") == NEW


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
    with pytest.raises(ValueError), new_folder(tmp_path / "out2"):
        raise ValueError
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


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


def test_what_a_living_run_has_just_exchanged_is_no_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "out"
    make(target)
    real: Callable[[Folder, str, str], None] = vars(atomic)["exchange"]
    left: list[dict[str, bytes]] = []

    def another_run_begins(parent: Folder, one: str, two: str) -> None:
        real(parent, one, two)
        temporary.clear_leftovers(parent, "out")
        left.append(tree(tmp_path / one))

    with new_folder(target, Existing.REPLACE) as files:
        fill(files)
        make(target, Existing.REPLACE)  # so that what is exchanged is not what was locked before
        monkeypatch.setattr(atomic, "exchange", another_run_begins)
    assert left == [NEW]
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("kind", ["a link", "a pipe", "another user's"])
def test_a_leftover_that_is_not_ours_is_skipped_and_named(kind: str, tmp_path: Path) -> None:
    leftover = tmp_path / ".weightquant-out-0123456789ab"
    if kind == "a link":
        leftover.symlink_to("nowhere")
    elif kind == "a pipe":
        os.mkfifo(leftover)
    elif os.geteuid() == 0:
        leftover.mkdir()
        os.chown(leftover, 4321, 4321)
    else:
        pytest.skip("only root gives folders away")
    with new_folder(tmp_path / "out") as files:
        fill(files)
    assert os.path.lexists(leftover)
    (notice,) = files.notices
    assert notice.startswith(f"left over and not removed: {leftover}: it ")


def test_a_leftover_of_thousands_of_folders_in_each_other_is_cleared(tmp_path: Path) -> None:
    leftover = tmp_path / ".weightquant-out-0123456789ab"
    leftover.mkdir()
    inner = os.open(leftover, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d", dir_fd=inner)
        inner, outer = os.open("d", os.O_RDONLY, dir_fd=inner), inner
        os.close(outer)
    os.close(inner)
    make(tmp_path / "out")
    assert list(tmp_path.iterdir()) == [tmp_path / "out"]


def test_a_lock_that_somebody_holds_is_never_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(descriptor: int, operation: int) -> None:
        assert operation & fcntl.LOCK_NB
        raise BlockingIOError(errno.EWOULDBLOCK, "held")

    monkeypatch.setattr(fcntl, "flock", held)
    with pytest.raises(OutputError, match="takes every temporary folder"):
        make(tmp_path / "out")


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
    real = atomic._Output.publish

    def publish(output: atomic._Output) -> None:
        signal.raise_signal(signal.SIGINT)
        real(output)

    monkeypatch.setattr(atomic._Output, "publish", publish)
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

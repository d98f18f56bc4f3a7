"""Files stay open as long as few of them are in use; the ones longest unused are closed."""

from __future__ import annotations

import errno
import os

import pytest

from weightquant_cli.formats.files.open_files import KEPT, OpenFiles, most_kept


class Folder:
    """Counts what is opened and closed; a descriptor is the file's number."""

    def __init__(self, kept: int, most: int = 100) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.most = most
        self.files = OpenFiles(lambda name, _: self.closed.append(name), kept)

    def open(self, name: str) -> int:
        if len(self.opened) - len(self.closed) >= self.most:
            raise OSError(errno.EMFILE, "too many open files")
        self.opened.append(name)
        return len(self.opened)

    def use(self, name: str) -> None:
        self.files.give_back(self.files.take(name, self.open))


def test_a_file_stays_open_after_use() -> None:
    folder = Folder(kept=2)
    for name in "abab":
        folder.use(name)
    assert (folder.opened, folder.closed) == (["a", "b"], [])
    folder.files.close()
    assert folder.closed == ["a", "b"]


def test_the_file_longest_unused_is_closed_first() -> None:
    folder = Folder(kept=2)
    for name in "abac":
        folder.use(name)
    assert folder.closed == ["b"]


def test_a_file_in_use_is_never_closed() -> None:
    folder = Folder(kept=1)
    used = folder.files.take("a", folder.open)
    for name in "bc":
        folder.use(name)
    folder.files.close()
    assert folder.closed == ["b", "c"]
    folder.files.give_back(used)
    folder.files.close()
    assert folder.closed == ["b", "c", "a"]


def test_where_no_more_files_can_be_opened_idle_ones_are_closed() -> None:
    folder = Folder(kept=10, most=2)
    for name in "abc":
        folder.use(name)
    assert (folder.opened, folder.closed) == (["a", "b", "c"], ["a", "b"])


def test_where_all_files_are_in_use_the_error_is_raised() -> None:
    folder = Folder(kept=10, most=1)
    folder.files.take("a", folder.open)
    with pytest.raises(OSError, match="too many open files"):
        folder.files.take("b", folder.open)


@pytest.mark.parametrize(("limit", "kept"), [(16, 4), (1 << 20, KEPT), (-1, KEPT)])
def test_a_quarter_of_the_descriptors_is_kept_at_most(
    limit: int, kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sysconf", lambda _: limit)
    assert most_kept() == kept


def test_closing_does_not_wait_for_a_lock_that_an_interrupt_left_held() -> None:
    folder = Folder(kept=2)
    folder.use("a")
    folder.files._lock.acquire()
    folder.files.close()
    assert folder.closed == ["a"]

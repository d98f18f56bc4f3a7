"""Two folders change places: in one step where the system can, else in two."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path
from typing import Any

import pytest

from tests.builders import tree
from weightquant_cli.formats.files.exchange import exchange, exchange_in_two_steps
from weightquant_cli.formats.files.folder import Folder

BEFORE = {"one/": b"", "one/1": b"", "two/": b"", "two/2": b""}
AFTER = {"one/": b"", "one/2": b"", "two/": b"", "two/1": b""}


@pytest.fixture
def parent(tmp_path: Path) -> Folder:
    for folder, name in (("one", "1"), ("two", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).touch()
    return Folder.open(tmp_path)


def libc(call: str, number: int) -> type:
    """A C library that has this call, which fails."""

    def failing(*_: object) -> int:
        ctypes.set_errno(number)
        return -1

    return type("Libc", (), {call: staticmethod(failing)})


@pytest.mark.parametrize("swap", [exchange, exchange_in_two_steps])
def test_either_way_they_change_places(swap: Any, parent: Folder) -> None:
    swap(parent, "one", "two")
    assert tree(parent.path) == AFTER


@pytest.mark.parametrize("call", ["renameat2", "renameatx_np", "nothing_of_the_kind"])
@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.ENOTSUP])
def test_where_the_system_cannot_exchange_it_is_done_in_two_steps(
    call: str, number: int, parent: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: libc(call, number))
    exchange(parent, "one", "two")
    assert tree(parent.path) == AFTER


@pytest.mark.parametrize("number", [errno.EPERM, errno.EXDEV])
def test_an_exchange_that_is_refused_changes_nothing(
    number: int, parent: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: libc("renameat2", number))
    with pytest.raises(OSError, match=os.strerror(number)):
        exchange(parent, "one", "two")
    assert tree(parent.path) == BEFORE


def test_an_exchange_in_two_steps_that_fails_in_between_is_undone(
    parent: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.rename

    def rename(source: str, target: str, **kwargs: Any) -> None:
        if (source, target) == ("one", "two"):
            raise OSError(errno.EIO, "broken")
        real(source, target, **kwargs)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="broken"):
        exchange_in_two_steps(parent, "one", "two")
    assert tree(parent.path) == BEFORE

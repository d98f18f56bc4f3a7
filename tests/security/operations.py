"""Every file operation of this process counted, and one of them made to fail.

The functions of `os` are replaced for a while: the code under test calls them by their module's
name, as do pathlib and shutil. `renameat2`, which Python does not have, is met where we call it.
"""

from __future__ import annotations

import builtins
import contextlib
import fcntl
import io
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from unittest import mock

from weightquant_cli.formats.files import atomic_folder as atomic
from weightquant_cli.formats.files import new_files
from weightquant_cli.formats.files.folder import Folder

FUNCTIONS = (
    "open", "read", "pread", "preadv", "write", "pwrite", "fsync", "ftruncate", "rename",
    "replace", "mkdir", "rmdir", "unlink", "scandir", "listdir", "stat", "lstat", "fstat",
    "posix_fadvise", "close", "fchmod", "fchown", "readlink",
)  # fmt: skip

# What a full disk refuses, and what needs a new descriptor.
GROWING = ("pwrite", "write", "ftruncate", "fsync", "mkdir", "create")
OPENING = ("open", "create", "scandir", "listdir")


@dataclass(frozen=True)
class Operation:
    """One call: its place in the run, the function, and the file that it is about."""

    number: int
    name: str
    path: str


# Told each operation before it happens: raises, or gives the bytes that a short one may move.
Decide: TypeAlias = Callable[[Operation], int | None]


@dataclass
class Operations:
    """Counts file operations while `watching`, and does with each what `decide` says.

    Operations of several threads are counted as they come.
    """

    decide: Decide
    seen: list[Operation] = field(default_factory=list)
    _busy: threading.local = field(default_factory=threading.local)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def watching(self) -> Iterator[Operations]:
        """Replace the functions for a while; files are flushed one by one, in the same order."""
        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(new_files, "FLUSH_THREADS", 1))
            for name in FUNCTIONS:
                changed = self._wrap(name, getattr(os, name))
                stack.enter_context(mock.patch.object(os, name, changed))
            for module, name in ((builtins, "open"), (io, "open"), (fcntl, "flock"),
                                 (atomic, "exchange")):  # fmt: skip
                changed = self._wrap(name, getattr(module, name))
                stack.enter_context(mock.patch.object(module, name, changed))
            yield self

    def _wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            if getattr(self._busy, "here", False):  # a part of a larger operation, or our own
                return function(*args, **kwargs)
            self._busy.here = True
            try:
                return self._count(name, function, args, kwargs)
            finally:
                self._busy.here = False

        return counted

    def _count(
        self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Any
    ) -> Any:
        kind, path = _kind(name, args), _path(args, kwargs)
        if path.endswith(".mo"):  # translations, which click looks for once or often
            return function(*args, **kwargs)
        with self._lock:
            operation = Operation(len(self.seen), kind, path)
            self.seen.append(operation)
        try:
            moved = self.decide(operation)
        except OSError:
            if name == "close":  # the descriptor is gone even where closing fails
                function(*args)
            raise
        return function(*_shortened(name, args, moved), **kwargs)


def _kind(name: str, args: tuple[Any, ...]) -> str:
    creates = name == "open" and len(args) > 1 and isinstance(args[1], int)
    return "create" if creates and args[1] & os.O_CREAT else name.lstrip("_")


def _path(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    first = args[0] if args else kwargs.get("path", ".")
    if isinstance(first, Folder):  # of an exchange
        return os.path.join(first.path, args[1])
    if isinstance(first, int):
        return _of_descriptor(first)
    folder = kwargs.get("dir_fd", kwargs.get("src_dir_fd"))
    name = os.fsdecode(first)
    return os.path.join(_of_descriptor(folder), name) if folder is not None else name


def _of_descriptor(descriptor: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return f"descriptor {descriptor}"


def _shortened(name: str, args: tuple[Any, ...], moved: int | None) -> tuple[Any, ...]:
    """The arguments of a call that moves at most `moved` bytes."""
    if moved is None:
        return args
    if name in ("pwrite", "write"):
        return (args[0], memoryview(args[1])[:moved], *args[2:])
    if name == "preadv":
        return (args[0], [memoryview(args[1][0])[:moved]], *args[2:])
    if name in ("pread", "read"):
        return (args[0], min(args[1], moved), *args[2:])
    return args


def fail_at(number: int, error: int) -> Decide:
    """Let one operation fail with this errno."""

    def decide(operation: Operation) -> None:
        if operation.number == number:
            raise OSError(error, os.strerror(error), operation.path)

    return decide


def fail_from(number: int, error: int, kinds: tuple[str, ...]) -> Decide:
    """Let every operation of these kinds fail from one on: a disk stays full."""

    def decide(operation: Operation) -> None:
        if operation.number >= number and operation.name in kinds:
            raise OSError(error, os.strerror(error), operation.path)

    return decide


def move_little(number: int) -> Decide:
    """Let one operation, and every seventh after it, move one byte only."""

    def decide(operation: Operation) -> int | None:
        return 1 if operation.number >= number and (operation.number - number) % 7 == 0 else None

    return decide


def call_at(number: int, action: Callable[[], None]) -> Decide:
    """Do something just before one operation."""

    def decide(operation: Operation) -> None:
        if operation.number == number:
            action()

    return decide

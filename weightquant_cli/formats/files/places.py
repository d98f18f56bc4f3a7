"""Whether two paths lead to the same place, or one into the other: by device and inode.

Names do not tell. A bind mount, a link, a hard link or a file system that ignores case gives one
folder many of them.
"""

from __future__ import annotations

import contextlib
import enum
import os
import unicodedata
from pathlib import Path
from typing import NamedTuple

from .folder import Identity, identity


class Relation(enum.Enum):
    """How one place lies to another."""

    SAME = "is"
    INSIDE = "lies inside"
    CONTAINS = "contains"


class Place(NamedTuple):
    """Where a path leads, whether or not there is anything yet.

    Attributes:
        path: the path, absolute and without links.
        existing: identities of the path, or else of the nearest folder above it that exists, and
            of every folder above that one; innermost first.
        missing: the names that lead from the first of them to the path; empty if it exists.
    """

    path: Path
    existing: tuple[Identity, ...]
    missing: tuple[str, ...]

    @classmethod
    def of(cls, path: Path) -> Place:
        """The place that `path` leads to; links in it are followed.

        Raises:
            OSError: the current folder was deleted, or a folder on the way cannot be searched.
        """
        real = Path(os.path.realpath(path))
        missing: list[str] = []
        nearest = real
        while True:
            try:
                found = [identity(os.stat(nearest))]
                break
            except (FileNotFoundError, NotADirectoryError):
                missing.insert(0, nearest.name)
                nearest = nearest.parent
        found += [identity(os.stat(folder)) for folder in nearest.parents]
        return cls(real, tuple(found), tuple(missing))

    def relation(self, other: Place) -> Relation | None:
        """How this place lies to the other one; None where they have nothing in common."""
        inside, around = self._is_within(other), other._is_within(self)
        if inside and around:
            return Relation.SAME
        if inside:
            return Relation.INSIDE
        return Relation.CONTAINS if around else None

    def _is_within(self, other: Place) -> bool:
        """Whether this place is the other one, or lies in it."""
        if not other.missing:
            return other.existing[0] in self.existing
        if other.existing[0] != self.existing[0]:
            return False
        return self._same_names(other.missing, self.missing[: len(other.missing)])

    def _same_names(self, one: tuple[str, ...], two: tuple[str, ...]) -> bool:
        if one == two or _folded(one) != _folded(two):
            return one == two
        nearest = self.path.parents[len(self.missing) - 1]
        return _ignores_case(nearest, one[0], two[0])


def _folded(names: tuple[str, ...]) -> list[str]:
    return [unicodedata.normalize("NFC", name).casefold() for name in names]


def _ignores_case(folder: Path, one: str, two: str) -> bool:
    """Whether two spellings are one name in this folder, found out by making a file there.

    Where no file can be made the answer is yes: nothing can be written there in any case.
    """
    if one == two:  # they differ further down, where no folder exists yet
        one, two = "a", "A"
    mark = f".weightquant-{os.urandom(6).hex()}-"
    try:
        os.close(os.open(folder / (mark + one[:50]), os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW))
    except OSError:
        return True
    try:
        return os.path.lexists(folder / (mark + two[:50]))
    finally:
        with contextlib.suppress(OSError):
            os.unlink(folder / (mark + one[:50]))

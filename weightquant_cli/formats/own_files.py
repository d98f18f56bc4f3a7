"""What in an output folder is ours and may be replaced: told by content rather than by name.

Ours are a program that the caller knows again, the parameters that it names, the script that
`export-opt` wrote, and what Paddle Lite's opt made of the model. All else is the user's.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from ..errors import ModelError, OutputError, listed
from .files.folder import Folder
from .files.input_folder import InputFolder
from .files.old_folder import Contents, list_contents
from .model_dir import declared_parameters
from .params import read_combined
from .program import MAX_PROGRAM_BYTES, Program

SCRIPT_MARK = b"#!/bin/sh\n# Written by weightquant export-opt."
"""A file that starts like this is a script of ours."""

NAIVE_BUFFER_SUFFIX = ".nb"

# Wolfram notebooks have the same suffix as what opt writes; they are text that starts like this.
# The version of the format, a small number in two bytes, and then the version of opt as text.
_NAIVE_BUFFER_START = re.compile(rb"[\x00-\x08]\x00[ -~]{3}")

# Field 1 of a ProgramDesc, its blocks: Paddle and we write it first.
_PROGRAM_START = b"\x0a"
# The version of a record, and of SELECTED_ROWS.
_RECORD_START = b"\x00\x00\x00\x00"

# Bytes that tell what a file may be, and how many files of a folder are looked at.
_START_BYTES = 64
_MAX_LOOKED_AT = 1000

IsOurs: TypeAlias = Callable[[Program, bool], bool]
"""Whether a program was written by weightquant or opt; and whether it lies in a subfolder."""


class OwnFiles:
    """Looks into an output folder that is to be replaced.

    Attributes:
        extras: files beside the model's that belong to it: the script, what opt has written.
    """

    def __init__(self, is_ours: IsOurs) -> None:
        self._is_ours = is_ours
        self.extras: tuple[str, ...] = ()
        self._known: Contents | None = None

    def inspect(self, folder: Folder) -> Contents:
        """Everything in `folder`, once all of it has been found to be ours.

        Raises:
            OutputError: something is not, and must not be lost.
            OSError: it cannot be looked at.
        """
        contents = list_contents(folder)
        if contents == self._known or not contents:
            return contents
        search = _Search(folder, contents, self._is_ours)
        foreign = search.foreign()
        if not search.model:
            raise OutputError(
                "the output folder exists and does not hold a model that weightquant wrote",
                path=folder.path,
                found=listed(foreign) if foreign else None,
                remedy="nothing was changed; choose another folder, or remove this one first",
            )
        if foreign:
            raise OutputError(
                "the output folder holds something that weightquant did not write",
                path=folder.path,
                found=listed(foreign),
                remedy="nothing was changed; move it elsewhere, or choose another folder",
            )
        self.extras = tuple(sorted(search.extras))
        self._known = contents
        return contents


class _Search:
    """One look into a folder and the folders in it.

    Attributes:
        model: the files of models.
        extras: other files that are ours.
    """

    def __init__(self, folder: Folder, contents: Contents, is_ours: IsOurs) -> None:
        self._folder = folder
        self._is_ours = is_ours
        self._paths = list(contents)
        self._looked_at = 0
        self.model: set[str] = set()
        self.extras: set[str] = set()

    def foreign(self) -> list[str]:
        """What is not ours, in order; folders are ours for what is in them."""
        self._search(self._folder, "")
        ours = self.model | self.extras
        above = {path[:at] for path in ours for at, char in enumerate(path) if char == "/"}
        return [path for path in self._paths if path not in ours and path not in above]

    def _search(self, folder: Folder, prefix: str) -> None:
        statuses = {name: folder.status(name) for name in sorted(folder.names())}
        files = InputFolder(folder)
        starts = {
            name: _start(files, name)
            for name, status in statuses.items()
            if stat.S_ISREG(status.st_mode) and prefix + name not in self.model
        }
        for name, start in starts.items():
            if start.startswith(_PROGRAM_START):
                for path in self._files_of_program(files, name, starts, bool(prefix)):
                    self.model.add(prefix + path)
            elif start.startswith(SCRIPT_MARK) or _is_naive_buffer(name, start):
                self.extras.add(prefix + name)
        for name, status in statuses.items():
            if stat.S_ISDIR(status.st_mode):
                with folder.subfolder(name) as inner:
                    self._search(inner, f"{prefix}{name}/")

    def _files_of_program(
        self, files: InputFolder, name: str, starts: Mapping[str, bytes], nested: bool
    ) -> Iterator[str]:
        """A program and the files that belong to it; none where it is no program of ours."""
        self._looked_at += 1
        if self._looked_at > _MAX_LOOKED_AT:
            return
        try:
            with files.opened(name) as file:
                too_large = file.size > MAX_PROGRAM_BYTES
            program = Program.parse(b"" if too_large else files.read(name), Path(name))
            shapes, carried = declared_parameters(program, Path(name))
        except ModelError as error:
            _raise_refusal(error)
            return
        if not self._is_ours(program, nested):
            return
        yield name
        yield from (path for path in (*carried, *shapes) if _is_record(files, path, starts))
        yield from (path for path in starts if _is_combined(files, path, shapes, starts))


def _start(files: InputFolder, name: str) -> bytes:
    """The first bytes of a file; none where it is not there, or is no regular file."""
    try:
        with files.opened(name) as file:
            return file.read_at(_START_BYTES, 0)
    except FileNotFoundError:
        return b""
    except ModelError as error:
        _raise_refusal(error)
        return b""


def _is_record(files: InputFolder, name: str, starts: Mapping[str, bytes]) -> bool:
    """Whether `name` has a file of its own that starts like a record, or like SELECTED_ROWS."""
    start = _start(files, name) if "/" in name else starts.get(name, b"")
    return start.startswith(_RECORD_START)


def _is_combined(
    files: InputFolder,
    name: str,
    shapes: Mapping[str, tuple[int, ...]],
    starts: Mapping[str, bytes],
) -> bool:
    """Whether the file `name` holds just the parameters of these shapes."""
    if not starts[name].startswith(_RECORD_START) or name in shapes or not shapes:
        return False
    try:
        read_combined(files, name, shapes)
    except ModelError as error:
        _raise_refusal(error)
        return False
    return True


def _raise_refusal(error: ModelError) -> None:
    """Raise what the file system said, if that is why a file could not be read."""
    if isinstance(error.__cause__, OSError):
        raise error.__cause__


def _is_naive_buffer(name: str, start: bytes) -> bool:
    return name.endswith(NAIVE_BUFFER_SUFFIX) and bool(_NAIVE_BUFFER_START.match(start))

"""One guard for every path that a command writes.

A command declares what it reads and what it writes, and then enters the guard. That refuses an
output that is, holds or lies in an input or another output, and opens every file, so that a place
that cannot be written is refused before any work is done:

    with Outputs() as outputs:
        outputs.reads(model_dir, "the input folder")
        outputs.reads(plan_file, "the plan")              # None is left out
        outputs.writes_folder(output_dir, "the output folder")
        report = outputs.writes_file(report_path, "the report")
        page = outputs.writes_file(None, "the page")      # None: there is no page
        outputs.open()
        ...
        if report is not None:
            report.write(data)

Files that were not written when the block ends are as they were. Folders are made by `new_folder`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ...errors import OptionError
from .folder import Identity, identity
from .places import Place, Relation
from .writing import write_error

if TYPE_CHECKING:
    from .atomic_file import FileOutput

# A file of an input folder under a second name can be found only by looking at them all.
MAX_LISTED = 100_000


class _Declared(NamedTuple):
    what: str
    path: Path
    is_folder: bool = False


class Outputs:
    """The paths that a command reads and writes. Paths are compared by device and inode."""

    def __init__(self) -> None:
        self._inputs: list[_Declared] = []
        self._outputs: list[_Declared] = []
        self._files: list[FileOutput] = []
        self._stack = ExitStack()

    def reads(self, path: Path | None, what: str) -> None:
        """Declare a file or folder that is read; `what` it is: "the reference"."""
        if path is not None:
            self._inputs.append(_Declared(what, path))

    def writes_folder(self, path: Path | None, what: str) -> None:
        """Declare a folder that is written as a whole."""
        if path is not None:
            self._outputs.append(_Declared(what, path, is_folder=True))

    def writes_file(
        self, path: Path | None, what: str, mode: int = 0o666, follow_links: bool = True
    ) -> FileOutput | None:
        """Declare a file that is written; None where there is no path.

        Args:
            path: the file, or something that is written to as it is, such as /dev/stdout.
            what: what it is: "the report".
            mode, follow_links: as for `FileOutput`.
        """
        if path is None:
            return None
        from .atomic_file import FileOutput

        self._outputs.append(_Declared(what, path))
        output = FileOutput(path, what, mode, follow_links)
        self._files.append(output)
        return output

    @property
    def notices(self) -> list[str]:
        """What the user should know once the outputs are open: a line each."""
        return [notice for output in self._files for notice in output.notices]

    def open(self) -> None:
        """Refuse outputs that are in the way of something, and open every file.

        Raises:
            OptionError: an output is, holds or lies in an input or another output.
            OutputError: a place that cannot be written.
        """
        self.check()
        for output in self._files:
            self._stack.enter_context(output)

    def check(self) -> None:
        """Refuse outputs that are in the way of something; raises as `open` does."""
        done = []
        for declared in self._inputs:
            with suppress(OSError, ValueError):  # reading it will say what is wrong with it
                done.append((declared, Place.of(declared.path)))
        for declared in self._outputs:
            place = _place(declared)
            if not declared.is_folder and _is_special(declared.path):
                continue  # nothing is replaced there
            for other, there in done:
                _refuse_related(declared, place, other, there)
            if not declared.is_folder:
                self._refuse_second_name(declared)
                self._refuse_on_the_way(declared)
            done.append((declared, place))

    def _refuse_second_name(self, declared: _Declared) -> None:
        """Refuse a file that is a file of an input folder by a hard link."""
        try:
            found = os.stat(declared.path)
        except OSError:
            return
        if found.st_nlink < 2:
            return
        for other in self._inputs:
            if identity(found) in set(_files_of(other.path)):
                raise _overlap(declared, "is a file of", other)

    def _refuse_on_the_way(self, declared: _Declared) -> None:
        """Refuse a file inside an input folder, though a link in there leads out again.

        Whoever made the model would choose what is overwritten.
        """
        passed = set()
        for folder in Path(os.path.abspath(declared.path)).parents:
            with suppress(OSError, ValueError):
                passed.add(identity(os.stat(folder)))
        for other in self._inputs:
            with suppress(OSError, ValueError):
                if identity(os.stat(other.path)) in passed:
                    raise _overlap(declared, "lies inside", other)

    def __enter__(self) -> Outputs:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def refuse_overlap(source: Path, target: Path) -> None:
    """Refuse an output folder that is, holds or lies in the input folder.

    Raises:
        OptionError: they overlap, by device and inode.
        OutputError: a folder on the way cannot be searched.
    """
    outputs = Outputs()
    outputs.reads(source, "the input folder")
    outputs.writes_folder(target, "the output folder")
    outputs.check()


def _place(declared: _Declared) -> Place:
    try:
        return Place.of(declared.path)
    except (OSError, ValueError) as error:
        if isinstance(error, ValueError):
            error = OSError(0, str(error))
        raise write_error(error, declared.path, declared.what) from error


def _refuse_related(declared: _Declared, place: Place, other: _Declared, there: Place) -> None:
    relation = place.relation(there)
    if relation is None:
        return
    raise _overlap(
        declared, "is also" if _both_files(declared, other, relation) else relation.value, other
    )


def _both_files(declared: _Declared, other: _Declared, relation: Relation) -> bool:
    return relation is Relation.SAME and not declared.is_folder and not other.is_folder


def _overlap(declared: _Declared, relation: str, other: _Declared) -> OptionError:
    return OptionError(
        f"{declared.what} {relation} {other.what}", path=declared.path, remedy="choose another"
    )


def _is_special(path: Path) -> bool:
    """Whether something is there that is neither a file nor a folder, and so is written to."""
    from .atomic_file import descriptor_number

    try:
        if descriptor_number(path) is not None:
            return True
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _files_of(path: Path) -> Iterator[Identity]:
    """Identities of a file, or of the files in a folder, the first MAX_LISTED of them."""
    count = 0
    for folder, _, names in os.walk(path):
        for name in names:
            count += 1
            if count > MAX_LISTED:
                return
            try:
                yield identity(os.stat(os.path.join(folder, name)))
            except OSError:
                continue
    if not os.path.isdir(path):
        try:
            yield identity(os.stat(path))
        except OSError:
            return

"""All-or-nothing folder output: a sibling temporary folder, fsync, one rename.

`new_folder` appears whole or not at all; with REPLACE an existing folder is exchanged for the new
one in one step, never deleted first. MERGE, for Paddle's own calling convention, moves finished
files into an existing folder and leaves what else is there alone.

Everything happens relative to the open folder in which the output lies: whoever may write there
can rename our temporary folder away, and still nothing is written outside of it.
"""

from __future__ import annotations

import contextlib
import enum
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ...errors import OutputError
from . import temporary
from .exchange import exchange
from .folder import Folder
from .merge import merge
from .new_files import NewFiles
from .old_folder import Contents, Inspect, OldFolder, list_contents
from .parents import MadeParents
from .removal import remove_folder
from .signals import deferred_signals
from .writing import write_error

# Of other runs that replace the same folder at the same time.
ATTEMPTS = 20

# What opening a folder by name gives where it is gone, or something else is in its place.
_TAKEN_AWAY = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


class Existing(enum.Enum):
    """What to do with an output folder that exists already and is not empty."""

    REFUSE = "refuse"
    REPLACE = "replace"
    MERGE = "merge"


@contextmanager
def new_folder(
    target: Path,
    existing: Existing = Existing.REFUSE,
    inspect: Inspect = list_contents,
    file_mode: int = 0o666,
) -> Iterator[NewFiles]:
    """Yield an empty temporary folder that becomes `target` when the block ends without error.

    Temporary folders of runs that were killed are cleared first: a live one is locked.

    Args:
        target: where the folder shall be; missing folders above it are made.
        existing: what to do where it exists and is not empty.
        inspect: for REPLACE, lists the folder that is to be replaced, or raises OutputError where
            something is in there that must not be lost.
        file_mode: permissions of the files, less the umask.

    Raises:
        OutputError: `target` exists (REFUSE), is not a folder, or the file system refuses; then,
            as on every other exception, nothing is left behind and `target` is untouched.
    """
    output = _Output(target, existing, inspect)
    try:
        with _wrapped(target):
            output.prepare()
            files = output.make(file_mode)
        yield files
        with _wrapped(target):
            files.flush()
            with deferred_signals():
                output.publish()
    except BaseException:
        with deferred_signals():
            output.clean()
            output.parents.remove()
        raise
    finally:
        output.close()


class _Output:
    """The steps of one output, and what it has made so far and must not leave behind.

    A signal may raise anywhere, so each file is recorded here before it is created.
    """

    def __init__(self, target: Path, existing: Existing, inspect: Inspect) -> None:
        self.parents = MadeParents()
        self._target = target
        self._existing = existing
        self._inspect = inspect
        self._parent: Folder
        self._name = ""
        self._old: OldFolder | None = None
        self._temporary = ""
        self._files: NewFiles | None = None
        self._mode = 0
        self._notices: list[str] = []

    def prepare(self) -> None:
        """Look at what is there, and open the folder in which the output will lie."""
        for _ in range(ATTEMPTS):
            old = self._open_old()
            real = Path(os.path.realpath(self._target))
            self._name = real.name
            with deferred_signals():
                self._parent = self.parents.make(real.parent)
            self._old = None
            if old is None or self._looked_at(old):
                break
        else:
            raise OSError(errno.EAGAIN, "other processes keep replacing the folder")
        self._notices = temporary.clear_leftovers(self._parent, self._name)

    def _looked_at(self, old: Folder) -> bool:
        """Look at the folder that is there; False where another run has replaced it meanwhile.

        Raises:
            OutputError: something is in there that must not be lost.
        """
        self._old = OldFolder(old)
        try:
            if self._existing is Existing.REPLACE:
                self._old.refuse_unremovable(self._parent)
                self._old.contents = self._inspect(old)
        except (OutputError, FileNotFoundError):  # it may be going away while it is looked at
            if self._parent.holds(self._name, old.identity):
                raise
        return self._parent.holds(self._name, old.identity)

    def make(self, file_mode: int) -> NewFiles:
        """Make the temporary folder."""
        with deferred_signals():
            self._temporary, folder = temporary.make_folder(self._parent, self._name)
            self._files = NewFiles(folder, self._target, file_mode, self._notices)
        self._mode = _mode_of_new_folders(folder)
        if self._old is not None and self._existing is not Existing.MERGE:
            self._old.give_group(folder)
        return self._files

    def publish(self) -> None:
        """Put the folder in place, even if other runs write to it concurrently."""
        assert self._files is not None
        folder = self._files.folder
        if not self._parent.holds(self._temporary, folder.identity):
            raise OSError(errno.EAGAIN, "another process moved the temporary folder away")
        if self._existing is Existing.MERGE and self._parent.is_folder(self._name):
            with self._parent.subfolder(self._name) as final:
                merge(folder, final, self._target)
            self.clean()
        else:
            os.fchmod(folder.descriptor, self._mode)
            if self._old is not None:
                self._old.give_owner_and_mode(folder)
            if self._existing is Existing.REPLACE:
                self._replace()
            else:
                self._rename()
            self._temporary = ""
        with contextlib.suppress(OSError):  # too late to take it back, or to call it failed
            os.fsync(self._parent.descriptor)

    def clean(self) -> None:
        """Remove the temporary folder.

        What stays, because removing is refused, is for the next run to clear.
        """
        if not self._temporary or self._files is None:
            return
        with contextlib.suppress(OSError, OutputError):
            self._files.close()
        with contextlib.suppress(OSError):
            if self._parent.holds(self._temporary, self._files.folder.identity):
                self._removed()
        self._temporary = ""

    def close(self) -> None:
        """Close all folders, and with that give back the lock."""
        self.parents.close()
        if self._files is not None:
            self._files.folder.close()
        if self._old is not None:
            self._old.folder.close()

    def _open_old(self) -> Folder | None:
        try:
            old = Folder.open(self._target)
        except FileNotFoundError:
            return None
        except NotADirectoryError as error:
            if not os.path.lexists(self._target):  # a folder above it is none
                raise
            raise OutputError("the output exists and is not a folder", path=self._target) from error
        if self._existing is Existing.REFUSE and old.names():
            raise OutputError(
                "the output folder exists already",
                path=self._target,
                remedy="replace it with `existing`, or choose another",
            )
        return old

    def _rename(self) -> None:
        """Give the temporary folder its name; refused where a folder that is not empty has it."""
        self._parent.rename(self._temporary, self._name)
        try:
            if not self._parent.is_folder(self._name):  # but a link that was put in its place
                raise OSError(errno.EAGAIN, "another process moved the temporary folder away")
        except OSError:
            with contextlib.suppress(OSError):
                self._parent.rename(self._name, self._temporary)
            raise

    def _replace(self) -> None:
        """Put the folder in place of the old one, and remove that.

        Raises:
            OSError, OutputError: refused; the old folder is where it was.
        """
        while True:
            try:
                self._rename()
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
            try:
                self._exchange()
                break
            except FileNotFoundError:
                continue  # another run has taken it away meanwhile
        try:
            replaced = self._parent.subfolder(self._temporary)
        except OSError as error:
            if error.errno in _TAKEN_AWAY:
                self._notices.append("another process took away the folder that was replaced")
                return
            self._exchange()
            raise
        with replaced:
            try:
                temporary.lock(replaced.descriptor)  # another run's, if it came between
                if not self._parent.is_folder(self._name):  # but a link put there meanwhile
                    raise OSError(errno.EAGAIN, "another process replaced the folder")
                self._approve(replaced)
                self._remove_replaced()
            except BaseException:
                if self._parent.holds(self._temporary, replaced.identity):
                    self._exchange()
                raise

    def _exchange(self) -> None:
        """Swap the temporary folder and the old one, which no other run may then clear."""
        if self._old is not None:
            temporary.lock(self._old.folder.descriptor)
        exchange(self._parent, self._temporary, self._name)

    def _approve(self, replaced: Folder) -> None:
        """Look again at what was replaced: it may not be what it was before the work began.

        Raises:
            OutputError: something is in there that must not be lost.
        """
        if self._old is None or list_contents(replaced) != self._old.contents:
            self._old = self._old or OldFolder(replaced)
            self._old.contents = self._inspect(replaced)

    def _remove_replaced(self) -> None:
        """Remove what was replaced.

        Raises:
            OSError: nothing of it could be removed.
        """
        assert self._old is not None
        reason = self._removed()
        if reason is None:
            return
        if self._is_whole(self._old.contents):
            raise reason
        left = self._target.with_name(self._temporary)
        self._notices.append(f"replaced, but not all of it removed: {left}: {reason.strerror}")

    def _is_whole(self, contents: Contents) -> bool:
        """Whether nothing of the replaced folder was removed; not, where that cannot be seen."""
        try:
            with self._parent.subfolder(self._temporary) as replaced:
                return list_contents(replaced) == contents
        except OSError:
            return False

    def _removed(self) -> OSError | None:
        """Remove the folder of the temporary name; why that failed three times, or None."""
        for _ in range(3):  # retries transient errors such as EMFILE
            try:
                remove_folder(self._parent, self._temporary)
            except FileNotFoundError:
                return None
            except OSError as error:
                reason = error
            else:
                return None
        return reason


def _mode_of_new_folders(folder: Folder) -> int:
    """The mode that a new folder has here: after the umask, access lists and a setgid parent."""
    name = "mode"
    os.mkdir(name, 0o777, dir_fd=folder.descriptor)
    mode = stat.S_IMODE(folder.status(name).st_mode)
    os.rmdir(name, dir_fd=folder.descriptor)
    return mode


@contextmanager
def _wrapped(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise OutputError(
                "another process created the output folder",
                path=path,
                remedy="does another run write to it?",
            ) from error
        raise write_error(error, path) from error

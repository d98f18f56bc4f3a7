"""Another user's process that disturbs a run of root's, as fast as it can; root only.

with swapping_files(folder, secret) / with swapping_folders(folder, elsewhere): ...
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

NOBODY = 65534


@contextlib.contextmanager
def open_home() -> Iterator[Path]:
    """A folder that anyone may enter; pytest's own are the user's."""
    with tempfile.TemporaryDirectory() as name:
        home = Path(os.path.realpath(name))
        home.chmod(0o755)
        yield home


def given_away(path: Path) -> None:
    """Make nobody the owner of a folder and of all in it."""
    for inner in (path, *path.rglob("*")):
        os.chown(inner, NOBODY, NOBODY, follow_symlinks=False)


@contextlib.contextmanager
def another_user(act: Callable[[], None]) -> Iterator[None]:
    """A process of nobody's that does something over and over until the block ends."""
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            while True:
                with contextlib.suppress(OSError):
                    act()
        finally:
            os._exit(1)
    try:
        yield
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def swapping_files(file: Path, target: Path) -> Callable[[], None]:
    """Put a link to `target` in the place of a file, and the file back."""
    aside, link = file.with_name("aside"), file.with_name("link")

    def act() -> None:
        with contextlib.suppress(FileExistsError):
            link.symlink_to(target)
        file.rename(aside)
        link.rename(file)
        aside.rename(file)

    return act


def taking_temporary_folders(home: Path, target: Path) -> Callable[[], None]:
    """Put a link to `target` in the place of every temporary file and folder."""

    def act() -> None:
        for name in os.listdir(home):
            path = home / name
            if name.startswith(".weightquant-") and not path.is_symlink():
                path.rename(home / f"taken-{name}")
                path.symlink_to(target)

    return act

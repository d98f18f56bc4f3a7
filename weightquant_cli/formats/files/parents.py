"""Make the missing folders above an output, and take them away again where it fails."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .folder import Folder


class MadeParents:
    """The folders that were made on the way to an output, each in its open parent."""

    def __init__(self) -> None:
        self._opened: list[Folder] = []
        self._made: list[tuple[Folder, str]] = []

    def make(self, path: Path) -> Folder:
        """Make `path` and what is missing above it, and open it.

        Raises:
            OSError: one of them cannot be made; those that were made are known to `remove`.
        """
        missing: list[str] = []
        while True:
            try:
                folder = Folder.open(path)
                break
            except FileNotFoundError:
                if path == path.parent:
                    raise
                missing.insert(0, path.name)
                path = path.parent
        self._opened.append(folder)
        for name in missing:
            with contextlib.suppress(FileExistsError):  # another run's, not ours to remove
                os.mkdir(name, dir_fd=folder.descriptor)
                self._made.insert(0, (folder, name))
            folder = folder.subfolder(name)
            self._opened.append(folder)
        return folder

    def remove(self) -> None:
        """Remove the folders that were made, as far as they are empty."""
        for folder, name in self._made:
            with contextlib.suppress(OSError):
                os.rmdir(name, dir_fd=folder.descriptor)

    def close(self) -> None:
        """Close all of them."""
        for folder in self._opened:
            folder.close()

"""Remove a folder with everything in it, however deep it is, with three descriptors.

shutil.rmtree takes a level of recursion for each level of folders, and a stranger may have nested
thousands.
"""

from __future__ import annotations

import os

from .folder import Folder


def remove_folder(parent: Folder, name: str) -> None:
    """Remove the folder `name` of `parent`; links in it are removed and not followed.

    Folders within its folders are moved up into it before they are emptied, so that there are
    never more than two levels.

    Raises:
        OSError: of the first thing that cannot be removed; what comes after it stays as well.
    """
    with parent.subfolder(name) as folder:
        while entries := folder.names():
            for entry in entries:
                if folder.is_folder(entry):
                    _remove_inner(folder, entry)
                else:
                    os.unlink(entry, dir_fd=folder.descriptor)
    os.rmdir(name, dir_fd=parent.descriptor)


def _remove_inner(folder: Folder, name: str) -> None:
    with folder.subfolder(name) as inner:
        for entry in inner.names():
            if inner.is_folder(entry):
                moved = os.urandom(8).hex()
                os.rename(entry, moved, src_dir_fd=inner.descriptor, dst_dir_fd=folder.descriptor)
            else:
                os.unlink(entry, dir_fd=inner.descriptor)
    os.rmdir(name, dir_fd=folder.descriptor)

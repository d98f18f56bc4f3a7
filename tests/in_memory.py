"""Temporary files of the tests in memory, where Linux has a folder for that: no waiting for a disk.

Flushing and renaming on a disk is more than half of the suite's time there. TMPDIR says where else
the files shall be; `.ci/run` has a disk's turn.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

MEMORY = Path("/dev/shm")

# Several times what the tests hold at once.
ROOM = 1 << 30


def move_temporary_files() -> Callable[[], None]:
    """Let this process and its children put them there; a function that removes them."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return lambda: None
    if shutil.disk_usage(MEMORY).free < ROOM:  # containers often have 64 MB
        return lambda: None
    folder = tempfile.mkdtemp(prefix="weightquant-tests-", dir=MEMORY)
    os.chmod(folder, 0o755)  # tests become another user
    os.environ["TMPDIR"] = tempfile.tempdir = folder

    def remove() -> None:
        del os.environ["TMPDIR"]
        tempfile.tempdir = None
        shutil.rmtree(folder, ignore_errors=True)

    return remove

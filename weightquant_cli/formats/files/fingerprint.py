"""What shows that a file is still the one that was opened, with the content it had then."""

from __future__ import annotations

import os
from typing import NamedTuple


class Fingerprint(NamedTuple):
    """A file's device, inode, size and times, in nanoseconds, of the last change.

    Whoever may write to a file can set its time of modification; the time of its last change
    (`changed`, which the system sets) they cannot.
    """

    device: int
    inode: int
    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, status: os.stat_result) -> Fingerprint:
        """The fingerprint in a status."""
        return cls(
            status.st_dev,
            status.st_ino,
            status.st_size,
            status.st_mtime_ns,
            status.st_ctime_ns,
        )

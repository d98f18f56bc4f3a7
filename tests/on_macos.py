"""What Linux has and macOS lacks, taken away: `pytest --as-on-macos tests/formats ...`.

README promises macOS, and tests run on Linux most of the time. The calls are gone before the
package is imported; names are taken to ignore case. What macOS has and Linux lacks, such as
`renameatx_np`, is not there either, and so the exchange in two steps is tried.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

CALLS = (
    "sched_getaffinity", "posix_fallocate", "posix_fadvise", "preadv", "pwritev", "copy_file_range",
    "memfd_create", "splice", "getxattr", "setxattr",
)  # fmt: skip


def take_away() -> None:
    """Take all of it away from this process, for good."""
    for name in CALLS:
        if hasattr(os, name):
            delattr(os, name)
    ctypes.CDLL = _no_library  # type: ignore[assignment, misc]
    sys.platform = "darwin"
    from weightquant_cli.formats.files import places

    places._ignores_case = lambda *_: True


def _no_library(*_: Any, **__: Any) -> object:
    """A C library without any call that we might ask for."""
    return object()

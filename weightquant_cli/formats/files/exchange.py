"""Swap two folders of one parent in one step, or where the system has no such call, in two."""

from __future__ import annotations

import errno
import os

from .folder import Folder

_EXCHANGE = 2
"""RENAME_EXCHANGE of Linux's renameat2, and RENAME_SWAP of macOS's renameatx_np."""

_CALLS = ("renameat2", "renameatx_np")
_NOT_SUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def exchange(parent: Folder, one: str, two: str) -> None:
    """Swap the folders `one` and `two`; OSError, and then both are where they were."""
    import ctypes  # 2 ms that only a replacement needs

    libc = ctypes.CDLL(None, use_errno=True)
    for name in _CALLS:
        call = getattr(libc, name, None)
        if call is None:
            continue
        descriptor = parent.descriptor
        if call(descriptor, os.fsencode(one), descriptor, os.fsencode(two), _EXCHANGE) == 0:
            return
        number = ctypes.get_errno()
        if number not in _NOT_SUPPORTED:
            raise OSError(number, os.strerror(number))
    exchange_in_two_steps(parent, one, two)


def exchange_in_two_steps(parent: Folder, one: str, two: str) -> None:
    """Set `two` aside under the name of `one` with "-old"; put it back where that fails."""
    aside = f"{one}-old"
    parent.rename(two, aside)
    try:
        parent.rename(one, two)
    except BaseException:
        parent.rename(aside, two)
        raise
    parent.rename(aside, one)

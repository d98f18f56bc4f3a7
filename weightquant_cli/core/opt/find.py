"""Where Paddle Lite's `opt` is: looked for as the script of `opt_script` looks for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from ...errors import OptionError
from .process import run
from .scratch import scratch_folder

NAMES = ("paddle_lite_opt", "opt")
"""What it is called on PATH. LLVM has an `opt` too, so that one is asked what it is."""

ITS_OWN = b"optimize_out_type"
"""An argument of Paddle Lite's opt, which its help names."""

ASK_SECONDS = 20.0
_REMEDY = "give its path with `opt`; `pip install paddlelite` has one, as paddle_lite_opt"


def find_opt(named: str | None, search: str) -> Path:
    """The `opt` to convert with.

    Args:
        named: its path, or a name without a slash that is looked for in `search`; None or empty
            looks for `paddle_lite_opt`, then for an `opt` that says it is Paddle Lite's.
        search: folders, separated as in PATH.

    Raises:
        OptionError: there is none, or what was named is no program.
    """
    if named:
        return _named(named, search)
    for name in NAMES:
        found = shutil.which(name, path=search)
        if found is not None:
            path = Path(found).absolute()
            if name == "opt" and not _is_paddle_lites(path):
                raise OptionError("this opt is not Paddle Lite's", path=path, remedy=_REMEDY)
            return path
    raise OptionError("cannot find Paddle Lite's opt", remedy=_REMEDY)


def _named(named: str, search: str) -> Path:
    found = shutil.which(named, path=search) if os.sep not in named else named
    if found is None or not (os.path.isfile(found) and os.access(found, os.X_OK)):
        raise OptionError("opt is not a program that can be run", path=named, remedy=_REMEDY)
    return Path(found).absolute()


def _is_paddle_lites(path: Path) -> bool:
    with scratch_folder() as folder:
        return ITS_OWN in run((str(path), "--help"), folder, ASK_SECONDS).output

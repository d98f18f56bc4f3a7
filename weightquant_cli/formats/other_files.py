"""Files that people have instead of a model's: what they are, and what to do."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import listed

LFS_START = b"version https://git-lfs.github.com/spec/"
"""The first bytes of a Git LFS pointer, which stands for a file that was not fetched."""

LFS_POINTER = "a Git LFS pointer stands here, not the file itself"
LFS_REMEDY = "fetch the file: git lfs pull"

# What people have instead of a model, by the end of a file's name.
_INSTEAD = {
    ".nb": (
        "was converted by opt already",
        "give the folder that it was converted from",
    ),
    ".onnx": (
        "is a model of ONNX",
        "make a Paddle model of it: x2paddle --framework=onnx",
    ),
    ".pdparams": (
        "is a checkpoint of a training run",
        "export the network: paddle.jit.save",
    ),
}


def instead(names: Collection[str]) -> tuple[str, str] | None:
    """What one of these files is that is no model, and what to do."""
    for suffix, (what, remedy) in _INSTEAD.items():
        found = sorted(name for name in names if name.lower().endswith(suffix))
        if found:
            return f"{listed(found, 3)} {what}", remedy
    return None

"""Programs that stand in for opt: small shell scripts with one way to end."""

from __future__ import annotations

import struct
from pathlib import Path

HEADER = struct.pack("<H16sQ", 2, b"v2.12\0tail of mem", 8)

# What a body may use: $out is the path that opt was given, without its suffix.
_HEAD = """#!/bin/sh
for argument; do
  case $argument in
    --optimize_out=*) out=${argument#*=} ;;
  esac
done
"""

_OCTAL = "".join(f"\\{byte:03o}" for byte in HEADER)

GOOD = f"""printf '{_OCTAL}' >"$out.nb"
echo 0123456789 >>"$out.nb"
"""
"""Writes a `.nb` of 37 bytes with the header of opt 2.12."""


def fake_opt(path: Path, body: str) -> Path:
    """An executable at `path` that does what `body`, lines of shell, says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_HEAD + body)
    path.chmod(0o755)
    return path

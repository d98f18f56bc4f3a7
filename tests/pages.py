"""The Markdown pages of the repository, and the examples in them that tests run.

An example stands behind a comment such as `<!-- test: release -->`. A name is used once.
"""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from pathlib import Path

from tests.cli.helpers import environment

ROOT = Path(__file__).resolve().parents[1]
DIGITS = ROOT / "tests" / "models" / "digits"
COMBINED = DIGITS.with_name("digits_combined")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / ".docs" / "README.zh.md").read_text(encoding="utf-8")

_FOLDERS = (".", ".docs", ".github", "tests", "weightquant_cli")


@cache
def pages() -> dict[str, str]:
    """Every page that we wrote: its path from the top, and its text."""
    found = set(ROOT.glob("*.md"))
    for folder in _FOLDERS[1:]:
        found |= set((ROOT / folder).rglob("*.md"))
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(found)
    }


@cache
def block(name: str) -> str:
    """The code block behind the comment with this name, wherever it stands."""
    pattern = rf"<!-- {re.escape(name)} -->\n```\w*\n(.*?)```"
    found = [text for page in pages().values() for text in re.findall(pattern, page, re.DOTALL)]
    assert len(found) == 1, (name, len(found))
    return str(found[0])


def with_command(folder: Path) -> dict[str, str]:
    """An environment in which `weightquant` is the command line under test."""
    script = folder / "bin" / "weightquant"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m weightquant_cli "$@"\n')
    script.chmod(0o755)
    return environment({"PATH": f"{script.parent}{os.pathsep}{os.environ['PATH']}"})

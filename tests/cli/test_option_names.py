"""The options that errors of the core name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import weightquant_cli
from weightquant_cli.cli.option_names import OPTIONS

ROOT = Path(weightquant_cli.__file__).parent
TEXTS = "".join(
    file.read_text("utf-8") for file in ROOT.rglob("*.py") if file.parent != ROOT / "cli"
)


@pytest.mark.parametrize("name", OPTIONS)
def test_each_name_stands_in_a_message(name: str) -> None:
    assert re.search(f"""[`"]{name}[`"]""", TEXTS)

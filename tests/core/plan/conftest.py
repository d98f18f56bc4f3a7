"""What the tests of plans share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import small_model
from weightquant_cli import Model


@pytest.fixture
def everything(tmp_path: Path) -> Model:
    return small_model().load(tmp_path / "everything")

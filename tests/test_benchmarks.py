"""The benchmarks still run: tiny models, no time asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.rows import GROUPS


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One place of all groups: models and compiled modules are made once."""
    return tmp_path_factory.mktemp("benchmarks")


NEEDS_PADDLE = ("translated",)


@pytest.mark.parametrize(
    "name",
    [pytest.param(g, marks=[pytest.mark.oracle] if g in NEEDS_PADDLE else []) for g in GROUPS],
)
def test_every_group_is_measured_on_tiny_models(
    name: str, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quick", "--scratch", str(scratch), name]) == 0
    out = capsys.readouterr().out
    assert "|  | weightquant | peer |  |" in out
    assert ("not measured" in out) == (name in ("paddle", "run"))


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["no such"])
    assert "unknown: no such" in capsys.readouterr().err

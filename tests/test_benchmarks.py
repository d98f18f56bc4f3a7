"""The benchmarks still run: tiny models, no time asserted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.__main__ import main
from tests.benchmarks.rows import GROUPS


@pytest.mark.parametrize("name", GROUPS)
def test_every_group_is_measured_on_tiny_models(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quick", "--scratch", str(tmp_path), name]) == 0
    out = capsys.readouterr().out
    assert "| measure | ours | peer | ratio | to reach |" in out
    assert ("not measured" in out) == (name == "paddle")


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["no such"])
    assert "unknown: no such" in capsys.readouterr().err

"""Histograms drawn with one character per bin."""

from __future__ import annotations

import pytest

from weightquant_cli.cli.output.bars import bars


@pytest.mark.parametrize(
    ("counts", "drawn"),
    [([0, 1, 8], "·▁█"), ([0, 0], "··"), ([], ""), ([1, 1000], "▁█"), ([5, 5], "██")],
)
def test_bars_show_what_is_not_empty(counts: list[int], drawn: str) -> None:
    assert bars(counts, utf8=True) == drawn

"""Results at a prompt and in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import DIGITS
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    check,
    make_plan,
    quantize,
    summarize,
)
from weightquant_cli.core.model.shown import MAX_ROWS, Row, Shown


@pytest.fixture
def results(tmp_path: Path) -> list[Shown]:
    """A result of each kind."""
    model = Model.load(DIGITS)
    plan = make_plan(model, QuantizeOptions())
    done = quantize(model, plan, OutputOptions(tmp_path / "out"))
    return [summarize(model), plan, done, check(Model.load(tmp_path / "out"), model)]


def test_a_result_is_three_short_lines_that_begin_with_its_name(results: list[Shown]) -> None:
    for result in results:
        lines = repr(result).splitlines()
        assert len(lines) == 3
        assert lines[0].startswith(f"{type(result).__name__}: ")
        assert all(len(line) < 200 for line in lines)


def test_a_notebook_gets_a_table_of_the_first_weights(results: list[Shown]) -> None:
    for result in results:
        page = result._repr_html_()
        assert page.count("<table>") == 1
        assert page.count("<tr>") <= MAX_ROWS + 1
        assert "<td>fc_0.w_0</td>" in page
    assert "<p>4 more</p>" in results[2]._repr_html_()


def test_names_cannot_write_to_the_page_or_the_terminal() -> None:
    class Hostile(Shown):
        def _lines(self) -> tuple[str, ...]:
            return ("<b>\x1b[2J",)

        def _table(self) -> tuple[Row, list[Row]]:
            return ("<i>",), [("<script>\x1b",)]

    page = Hostile()._repr_html_()
    assert "\x1b" not in repr(Hostile()) + page
    assert "<script>" not in page and "<b>" not in page and "<i>" not in page

"""CSV and Markdown."""

from __future__ import annotations

import csv
import io

import pytest

from weightquant_cli.cli.output.table_formats import code, csv_text, markdown
from weightquant_cli.cli.output.tables import Column


@pytest.mark.parametrize(
    "cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "-", "-x", '="', "-1e", "-inf"]
)
def test_a_cell_that_a_spreadsheet_would_run_gets_an_apostrophe(cell: str) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(["weight"], [[cell]]))))
    assert rows == [["weight"], [f"'{cell}"]]


@pytest.mark.parametrize("cell", ["fc_0.w_0", "-0.125", "-1e-07", "12", "", "1=1", "-1.5e+20"])
def test_names_and_numbers_stay_as_they_are(cell: str) -> None:
    assert next(csv.reader(io.StringIO(csv_text([cell or "x"], [])))) == [cell or "x"]
    assert list(csv.reader(io.StringIO(csv_text(["a", "b"], [["x", cell]]))))[1] == ["x", cell]


@pytest.mark.parametrize("name", ["\t=1", "\r=1"])
def test_control_characters_are_escaped(name: str) -> None:
    assert "\\" in csv_text(["weight"], [[name]])


def test_nothing_in_a_markdown_cell_is_markup() -> None:
    text = markdown([Column("a"), Column("n", number=True)], [["x|y_*z*", "1"]])
    assert text.splitlines() == ["| a | n |", "| --- | ---: |", "| x\\|y\\_\\*z\\* | 1 |"]


@pytest.mark.parametrize(("text", "span"), [("a", "`a`"), ("a`b", "`` a`b ``")])
def test_backticks_do_not_end_a_code_span(text: str, span: str) -> None:
    assert code(text) == span

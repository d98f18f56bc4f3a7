"""Tables for other programs: comma-separated values, and Markdown."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from ...errors import printable
from .tables import Column

# A spreadsheet takes a cell that starts with one of these for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Comma-separated values, quoted where they must be, with plain newlines.

    Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers do not.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_no_formula(printable(cell)) for cell in row] for row in rows)
    return stream.getvalue()


def _no_formula(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?(e[-+]\d+)?", cell) is not None


def markdown(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """A table in GitHub's Markdown; nothing in the cells is taken for markup."""
    lines = [
        [column.heading for column in columns],
        [("---:" if column.number else "---") for column in columns],
    ]
    lines += [[_escaped(printable(cell)) for cell in row] for row in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def code(text: str) -> str:
    """A code span in Markdown, which the backticks of `text` do not end."""
    safe = printable(text)
    if "`" not in safe:
        return f"`{safe}`"
    fence = "`" * (1 + max(map(len, re.findall("`+", safe))))
    return f"{fence} {safe} {fence}"


def _escaped(cell: str) -> str:
    return "".join(
        f"\\{character}" if character in "\\`*_<>[]|~#&" else character for character in cell
    )

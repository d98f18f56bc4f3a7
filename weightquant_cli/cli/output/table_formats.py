"""Tables for other programs: comma-separated values, and Markdown."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from ...errors import printable
from .tables import Column


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Comma-separated values, quoted where they must be, with plain newlines."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([printable(cell) for cell in row] for row in rows)
    return stream.getvalue()


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

"""How a result shows itself at a Python prompt and in a notebook: three lines, and a table."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import printable

MAX_ROWS = 20

Row = tuple[object, ...]


class Shown:
    """A result with thousands of weights, which a dataclass would print one by one.

    A subclass says its `_lines`, and the heading and the rows of its `_table`.
    """

    def _lines(self) -> Sequence[str]:
        raise NotImplementedError

    def _table(self) -> tuple[Row, Sequence[Row]]:
        raise NotImplementedError

    def __repr__(self) -> str:
        return "\n".join(printable(line) for line in self._lines())

    def _repr_html_(self) -> str:
        """The same with a table of the first weights, for a notebook."""
        import html  # with all named characters, which only a notebook needs

        heading, rows = self._table()
        shown = "".join(_row(row, "td") for row in rows[:MAX_ROWS])
        more = f"<p>{len(rows) - MAX_ROWS} more</p>" if len(rows) > MAX_ROWS else ""
        return (
            f"<pre>{html.escape(repr(self))}</pre>"
            f"<table><thead>{_row(heading, 'th')}</thead><tbody>{shown}</tbody></table>{more}"
        )


def _row(cells: Row, tag: str) -> str:
    import html

    texts = (html.escape(printable("" if cell is None else str(cell))) for cell in cells)
    return "<tr>" + "".join(f"<{tag}>{text}</{tag}>" for text in texts) + "</tr>"

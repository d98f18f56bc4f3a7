"""HTML and SVG, written safely: every text that goes in is quoted."""

from __future__ import annotations

import html
from collections.abc import Iterable

from ....errors import printable


class Markup(str):
    """Text that is HTML already; any other text is quoted where it is put in."""

    __slots__ = ()


def quoted(text: object) -> Markup:
    """The text as HTML, control characters shown."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(printable(str(text)), quote=True))


def tag(_name: str, *content: object, **attributes: object) -> Markup:
    """An element. ``class_`` gives ``class``, ``data_value`` gives ``data-value``; an attribute of
    None or False is left out, one of True stands without a value.
    """
    given = "".join(
        f" {_attribute(key)}" + ("" if value is True else f'="{quoted(value)}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    if not content:
        return Markup(f"<{_name}{given}></{_name}>")
    return Markup(f"<{_name}{given}>{joined(content)}</{_name}>")


def joined(content: Iterable[object], separator: str = "") -> Markup:
    """Several pieces, one after the other."""
    return Markup(separator.join(quoted(piece) for piece in content))


def _attribute(key: str) -> str:
    """An attribute's name in Python as HTML and SVG spell it, such as ``viewBox``."""
    return key.rstrip("_").replace("_", "-")

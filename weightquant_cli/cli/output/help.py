"""A command's help: what it does, the options most used, examples, then the others in groups.

Written by hand because click's help differs between its versions and cuts text with "...".
"""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable, Iterator

from ..options.command_docs import CommandDoc, OptionDoc, OptionGroup

MAX_WIDTH = 100
# On a narrower terminal an option's text goes below its name.
MIN_BESIDE_WIDTH = 60
TEXT_COLUMN = 30


def width() -> int:
    """Columns for help: the terminal's, up to MAX_WIDTH."""
    return min(shutil.get_terminal_size().columns, MAX_WIDTH)


def full_help(doc: CommandDoc, columns: int) -> str:
    """The whole help of a command."""
    parts = [
        _filled(f"Usage: {doc.usage}", columns, hanging=7),
        _filled(doc.summary, columns),
        *(_option_section(group, columns) for group in doc.groups if group.first),
    ]
    if doc.examples:
        parts.append(_section("Examples", (f"  {example}" for example in doc.examples)))
    parts += [_filled(text, columns) for text in doc.paragraphs]
    if doc.commands:
        parts.append(_section("Commands", _command_lines(doc, columns)))
    parts += [_option_section(group, columns) for group in doc.groups if not group.first]
    if doc.commands:
        parts.append(_more(doc, columns))
    return "\n\n".join(parts) + "\n"


def short_help(doc: CommandDoc, columns: int) -> str:
    """What an empty call shows: usage, the commands, and where there is more."""
    return (
        "\n\n".join(
            (
                _filled(f"Usage: {doc.usage}", columns, hanging=7),
                _section("Commands", _command_lines(doc, columns)),
                _more(doc, columns),
            )
        )
        + "\n"
    )


def _more(doc: CommandDoc, columns: int) -> str:
    return _filled(
        f"`{doc.path} COMMAND -h` shows examples and options; `man {doc.path}` has the rest.",
        columns,
    )


def _section(heading: str, lines: Iterable[str]) -> str:
    return "\n".join((f"{heading}:", *lines))


def _command_lines(doc: CommandDoc, columns: int) -> Iterator[str]:
    column = max(len(name) for name, _ in doc.commands) + 4
    for name, summary in doc.commands:
        yield from _beside(f"  {name}", summary, column, columns)


def _option_section(group: OptionGroup, columns: int) -> str:
    lines = (line for option in group.options for line in _option_lines(option, columns))
    return _section(group.heading, lines)


def _option_lines(option: OptionDoc, columns: int) -> Iterator[str]:
    return _beside(f"  {spelling(option)}", option.sentence, TEXT_COLUMN, columns)


def spelling(option: OptionDoc) -> str:
    """``-b, --bits N``; long names are aligned, with or without a short one before them."""
    indent = "" if not option.names[0].startswith("--") else "    "
    names = ", ".join(option.names)
    if option.negations:
        names = f"{names} / {', '.join(option.negations)}"
    return f"{indent}{names} {option.metavar}".rstrip()


def _beside(head: str, text: str, column: int, columns: int) -> Iterator[str]:
    """`text` in a column beside `head`, or below it where there is no room."""
    if columns < MIN_BESIDE_WIDTH:
        yield head
        yield from _wrapped(text, columns, " " * 8)
        return
    lines = _wrapped(text, columns, " " * column)
    if len(head) + 2 <= column and lines:
        lines[0] = head + lines[0][len(head) :]
    else:
        yield head
    yield from lines


def _filled(text: str, columns: int, hanging: int = 0) -> str:
    return "\n".join(_wrapped(text, columns, "", " " * hanging))


def _wrapped(text: str, columns: int, indent: str, hanging: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        columns,
        initial_indent=indent,
        subsequent_indent=indent + hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )

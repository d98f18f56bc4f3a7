"""What `inspect --recommend` prints: settings, the lines to copy, which to take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import printable
from ..options.settings import command_line
from . import units
from .json_output import Document, naive_buffer, sqnr_fields
from .table_formats import code, csv_text, markdown
from .tables import LABEL_WIDTH, NOTHING, Column, facts, table

if TYPE_CHECKING:
    from ...core.recommend.comparison import Comparison, Measured
    from ...core.recommend.rule import Choice
    from ..console import Console
    from ..options.inspect import InspectArguments

COLUMNS = (
    Column("setting"),
    Column("bytes", number=True, importance=8),
    Column("nb_bytes", number=True, importance=5),
    Column("compressed", number=True, importance=4),
    Column("sqnr_db", number=True, importance=6),
    Column("agreement", number=True, importance=7),
    Column("seconds", number=True, importance=3),
)
CSV_COLUMNS = (
    *("setting", "bytes", "nb_bytes", "compressed", "sqnr_db", "agreement_percent"),
    *("seconds", "recommended", "command"),
)


def show(
    console: Console, found: Comparison, choice: Choice | None, arguments: InspectArguments
) -> None:
    """The table, and below it what else there is to say."""
    if found.settings:
        console.print(table(console, COLUMNS, [_row(one, choice) for one in found.settings]))
        console.print("")
    for one in found.settings:  # the terminal wraps them: a line that is copied stays one line
        line = command_line(one, arguments)
        console.print(printable(f"{one.setting.name:<{LABEL_WIDTH}}{line}"))
    console.print(facts(console, notes(found, choice)))


def as_markdown(found: Comparison, choice: Choice | None, arguments: InspectArguments) -> str:
    """The same as Markdown."""
    text = markdown(COLUMNS, [_row(one, choice) for one in found.settings]) + "\n"
    for one in found.settings:
        text += f"- {one.setting.name}: {code(command_line(one, arguments))}\n"
    return text + "".join(f"- {label}: {code(line)}\n" for label, line in notes(found, choice))


def as_csv(found: Comparison, choice: Choice | None, arguments: InspectArguments) -> str:
    """A line for each setting, and nothing else."""
    rows = [
        [
            one.setting.name,
            *("" if cell == NOTHING else cell.removesuffix("%") for cell in _cells(one)),
            "yes" if choice is not None and one is choice.setting else "",
            command_line(one, arguments),
        ]
        for one in found.settings
    ]
    return csv_text(CSV_COLUMNS, rows)


def notes(found: Comparison, choice: Choice | None) -> list[tuple[str, str]]:
    """What cannot be had or compared, on how many inputs, and which setting to take."""
    lines = [(one.setting.name, f"left out: {one.why}") for one in found.left_out]
    if not found.settings:
        return [*lines, ("recommended", "none: no weight can be quantized")]
    lines += [("not compared", note) for note in found.notes]
    lines.append(("compared", f"with FP32 on {units.count(found.samples, 'input')}"))
    if choice is None:
        why = "none: no answers could be compared; the sizes stand alone"
        return [*lines, ("recommended", why)]
    return [*lines, ("recommended", f"{choice.setting.setting.name}: {choice.why}")]


def documents(
    found: Comparison, choice: Choice | None, arguments: InspectArguments
) -> Sequence[Document]:
    """A JSON object for each setting."""
    return [_document(one, choice, arguments) for one in found.settings]


def left_out(found: Comparison) -> Sequence[Document]:
    """A JSON object for each setting that was not tried."""
    return [
        {"setting": one.setting.name, "allowed": one.allowed, "reason": one.why}
        for one in found.left_out
    ]


def _document(one: Measured, choice: Choice | None, arguments: InspectArguments) -> Document:
    sqnr, agreement = one.sqnr_db, one.agreement
    recommended = choice is not None and one is choice.setting
    return {
        "setting": one.setting.name,
        "command": command_line(one, arguments),
        "bytes": one.sizes.after,
        "naive_buffer": naive_buffer(one.naive_buffer),
        "compressed": one.compressed.total,
        **sqnr_fields(math.nan if sqnr is None else sqnr),
        "agreement_percent": None if agreement is None else round(agreement, 4),
        "is_compared": one.is_compared,
        "seconds": round(one.seconds, 3),
        "recommended": recommended,
        "reason": choice.why if choice is not None and recommended else None,
    }


def _row(one: Measured, choice: Choice | None) -> list[str]:
    star = "*" if choice is not None and one is choice.setting else ""
    return [one.setting.name + star, *_cells(one)]


def _cells(one: Measured) -> list[str]:
    buffer, sqnr, agreement = one.naive_buffer, one.sqnr_db, one.agreement
    return [
        str(one.sizes.after),
        NOTHING if buffer is None else str(buffer.middle),
        str(one.compressed.total),
        NOTHING if sqnr is None else f"{sqnr:.2f}",
        NOTHING if agreement is None else f"{agreement:.1f}%",
        f"{one.seconds:.1f}",
    ]

"""What `dequantize-check --outputs` and `--layers` print: how far the models' answers are apart."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...errors import printable
from .tables import NOTHING, Column, lines, table

if TYPE_CHECKING:
    from ...core.check.compare_outputs import ComparedOutputs, LayerDifference
    from ...core.run.compare import OutputDifference
    from ..console import Console

MEASURES = (
    Column("sqnr_db", number=True, importance=7),
    Column("max_change", number=True, importance=5),
    Column("cosine", number=True, importance=3),
    Column("agreement", number=True, importance=6),
)
OUTPUT_COLUMNS = (Column("output"), *MEASURES)
LAYER_COLUMNS = (
    Column("layer"),
    Column("operator", importance=4),
    Column("weight", importance=2),
    *MEASURES,
)

WORST = 3
"""So many operators are named where the answers break."""

LEAST_NOISE = 1e-4
"""Of an operator that is named: 0.01% of its output's power."""


def show(console: Console, compared: ComparedOutputs) -> None:
    """The operators in order, where they break, then the outputs, and what could not be run."""
    if compared.layers:
        console.print("")
        console.print(table(console, LAYER_COLUMNS, (layer_row(one) for one in compared.layers)))
    if compared.outputs:
        console.print("")
        rows = ((one.name, *measures(one)) for one in compared.outputs)
        console.print(table(console, OUTPUT_COLUMNS, rows))
    told = notes(compared)
    if told:
        lines(console, ["", *told])


def notes(compared: ComparedOutputs) -> list[str]:
    """What an SQNR is of, where most noise comes in, and from where nothing could be computed."""
    of = [_squashed(one) for one in compared.outputs if one.sqnr_of != one.name]
    breaks = [_break(layer) for layer in compared.breaks[:WORST] if layer.added >= LEAST_NOISE]
    return [printable(line) for line in (*of, *breaks, *compared.stops, *compared.non_finite)]


def layer_row(layer: LayerDifference) -> tuple[str, ...]:
    """One operator's output."""
    one = layer.difference
    return (one.name, layer.operator, layer.weight or NOTHING, *measures(one))


def measures(difference: OutputDifference) -> tuple[str, str, str, str]:
    """SQNR, largest change, cosine and agreement."""
    agreement = difference.agreement
    return (
        _number(difference.sqnr_db, ".2f"),
        _number(difference.max_change, ".3g"),
        _number(difference.cosine, ".7f"),
        NOTHING if agreement is None else f"{agreement:.1f}%",
    )


def _number(value: float, form: str) -> str:
    return NOTHING if math.isnan(value) else format(value, form)


def _squashed(output: OutputDifference) -> str:
    return f"sqnr_db of {output.name} is that of {output.sqnr_of}, before it is squashed"


def _break(layer: LayerDifference) -> str:
    reads = f", weight {layer.weight}" if layer.weight else ""
    return (
        f"most noise: operator {layer.index} ({layer.operator}) adds {layer.added:.2%} of its "
        f"output's power, in {layer.difference.name}{reads}"
    )

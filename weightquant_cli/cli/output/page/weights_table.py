"""The table of all weights, which the page's script sorts and filters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....core.check.weight_comparison import WeightComparison
from ....core.inspect.summary import Verdict, WeightSummary
from .. import reasons, units
from .facts import PageFacts
from .markup import Markup, tag
from .sections import section

SEARCH = Markup(
    '<input type="search" id="search" aria-label="Filter the weights" '
    'placeholder="name, operator, reason ...">'
)

STATES = (
    ("", "all"),
    ("quantized", "quantized"),
    ("kept", "not quantized"),
    ("fails", "wrong, or refused by a gate"),
)


@dataclass(frozen=True)
class Fact:
    """A column about the weight itself.

    Attributes:
        name: the column's heading.
        text: what a cell shows.
        number: what it is sorted by, or None where that is its text.
    """

    name: str
    text: Callable[[WeightSummary], str]
    number: Callable[[WeightSummary], float] | None = None


@dataclass(frozen=True)
class Measure:
    """A column about the weight beside its original: a number, and how it is shown."""

    name: str
    number: Callable[[WeightComparison], float]
    form: str


def _scales(weight: WeightSummary) -> str:
    scales = weight.scales
    if scales is None or scales.smallest is None:
        return ""
    return f"{scales.count}: {scales.smallest:.3g} to {scales.largest:.3g}"


def _reason(weight: WeightSummary) -> str:
    return "" if weight.reason is None else reasons.phrase(weight.plan, weight.reason)


# What a phone shows without scrolling comes first.
COLUMNS: tuple[Fact | Measure, ...] = (
    Fact("weight", lambda weight: weight.name),
    Fact("type", lambda weight: str(weight.record.dtype)),
    Fact("bytes", lambda w: f"{w.record.data_size:,}", lambda w: w.record.data_size),
    Measure("SQNR in dB", lambda compared: compared.sqnr, ".2f"),
    Fact("operator", lambda weight: weight.plan.operator_type or ""),
    Fact("shape", lambda weight: units.shape(weight.record.shape)),
    Measure("max error", lambda compared: compared.max_abs, ".3g"),
    Measure("in scales", lambda compared: compared.max_in_scales, ".3f"),
    Measure("cosine", lambda compared: compared.cosine, ".7f"),
    Fact("scales", _scales),
    Fact("reason", _reason),
)


def weights_table(facts: PageFacts) -> Markup:
    """Every weight, the worst first; without a reference there are no columns of measures."""
    measured = facts.result.comparison is not None
    columns = [column for column in COLUMNS if measured or isinstance(column, Fact)]
    failing = facts.failing
    rows = (_row(columns, weight, compared, failing) for weight, compared in facts.rows())
    headings = (
        tag("th", tag("button", column.name, type="button"), class_=_class(column))
        for column in columns
    )
    table = tag(
        "table",
        tag("thead", tag("tr", *headings)),
        tag("tbody", *rows),
        id="weights",
        class_="sortable",
    )
    return section("all", "All weights", _controls(), tag("div", table, class_="scroll"))


def _controls() -> Markup:
    """Hidden until the script shows them, without which they do nothing."""
    options = (tag("option", words, value=state) for state, words in STATES)
    select = tag("select", *options, id="state", aria_label="Which weights")
    count = tag("span", id="shown", class_="soft", role="status")
    return tag("div", SEARCH, select, count, id="controls", class_="controls", hidden=True)


def _row(
    columns: list[Fact | Measure],
    weight: WeightSummary,
    compared: WeightComparison | None,
    failing: frozenset[str],
) -> Markup:
    fails = weight.name in failing
    state = "quantized" if weight.verdict is Verdict.QUANTIZED else "kept"
    return tag(
        "tr",
        *(_cell(column, weight, compared) for column in columns),
        data_state=f"{state} fails" if fails else state,
        class_="fails" if fails else None,
    )


def _cell(
    column: Fact | Measure, weight: WeightSummary, compared: WeightComparison | None
) -> Markup:
    if isinstance(column, Fact):
        number = None if column.number is None else column.number(weight)
        return tag("td", column.text(weight), class_=_class(column), data_value=number)
    if compared is None:
        return tag("td", class_="number")
    value = column.number(compared)
    # As JavaScript spells it: of a weight without any error the SQNR is infinite.
    spelled = str(value).replace("inf", "Infinity").replace("nan", "NaN")
    return tag("td", format(value, column.form), class_="number", data_value=spelled)


def _class(column: Fact | Measure) -> str | None:
    if isinstance(column, Measure) or column.number is not None:
        return "number"
    return "reason" if column.name == "reason" else None

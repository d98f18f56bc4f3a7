"""The tables of DEMANDS.md, between comments that name them."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

from weightquant_cli.core.lite.demands import measured
from weightquant_cli.core.lite.demands.versions import VERSIONS

from . import lab
from .truth import Line


def write(
    page: Path, cases: Sequence[lab.Case], table: Sequence[Line], mended: Sequence[Line]
) -> None:
    """Put new tables into the page, in place of those that are there."""
    text = page.read_text()
    tables = {
        "summary": _summary(cases, table, mended),
        "operators": _operators(),
        "aborts": _faults(line for line in table if not line.arm.converted),
        "runs": _faults(
            line for line in table if line.x86 and line.x86.verdict in ("wrong", "aborts")
        ),
        "left": _faults(
            line
            for line in mended
            if (not line.arm.converted)
            or (line.x86 is not None and line.x86.verdict in ("wrong", "aborts"))
        ),
        "defaults": _defaults(),
        "agreement": _agreement(table, mended),
    }
    for name, lines in tables.items():
        start, end = f"<!-- audit: {name} -->", f"<!-- end: {name} -->"
        if text.count(start) != 1 or text.count(end) != 1:
            raise ValueError(f"{page} has no place for the table {name}")
        before, after = text.split(start)[0], text.split(end)[1]
        text = before + "\n".join([start, *lines, end]) + after
    page.write_text(text)


def disagreements(table: Iterable[Line]) -> list[str]:
    """Every case in which the judge and opt do not agree, a line each."""
    lines = []
    for line in table:
        kinds = [kind for kind in _KINDS if getattr(line, kind)]
        if kinds:
            said = "; ".join(f"{d.code} {d.operator}" for d in line.said) or "nothing"
            ran = line.x86.verdict if line.x86 else None
            heard = line.arm.said or (line.x86.said if line.x86 else "")
            lines.append(
                f"{' '.join(kinds)}: {line.case} {line.version}: judge says {said}; opt "
                f"{'converts' if line.arm.converted else 'aborts'}, x86 {ran} {heard}"
            )
    return lines


_KINDS = ("missed_abort", "false_abort", "missed_fault", "false_alarm")


def _rows(header: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    return [
        "| " + " | ".join(header) + " |",
        "|" + "---|" * len(header),
        *("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows),
    ]


def _item(text: str) -> list[str]:
    """An item of a list, in lines of at most a hundred characters."""
    return textwrap.wrap(text, 100, initial_indent="- ", subsequent_indent="  ")


def _summary(cases: Sequence[lab.Case], table: Sequence[Line], mended: Sequence[Line]) -> list[str]:
    types = {op.type for case in cases for _, _, op in case.parse().operators()}
    rows = []
    for version in VERSIONS:
        before = [line for line in table if line.version == version]
        after = [line for line in mended if line.version == version]
        verdicts = [Counter(line.x86.verdict for line in t if line.x86) for t in (before, after)]
        rows.append(
            [
                version,
                sum(not line.arm.converted for line in before),
                sum(not line.arm.converted for line in after),
                *(
                    f"{v['right']} / {v['wrong']} / {v['aborts']}" if v else "not run"
                    for v in verdicts
                ),
            ]
        )
    header = (
        "Paddle Lite",
        "opt aborts for arm",
        "after mending",
        "x86: right / wrong / aborts",
        "after mending",
    )
    return [f"{len(cases)} cases with {len(types)} operators.", "", *_rows(header, rows)]


def _operators() -> list[str]:
    lines = []
    for older, newer in pairwise(VERSIONS):
        added = measured.of_version(newer).operators - measured.of_version(older).operators
        gone = measured.of_version(older).operators - measured.of_version(newer).operators
        names = " ".join(sorted(added))
        lines += _item(f"new in {newer}: {names}" + (f"; gone: {sorted(gone)}" if gone else ""))
    counts = ", ".join(f"{v}: {len(measured.of_version(v).operators)}" for v in VERSIONS)
    return [f"Operators with a kernel for ARM or the host: {counts}.", "", *lines]


def _faults(lines: Iterable[Line]) -> list[str]:
    """One row for each message, with the cases and versions that it was met in."""
    met: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    lacking: dict[str, dict[str, None]] = {}
    for line in lines:
        unsupported = _UNSUPPORTED.search(line.arm.said)
        if unsupported:
            for operator in unsupported.group(1).split(", "):
                lacking.setdefault(operator, {})[line.version] = None
            continue
        names, versions = met.setdefault(_message(line), ({}, {}))
        names[line.case] = None
        versions[line.version] = None
    rows = [
        [f"`{said}`", _shortened(list(names)), " ".join(versions)]
        for said, (names, versions) in sorted(met.items())
    ]
    return [*_lacking(lacking), *_rows(("what Paddle Lite says", "cases", "versions"), rows)]


_UNSUPPORTED = re.compile(r"unsupported ops are: '([^']*)'")


def _message(line: Line) -> str:
    x86 = line.x86.said if line.x86 and line.x86.verdict else ""
    said = line.arm.said or x86 or "an output differs"
    said = re.sub(r"off by \S+", "wrong answers", said)
    return re.sub(r"Tensor<(\w+),(\w+),[^>]*>:\S+", r"a \2 tensor", said)


def _lacking(operators: dict[str, dict[str, None]]) -> list[str]:
    """Operators of the cases that are not there ("unsupported ops"), by the versions without."""
    groups: dict[str, list[str]] = {}
    for operator, versions in sorted(operators.items()):
        groups.setdefault(" ".join(versions), []).append(operator)
    lines = [
        line
        for versions, names in groups.items()
        for line in _item(f"not in {versions}: {', '.join(names)}")
    ]
    return ["Operators of the cases that are not there:", "", *lines, ""] if lines else []


def _shortened(names: Sequence[str], limit: int = 6) -> str:
    shown = ", ".join(names[:limit])
    return shown + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _defaults() -> list[str]:
    by_operator: dict[str, list[str]] = {}
    for (operator, name), default in sorted(measured.defaults().items()):
        value = "[]" if default.value == () else default.value
        source = default.source.removeprefix("PaddlePaddle ")
        by_operator.setdefault(operator, []).append(f"{name} = {value} ({source})")
    return _rows(
        ("operator", "attribute = default (the PaddlePaddle that registers it)"),
        ([operator, ", ".join(told)] for operator, told in by_operator.items()),
    )


def _agreement(table: Sequence[Line], mended: Sequence[Line]) -> list[str]:
    rows = []
    for title, lines in (("as exported", table), ("after mending", mended)):
        for version in VERSIONS:
            own = [line for line in lines if line.version == version]
            rows.append(
                [title, version, len(own), *(sum(getattr(x, kind) for x in own) for kind in _KINDS)]
            )
    header = (
        "programs",
        "Paddle Lite",
        "cases",
        "missed aborts",
        "wrongly said to abort",
        "missed wrong answers",
        "false alarms",
    )
    return _rows(header, rows)

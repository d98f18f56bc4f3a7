"""Measure anew what carriers do: `python -m tests.oracles.carriers.audit [FOLDER]`.

Prints the tables behind the section "Carriers" of the package's FACTS.md. All of it is thousands of
processes. `--version` and `--only` choose versions of Paddle Lite and programs: `--version 2.12
--only gru/dynamic deform_conv2d/mask 1x/sequence_conv` takes two minutes. The environments are
installed by `python -m tests.oracles.setup paddle18 paddle26 lite213 lite26 lite28 lite29 lite210
lite211`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from ..jobs import Array
from ..lite_demands import lab as bench
from ..lite_demands.lab import Case
from . import cases, cost, lab, trials
from .as_weights import as_weights
from .lab import Spelling
from .trials import Result

NO_FILL_CONSTANT = ("2.6.0",)
"""Versions whose opt for x86 lacks it: there, and only there, the zeros are a parameter."""

NO_LOOKUP_TABLE = ("2.6.0", "2.8")
"""Versions that do not dequantize the weight of a `lookup_table`."""

CONDITIONAL = ("2.8", "2.9", "2.10", "2.11", "2.12", "2.13rc0")
READERS = ("2.9", "2.10", "2.11", "2.12", "2.13rc0")


def main(folder: Path, versions: Sequence[str], only: Sequence[str] = ()) -> None:
    """Measure and print everything, or the programs named in `only`."""
    built = [case for paddle in bench.BUILDERS for case in bench.build(paddle, folder, only)[0]]
    with_weights = [case for case in built if _has_matrices(case)]
    for bits in (8, 16):
        for version in versions:
            for number, how in enumerate(_spellings(version)):
                home = folder / "spelled" / f"{bits}-{number}"
                found = trials.trial(version, with_weights, _choose(how), home, bits)
                _summary(f"{version} INT{bits} {how[0].type}, {how[0].place}", found)
    hand = list(cases.build(folder / "hand"))
    for version in versions:
        for result in trials.trial(version, hand, by_hand(version), folder / "by-hand"):
            print(f"{version:8}{result.case:60}{result.verdict:16} ARM {result.arm}")
    turned = list(as_weights(built, folder / "turned"))
    for version in versions:
        if version in READERS:
            _readers(version, trials.trial(version, turned, _inputs, folder / "readers"), built)
    cost.main(folder / "cost")


def by_hand(version: str) -> trials.Wanted:
    """A carrier for the weight of each program made by hand."""
    how = _best(version)
    return lambda name, array: (
        next((h for h in how if h.takes(array)), None) if name == cases.WEIGHT else None
    )


def _best(version: str) -> tuple[Spelling, ...]:
    matrix = "mul" if version in NO_LOOKUP_TABLE else "lookup_table"
    stored = version in NO_FILL_CONSTANT
    return Spelling(matrix, stored=stored), Spelling("conv2d", stored=stored)


def _spellings(version: str) -> list[tuple[Spelling, ...]]:
    stored = version in NO_FILL_CONSTANT
    tried: list[tuple[Spelling, ...]] = [
        (Spelling(matrix, place, stored=stored), Spelling("conv2d", place, stored=stored))
        for matrix in ("mul", "lookup_table")
        for place in ("first", "fed", "last")
        if matrix == "mul" or version not in NO_FILL_CONSTANT
    ]
    if version in CONDITIONAL:
        tried.append((Spelling("mul", "never"), Spelling("conv2d", "never")))
    return tried


def _choose(how: Sequence[Spelling]) -> trials.Wanted:
    return lambda name, array: next((h for h in how if h.takes(array)), None)


def _inputs(name: str, array: Array) -> Spelling | None:
    how = (Spelling("lookup_table"), Spelling("conv2d"))
    return next((h for h in how if name.startswith("in") and h.takes(array)), None)


def _has_matrices(case: Case) -> bool:
    if not case.params.stat().st_size:
        return False
    return any(a.dtype == "float32" and a.ndim >= 2 for a in lab.parameters(case).values())


def _summary(title: str, results: Sequence[Result]) -> None:
    counts = Counter(result.verdict.split()[0] for result in results)
    print(title, dict(counts))
    for result in results:
        if result.verdict.startswith(("WRONG", "ABORTS")) or result.arm == "NO":
            print(f"    {result.case:44}{result.verdict:16} ARM {result.arm:8}{result.said[:80]}")


def _readers(version: str, results: Sequence[Result], built: Sequence[Case]) -> None:
    """A line per operator and slot that read the weight."""
    by_name = {case.name: case for case in built}
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        name, _, index = result.case.rpartition("#")
        case = by_name[name]
        slots = _slots(case, case.feeds[int(index)])
        verdict = result.verdict.split()[0]
        table[slots][verdict + (" but ARM refuses" if result.arm == "NO" else "")] += 1
    print(f"{version} readers")
    for slots in sorted(table):
        print(f"    {slots:50}", dict(table[slots]))


def _slots(case: Case, name: str) -> str:
    readers = {
        f"{operator.type}.{slot}"
        for _, _, operator in case.parse().operators()
        for slot, names in operator.inputs.items()
        if name in names
    }
    return "+".join(sorted(readers))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.oracles.carriers.audit")
    parser.add_argument("folder", nargs="?", type=Path, help="keep what is made there")
    parser.add_argument("--version", nargs="+", choices=bench.WITH_OLD, default=[*bench.WITH_OLD])
    parser.add_argument("--only", nargs="+", default=[], help="programs of the audit, by name")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="weightquant-carriers-") as made:
        main((given.folder or Path(made)).resolve(), given.version, given.only)

"""python -m tests.benchmarks [--quick] [--large] [NAME...]: measure, and print tables.

The first is for reading, with what was to be reached; the other is for `.docs/measurements.md`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .report import (
    Row,
    machine,
    markdown,
    table,
)
from .rows import GROUPS, measure
from .setting import Setting


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--quick", action="store_true", help="tiny models, run once: does it work")
    parser.add_argument("--large", action="store_true", help="also models of 1, 4 and 12 GB")
    parser.add_argument("--rounds", type=int, default=7, help="runs of every command (7)")
    parser.add_argument("--scratch", type=Path, help="a folder to keep the models in")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in GROUPS]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    with tempfile.TemporaryDirectory(prefix="weightquant-benchmarks-", dir=chosen.scratch) as name:
        setting = Setting(
            scratch=chosen.scratch or Path(name),
            rounds=0 if chosen.quick else chosen.rounds,
            quick=chosen.quick,
            large=chosen.large,
        )
        rows: list[Row] = []
        for group in chosen.names or GROUPS:
            for row in measure(group, setting):
                print(f"{group}: {row.measure}: {row.ours} {row.ratio}", file=sys.stderr)
                rows.append(row)
    print(machine(), table(rows), markdown(rows), sep="\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The networks of `..pir.exported`, saved by Paddle 2.6.2: what opt takes before and after mending.

``python -m tests.oracles.lite_demands.networks_of_2`` prints the table of DEMANDS.md.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.cli.helpers import run

from .. import envs
from ..pir.exported import OTHERS, VISION
from . import lab

VERSIONS = ("2.12", "2.13rc0")
WAYS = {"before": ("--no-mend",), "after": ()}
"""What `quantize --bits 32` is given besides."""


def saved(names: Sequence[str], folder: Path) -> tuple[list[lab.Case], dict[str, str]]:
    """The networks as Paddle 2.6.2 saves them, and why it does not save the others."""
    job, manifest = folder / "job.json", folder / "manifest.json"
    job.write_text(
        json.dumps({"out": str(folder), "manifest": str(manifest), "names": list(names)})
    )
    lab.run_in(envs.PADDLE_26, "build_networks.py", job)
    told = json.loads(manifest.read_text())
    cases = [
        lab.Case(
            name,
            "2.6.2",
            folder / name / "inference.pdmodel",
            folder / name / "inference.pdiparams",
            tuple(feeds),
            ([],) * len(feeds),
            folder / name / "in.npz",
            folder / name / "out.npz",
        )
        for name, feeds in told["saved"].items()
    ]
    return cases, told["failed"]


def written(cases: Sequence[lab.Case], way: str, folder: Path) -> list[lab.Case]:
    """The same after `quantize --bits 32`, as a user calls it."""
    found = []
    for case in cases:
        out = folder / f"{case.name}-{way}"
        run("quantize", "-q", "--bits", "32", *WAYS[way], case.program.parent, out).ok()
        found.append(
            lab.Case(
                case.name,
                case.paddle,
                out / case.program.name,
                out / case.params.name,
                case.feeds,
                case.lods,
                case.values,
                case.answers,
            )
        )
    return found


def main() -> None:
    """Print what each opt does with each network, before and after."""
    with tempfile.TemporaryDirectory(prefix="weightquant-networks-") as name:
        folder = Path(name)
        cases, failed = saved((*VISION, *OTHERS), folder)
        cells: dict[str, list[str]] = {case.name: [] for case in cases}
        for version in VERSIONS:
            for way in WAYS:
                there = written(cases, way, folder / version)
                home = folder / version / way
                home.mkdir()
                for case, outcome in zip(
                    there, lab.convert_afresh(version, there, "arm", home), strict=True
                ):
                    cells[case.name].append("converts" if outcome.converted else outcome.said)
    print("| network |", " | ".join(f"{v}, {w}" for v in VERSIONS for w in WAYS), "|")
    print("|---|---|---|---|---|")
    for network, row in cells.items():
        print(f"| {network} |", " | ".join(row), "|")
    for network, why in failed.items():
        print(f"{network}: not saved: {why.strip().splitlines()[-1]}")


if __name__ == "__main__":
    main()

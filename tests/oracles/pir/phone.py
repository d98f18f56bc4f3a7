"""A `.json` on its way to the phone, as a user takes it: the command line, then Paddle Lite.

Each network is written with 32, 16 and 8 bits and, for the last two, dequantized again. Every opt
converts what was written for arm; what it converts for x86 is run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from tests.cli.helpers import run

from ..jobs import Array, load_outputs, relative_difference
from ..lite_demands import lab
from .exported import OTHERS, PPOCR, VISION, Exported, networks

VERSIONS = ("2.12", "2.13rc0")
BITS = (32, 16, 8)

Key: TypeAlias = tuple[str, str, str]
"""A network, what became of it, and what it was converted for."""

WRITTEN = ("32", "16", "8", "16 dequantized", "8 dequantized")
"""What becomes of a network."""


@dataclass(frozen=True)
class Arrival:
    """What one Paddle Lite made of one network.

    Attributes:
        said: for what it did not convert for arm, or did not run on x86, what it said.
        fp32: how far it is off Paddle 3.3.1, relative to the largest value; None where it aborts.
        quantized: by bits, how far it is off the dequantized twin; None likewise.
    """

    said: dict[str, str]
    fp32: float | None
    quantized: dict[int, float | None]


def write(case: Exported, home: Path) -> dict[str, Path]:
    """Write a network in every way into `home`, by the command line; the folders by name.

    Raises:
        AssertionError: a command fails, or the check finds fault.
    """
    folders = {name: home / f"{case.name}-{name}".replace(" ", "-") for name in WRITTEN}
    for bits in BITS:
        run("quantize", "-q", "--bits", str(bits), case.folder / "m", folders[str(bits)]).ok()
    for bits in BITS[1:]:
        twin = folders[f"{bits} dequantized"]
        run("dequantize-check", "-q", "--save-dequantized", twin, folders[str(bits)]).ok()
    return folders


def arrive(
    cases: Sequence[Exported], folder: Path, versions: Sequence[str] = VERSIONS
) -> dict[tuple[str, str], Arrival]:
    """What each Paddle Lite makes of each network, by name and version."""
    tasks = {}
    for case in cases:
        for name, written in write(case, folder).items():
            tasks[case.name, name] = _task(case, written)

    def of_version(version: str) -> list[tuple[tuple[str, str], Arrival]]:
        home = folder / f"lite-{version}"
        home.mkdir()
        for_arm = {key: task for key, task in tasks.items() if key[1] in map(str, BITS)}
        arm = lab.convert_afresh(version, list(for_arm.values()), "arm", home)
        x86 = lab.convert_afresh(version, list(tasks.values()), "x86", home, run=True)
        said = {
            (*key, target): outcome.said
            for target, keys, outcomes in (("arm", for_arm, arm), ("x86", tasks, x86))
            for key, outcome in zip(keys, outcomes, strict=True)
            if not outcome.converted or outcome.verdict == "aborts"
        }
        answers = {
            key: load_outputs(home / f"ran-{version}-{number}.npz")
            for number, (key, outcome) in enumerate(zip(tasks, x86, strict=True))
            if outcome.verdict in ("right", "wrong")
        }
        return [((case.name, version), _arrival(case, said, answers)) for case in cases]

    with ThreadPoolExecutor(max_workers=2) as executor:
        return dict(found for each in executor.map(of_version, versions) for found in each)


def _task(case: Exported, written: Path) -> lab.Case:
    return lab.Case(
        case.name,
        "3.3.1",
        written / "m.pdmodel",
        written / "m.pdiparams",
        case.feeds,
        ([],) * len(case.feeds),
        case.folder / "m.in.npz",
        case.folder / "m.out.npz",
    )


def _arrival(
    case: Exported, said: Mapping[Key, str], answers: Mapping[tuple[str, str], list[Array]]
) -> Arrival:
    def off(name: str, twin: str | None = None) -> float | None:
        answer = answers.get((case.name, name))
        right = case.answer() if twin is None else answers.get((case.name, twin))
        return None if answer is None or right is None else relative_difference(right, answer)

    return Arrival(
        {f"{name}, {target}": text for (of, name, target), text in said.items() if of == case.name},
        off("32"),
        {bits: off(str(bits), f"{bits} dequantized") for bits in BITS[1:]},
    )


def main() -> None:
    """Print a table of every network."""
    with tempfile.TemporaryDirectory(prefix="weightquant-phone-") as name:
        folder = Path(name)
        cases = networks((*VISION, *OTHERS), tuple(PPOCR), folder)
        found = arrive(cases, folder)
    print("| network | Paddle Lite | FP32 | INT16 | INT8 |\n|---|---|---|---|---|")
    for (network, version), one in sorted(found.items()):
        cells = (one.fp32, one.quantized[16], one.quantized[8])
        shown = ("-" if cell is None else f"{cell:.0e}" for cell in cells)
        why = "; ".join(sorted(set(one.said.values())))
        print("|", " | ".join((network, version, *shown)), "|", why)


if __name__ == "__main__":
    main()

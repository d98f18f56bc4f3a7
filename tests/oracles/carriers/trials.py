"""Run carriers beside their twins in every Paddle Lite."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from weightquant_cli.core.lite.demands.mend import mend

from ..jobs import Array
from ..lite_demands import lab as bench
from ..lite_demands.lab import Case
from . import lab
from .lab import Spelling

Wanted = Callable[[str, Array], Spelling | None]

TOLERANCE = 2e-5
"""How far two outputs may be apart, relative to the largest value."""


@dataclass(frozen=True)
class Result:
    """What one Paddle Lite made of one case with carriers.

    Attributes:
        case: its name.
        version: of Paddle Lite.
        carriers: how many weights were carried.
        fp32: how the twin fared beside Paddle's FP32 answer: ``right`` or ``wrong`` by 1e-4;
            ``aborts``, ``refused`` by opt, or ``unsteady``: it answers otherwise every time.
        off: how far the carried model's outputs are from its twin's; None where it did not run.
        said: what Paddle Lite said where it failed.
        arm: ``yes``, ``NO`` where opt refuses the carried model for ARM alone, or ``FP32 no``.
    """

    case: str
    version: str
    carriers: int
    fp32: str
    off: float | None
    said: str
    arm: str

    @property
    def verdict(self) -> str:
        """In one word, or the difference."""
        if self.fp32 in ("refused", "aborts", "unsteady"):
            return f"FP32 {self.fp32}"
        if self.off is None:
            return "ABORTS"
        return f"right {self.off:.0e}" if self.off <= TOLERANCE else f"WRONG {self.off:.1e}"


def trial(
    version: str, cases: Sequence[Case], wanted: Wanted, folder: Path, bits: int = 8
) -> list[Result]:
    """Cases with carriers against their twins in one Paddle Lite; those without are left out."""
    folder = folder / version
    pairs = [
        _pair(case, wanted, bits, folder / str(number))
        for number, case in enumerate(cases)
        if any((how := wanted(n, a)) and how.takes(a) for n, a in lab.parameters(case).items())
    ]
    for each in ("twin", "carried", "arm", "again"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    twins, carried = [pair.twin for pair in pairs], [pair.carried for pair in pairs]
    before = bench.convert_afresh(version, twins, "x86", folder / "twin", run=True)
    after = bench.convert_afresh(version, carried, "x86", folder / "carried", run=True)
    arm = bench.convert_afresh(version, carried, "arm", folder / "arm")
    phone = _on_the_phone(version, twins, arm, folder / "arm")
    off = {
        i: lab.difference(
            _answer(folder, "carried", version, i), _answer(folder, "twin", version, i)
        )
        for i in range(len(pairs))
        if _ran(before[i]) and _ran(after[i])
    }
    unsteady = _unsteady(version, {i: twins[i] for i in off if off[i] > TOLERANCE}, folder)
    results = []
    for i, pair in enumerate(pairs):
        fp32 = "unsteady" if i in unsteady else before[i].verdict or "refused"
        said = "" if i in off else after[i].said or arm[i].said
        name = pair.twin.name
        results.append(Result(name, version, pair.count, fp32, off.get(i), said, phone[i]))
    return results


@dataclass(frozen=True)
class _Pair:
    twin: Case
    carried: Case
    count: int


def _pair(case: Case, wanted: Wanted, bits: int, home: Path) -> _Pair:
    plain, arrays = case.parse(), lab.parameters(case)
    mend(plain)
    program, stored, twin = lab.carried(plain, arrays, wanted, bits)
    return _Pair(
        lab.write(case, plain, twin, home / "twin"),
        lab.write(case, program, stored, home / "carried"),
        sum(stored[name].dtype != arrays[name].dtype for name in arrays),
    )


def _on_the_phone(
    version: str, twins: Sequence[Case], carried: Sequence[bench.Outcome], folder: Path
) -> list[str]:
    """`Result.arm` of each: the twins alone are converted only where the carried are refused."""
    refused = [i for i, outcome in enumerate(carried) if not outcome.converted]
    alone = bench.convert_afresh(version, [twins[i] for i in refused], "arm", folder)
    words = ["yes"] * len(carried)
    for i, outcome in zip(refused, alone, strict=True):
        words[i] = "NO" if outcome.converted else "FP32 no"
    return words


def _answer(folder: Path, of: str, version: str, number: int) -> Path:
    return folder / of / f"ran-{version}-{number}.npz"


def _unsteady(version: str, twins: Mapping[int, Case], folder: Path) -> set[int]:
    """Which FP32 models answer otherwise when they are run again: kernels that read garbage."""
    bench.convert_afresh(version, list(twins.values()), "x86", folder / "again", run=True)
    return {
        i
        for place, i in enumerate(twins)
        if lab.difference(
            _answer(folder, "again", version, place), _answer(folder, "twin", version, i)
        )
        > TOLERANCE
    }


def _ran(outcome: bench.Outcome) -> bool:
    return outcome.verdict in ("right", "wrong")

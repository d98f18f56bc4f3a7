"""What the judge says against what opt does, case by case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from weightquant_cli.core.lite.demands.demand import Demand, Effect
from weightquant_cli.core.lite.demands.judge import findings
from weightquant_cli.core.lite.demands.mend import mend
from weightquant_cli.formats.dtypes import DataType
from weightquant_cli.formats.program import Program

from . import lab

ONLY_ON_X86 = {
    "set_value": "its x86 kernel differs from that for the host",
}
"""Cases whose answers on x86 say nothing about ARM, by the name before a slash."""


@dataclass(frozen=True)
class Line:
    """One case in one version.

    Attributes:
        case: its name.
        version: of Paddle Lite.
        said: what the judge finds.
        arm: what opt did for ARM.
        x86: what opt did for x86, and what the result answered there; None where not tried.
    """

    case: str
    version: str
    said: tuple[Demand, ...]
    arm: lab.Outcome
    x86: lab.Outcome | None

    @property
    def missed_abort(self) -> bool:
        """The judge says that it converts, and opt aborts."""
        return not self.arm.converted and not self._refused and not self._doubted

    @property
    def false_abort(self) -> bool:
        """The judge says that opt aborts, and it converts."""
        return self.arm.converted and self._refused

    @property
    def missed_fault(self) -> bool:
        """The judge finds nothing, and the x86 runtime aborts or is wrong."""
        return self._ran and not self.said and self._verdict != "right"

    @property
    def false_alarm(self) -> bool:
        """The judge finds something, and opt converts it and the answers are right."""
        heard = self.said and not self._doubted
        return self.arm.converted and self._ran and bool(heard) and self._verdict == "right"

    @property
    def _refused(self) -> bool:
        return any(demand.effect is Effect.NOT_CONVERTED for demand in self.said)

    @property
    def _doubted(self) -> bool:
        return any(demand.effect is Effect.MAY_NOT_CONVERT for demand in self.said)

    @property
    def _ran(self) -> bool:
        known = self.case.removeprefix("1x/").split("/")[0] in ONLY_ON_X86
        return self.x86 is not None and self.x86.converted and not known

    @property
    def _verdict(self) -> str | None:
        return None if self.x86 is None else self.x86.verdict


def stored_types(program: Program) -> dict[str, DataType]:
    """The types of the parameters; the builders store every one as declared."""
    return {
        variable.name: variable.dtype
        for block in program.blocks
        for variable in block.variables
        if variable.is_parameter and variable.dtype is not None
    }


def judged(
    cases: Sequence[lab.Case],
    arm: Mapping[str, Sequence[lab.Outcome]],
    x86: Mapping[str, Sequence[lab.Outcome]],
) -> list[Line]:
    """The truth table of these cases, for every version in `arm`."""
    lines = []
    for number, case in enumerate(cases):
        program = case.parse()
        types = stored_types(program)
        for version, outcomes in arm.items():
            ran = x86[version][number] if version in x86 else None
            said = findings(program, types, version)
            lines.append(Line(case.name, version, said, outcomes[number], ran))
    return lines


def mended(cases: Sequence[lab.Case], folder: Path) -> list[lab.Case]:
    """The cases after `mend`."""
    folder.mkdir(exist_ok=True)
    changed = []
    for number, case in enumerate(cases):
        program = case.parse()
        mend(program)
        changed.append(case.changed(program, folder / f"mended-{number}.pdmodel"))
    return changed

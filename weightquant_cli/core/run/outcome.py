"""What a run gives: outputs, and in so many words what it could not compute and why."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...errors import listed
from .errors import RunError
from .graph import Site
from .scope import size_of
from .values import Array, Lod, Value


class Cause(enum.Enum):
    """Why an operator was not run."""

    UNKNOWN = "unknown operator"
    UNSUPPORTED = "unsupported attributes or inputs"
    FAILED = "failed"
    BEHIND = "its inputs are missing"


@dataclass(frozen=True, slots=True)
class NotRun:
    """An operator of the main block that was not run.

    Attributes:
        site: where it stands.
        cause: why.
        message: the reason in words; for `Cause.FAILED` with the shapes of the inputs.
        outputs: the variables that are missing for it.
    """

    site: Site
    cause: Cause
    message: str
    outputs: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.site}: {self.message}"


@dataclass(frozen=True, slots=True)
class NonFinite:
    """The first operator whose output held a NaN or an infinity.

    Attributes:
        site: where it stands.
        variable: the output.
        kind: ``NaN`` or ``infinity``.
    """

    site: Site
    variable: str
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} from {self.site} on, in {self.variable}"


@dataclass(frozen=True)
class Snapshot:
    """The variables that are alive before an operator of the main block, to go on from.

    The arrays are those of the run, not copies.

    Attributes:
        operator: index in the main block of the first operator to run.
        values: live variables by name, without parameters.
        missing: variables that the run before could not compute, and why.
    """

    operator: int
    values: Mapping[str, Value]
    missing: Mapping[str, Site] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the arrays; one that several variables share is counted each time."""
        return sum(size_of(value) for value in self.values.values())


@dataclass(frozen=True)
class Outcome:
    """The result of a run.

    Attributes:
        outputs: what was fetched, or kept by name, and could be computed; in order.
        lods: the LoD of those outputs that have one.
        missing: names of the outputs that could not be computed.
        not_run: operators of the main block that were not run, in order.
        unreached_weights: parameters of which no reader was run, in byte order.
        non_finite: where NaN or infinity in the outputs came from, or None.
        snapshots: those asked for, by the index of their operator.
    """

    outputs: Mapping[str, Array]
    lods: Mapping[str, Lod]
    missing: tuple[str, ...]
    not_run: tuple[NotRun, ...]
    unreached_weights: tuple[str, ...]
    non_finite: NonFinite | None
    snapshots: Mapping[int, Snapshot]

    @property
    def complete(self) -> bool:
        """Whether every output was computed, and is finite."""
        return not self.missing and self.non_finite is None

    def require(self) -> Outcome:
        """This outcome, if it is complete.

        Raises:
            RunError: an output is missing or not finite; says from which operator on.
        """
        if self.missing:
            first = next((one for one in self.not_run if one.cause is not Cause.BEHIND), None)
            raise RunError(
                f"the model cannot be run to its end: {first}" if first else "outputs are missing",
                site=first.site if first else None,
                variable=first.outputs[0] if first and first.outputs else self.missing[0],
                found=f"no value for {listed(self.missing)}",
            )
        if self.non_finite is not None:
            raise RunError(
                f"the outputs are not finite: {self.non_finite}",
                site=self.non_finite.site,
                variable=self.non_finite.variable,
                remedy="run it on other inputs",
            )
        return self

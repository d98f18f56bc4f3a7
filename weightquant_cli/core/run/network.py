"""A program that can be run, often and from any operator on."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from functools import cached_property

from ...formats.program import Program
from . import operators as operators  # registers every kernel
from .call import DEFAULT_LIMIT
from .control import CONTROL
from .errors import RunError
from .freed_memory import keep_freed_memory
from .graph import Graph, Site, Step, prepare
from .machine import Machine, NotComputed, non_finite_kind
from .observer import Observer
from .outcome import Cause, NonFinite, NotRun, Outcome, Snapshot
from .registry import KERNELS
from .scope import Load, Parameters, Scope
from .values import Array, Lod, Tensor, check_lod

Inputs = Mapping[str, Array | Tensor]


class Network:
    """An inference program, prepared once.

    Nothing of a run stays on the object, so several threads may run it, if `load` allows that.

    Args:
        program: what to run.
        load: gives a parameter's values by name. It is called whenever an operator reads one;
            keeping them between calls is its affair (`parameters.cached`).
        limit: bytes that all variables of a run may take, without its parameters; an operator
            that wants more is not run.
    """

    def __init__(self, program: Program, load: Load, *, limit: int = DEFAULT_LIMIT) -> None:
        keep_freed_memory()
        self.graph: Graph = prepare(program)
        self._load = load
        self._limit = limit

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the variables to be fed, in order."""
        return self.graph.inputs

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the variables that are fetched, in order."""
        return self.graph.outputs

    @cached_property
    def unknown(self) -> tuple[Site, ...]:
        """The operators of every block for which there is no kernel."""
        return tuple(
            step.site
            for step in self.graph.walk()
            if step.type not in KERNELS and step.type not in CONTROL
        )

    def first_reader(self, name: str) -> int:
        """Index of the first operator of the main block that reads a variable.

        Raises:
            KeyError: none does.
        """
        for step in self.graph.steps:
            if name in step.reads:
                return step.site.index
        raise KeyError(name)

    def run(
        self,
        inputs: Inputs,
        *,
        replace: Mapping[str, Array] | None = None,
        observer: Observer | None = None,
        keep: Sequence[str] = (),
        snapshots: Collection[int] = (),
    ) -> Outcome:
        """Run the whole program.

        Args:
            inputs: arrays, or tensors with their LoD, for every variable of `self.inputs`.
            replace: parameters to use in place of the stored ones.
            observer: is told of every operator, and may replace variables.
            keep: variables to give as outputs besides those that are fetched.
            snapshots: indexes of operators of the main block to keep the state before.

        Raises:
            RunError: an input is missing, or its LoD does not fit its rows.
        """
        values = {name: self._input(inputs, name) for name in self.inputs}
        start = Snapshot(0, values)
        return self.resume(
            start, replace=replace, observer=observer, keep=keep, snapshots=snapshots
        )

    def walk(
        self, inputs: Inputs, *, keep: Sequence[str] = ()
    ) -> Generator[tuple[Step, Mapping[str, Array]], None, Outcome]:
        """Run the whole program operator by operator, at the caller's pace; `keep` as for `run`.

        Yields:
            Each step of the main block after it was run, with the tensors that it has written, by
            name; none where it could not be run.

        Returns:
            The outcome, as the value of the generator.

        Raises:
            RunError: as `run` raises it.
        """
        start = Snapshot(0, {name: self._input(inputs, name) for name in self.inputs})
        parameters = Parameters(self.graph.parameters, self._load, {})
        machine = Machine(self.graph, parameters, None, self._limit)
        run = _Run(self.graph, machine, frozenset(keep), frozenset())
        scope = machine.root()
        for step in run.steps(start, scope):
            values = {name: scope.values.get(name) for name in sorted(step.writes)}
            yield (
                step,
                {name: value.array for name, value in values.items() if isinstance(value, Tensor)},
            )
        return run.finish(scope)

    def resume(
        self,
        snapshot: Snapshot,
        *,
        replace: Mapping[str, Array] | None = None,
        observer: Observer | None = None,
        keep: Sequence[str] = (),
        snapshots: Collection[int] = (),
    ) -> Outcome:
        """Run on from a snapshot of an earlier run; arguments as for `run`.

        What lies before the snapshot is not run again, so a replaced parameter that is read
        there as well has no effect there.
        """
        parameters = Parameters(self.graph.parameters, self._load, dict(replace or {}))
        machine = Machine(self.graph, parameters, observer, self._limit)
        run = _Run(self.graph, machine, frozenset(keep), frozenset(snapshots))
        scope = machine.root()
        for _ in run.steps(snapshot, scope):
            pass
        return run.finish(scope)

    def _input(self, inputs: Inputs, name: str) -> Tensor:
        if name not in inputs:
            raise RunError("an input of the model is missing", variable=name)
        value = inputs[name]
        tensor = value if isinstance(value, Tensor) else Tensor(value)
        if tensor.lod:
            rows = tensor.array.shape[0] if tensor.array.ndim else 0
            wrong = check_lod(tensor.lod, rows)
            if wrong is not None:
                raise RunError(f"the input's LoD does not fit: {wrong}", variable=name)
        return tensor


class _Run:
    """The main block of one run."""

    def __init__(
        self, graph: Graph, machine: Machine, keep: frozenset[str], wanted: frozenset[int]
    ) -> None:
        self._graph = graph
        self._machine = machine
        self._keep = keep
        self._wanted = wanted
        self._kept: dict[str, Tensor] = {}
        self._not_run: list[NotRun] = []
        self._snapshots: dict[int, Snapshot] = {}
        self._first = 0

    def steps(self, snapshot: Snapshot, scope: Scope) -> Iterator[Step]:
        """Run everything from the snapshot on; each step is given while its variables are alive."""
        for name, value in snapshot.values.items():
            scope.write(name, value)
        scope.missing.update(snapshot.missing)
        self._first = snapshot.operator
        for step in self._graph.steps[snapshot.operator :]:
            self._take_snapshot(step.site.index, scope)
            self._run_step(step, scope)
            for name in step.writes & self._keep:
                self._remember(name, scope)
            yield step
            for name in step.frees:
                scope.drop(name)
        self._take_snapshot(len(self._graph.steps), scope)

    def finish(self, scope: Scope) -> Outcome:
        """The outcome, from the variables that are left."""
        for name in self._graph.outputs:
            self._remember(name, scope)
        names = dict.fromkeys((*self._graph.outputs, *sorted(self._keep)))
        outputs = {name: self._kept[name].array for name in names if name in self._kept}
        lods: dict[str, Lod] = {
            name: self._kept[name].lod for name in outputs if self._kept[name].lod
        }
        return Outcome(
            outputs,
            lods,
            tuple(name for name in names if name not in outputs),
            tuple(self._not_run),
            self._unreached(),
            self._non_finite(outputs),
            self._snapshots,
        )

    def _take_snapshot(self, index: int, scope: Scope) -> None:
        if index in self._wanted:
            self._snapshots[index] = Snapshot(index, dict(scope.values), dict(scope.missing))

    def _run_step(self, step: Step, scope: Scope) -> None:
        try:
            self._machine.execute(step, scope)
        except NotComputed as error:
            written = tuple(sorted(step.writes - self._graph.parameters))
            self._not_run.append(NotRun(step.site, error.cause, error.message, written))
            origin = step.site
            if error.cause is Cause.BEHIND and error.__cause__ is not None:
                origin = getattr(error.__cause__, "site", None) or step.site
            for name in written:
                scope.lose(name, origin)

    def _remember(self, name: str, scope: Scope) -> None:
        value = scope.values.get(name)
        if isinstance(value, Tensor):
            self._kept[name] = value

    def _unreached(self) -> tuple[str, ...]:
        """Parameters that are read only by steps that were not run."""
        left_out = {one.site.index for one in self._not_run}
        run: set[str] = set()
        other: set[str] = set()
        for step in self._graph.steps[self._first :]:
            target = other if step.site.index in left_out else run
            target |= step.reads & self._graph.parameters
        return tuple(sorted(other - run))

    def _non_finite(self, outputs: Mapping[str, Array]) -> NonFinite | None:
        kinds = {non_finite_kind(array) for array in outputs.values()}
        for kind in ("NaN", "infinity"):
            if kind in kinds and self._machine.non_finite:
                found = self._machine.non_finite
                return found.get(kind) or next(iter(found.values()))
        return None

"""What quantizing did to a model's answers: both models run on the same inputs, side by side.

The quantized model computes with its weights as Paddle Lite dequantizes them, and so does a
reference that is quantized itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from ... import threads
from ...errors import ModelError, listed
from ..lite.tags import ModelTags
from ..model.model import Model
from ..quantize.dequantized import dequantized
from ..run import Array, Cause, Network, Outcome, Step, Tensor, cached
from ..run.answers import squashed
from ..run.compare import Differences, OutputComparison, OutputDifference
from ..run.inputs import SampleOptions, samples
from ..run.lockstep import Lockstep, Pair
from ..run.parameters import DEFAULT_CACHE

SEED = 1
"""Of made-up inputs: others than those by which adaptive rounding has rounded."""

COUNT = 12
"""Of made-up inputs: fewer than for rounding, which wants many places of each."""

MOST_NOISE = 1e12
"""Noise as a share of the power, where nothing of the reference is left."""

Sample = Mapping[str, Array | Tensor]


def for_comparing(given: SampleOptions) -> SampleOptions:
    """The same inputs where they are the user's, and others where they are made up."""
    return replace(given, seed=SEED, count=min(given.count, COUNT))


@dataclass(frozen=True)
class RunOptions:
    """How both models are run.

    Attributes:
        samples: on which inputs.
        layers: whether the outputs of every operator are compared, not those of the models alone.
        jobs: threads; None takes the CPUs that this process may use. With two, the models are run
            at the same time, but for `layers`.
    """

    samples: SampleOptions = field(default_factory=lambda: for_comparing(SampleOptions()))
    layers: bool = False
    jobs: int | None = None


@dataclass(frozen=True)
class LayerDifference:
    """How far one output of one operator is from the reference.

    Attributes:
        difference: over all inputs; its name is the variable's.
        operator: the operator's type.
        index: its place in the reference's main block.
        weight: the quantized weight that it reads, or None.
        added: by how much the share of noise in its power is larger than that in what it reads.
    """

    difference: OutputDifference
    operator: str
    index: int
    weight: str | None
    added: float


@dataclass(frozen=True)
class ComparedOutputs:
    """The answers of a quantized model beside those of its reference.

    Attributes:
        samples: inputs on which both were run.
        outputs: in the order of the model, with the reference's names.
        layers: the operators' outputs that both could compute, in the reference's order; None where
            they were not asked for.
        stops: from which operator on a model could not be run, a line for each of the two at most.
        non_finite: from which operator on outputs hold NaN or infinity, likewise.
    """

    samples: int
    outputs: tuple[OutputDifference, ...]
    layers: tuple[LayerDifference, ...] | None
    stops: tuple[str, ...]
    non_finite: tuple[str, ...]

    @property
    def breaks(self) -> tuple[LayerDifference, ...]:
        """The operators that add noise, each by its noisiest output, most of it first."""
        noisiest: dict[int, LayerDifference] = {}
        for layer in self.layers or ():
            before = noisiest.get(layer.index)
            if layer.added > (0.0 if before is None else before.added):
                noisiest[layer.index] = layer
        return tuple(sorted(noisiest.values(), key=lambda layer: (-layer.added, layer.index)))


def compare_model_outputs(
    model: Model,
    reference: Model,
    options: RunOptions | None = None,
    tags: ModelTags | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> ComparedOutputs:
    """Run both models, and compare their outputs.

    Args:
        model: the quantized model, whose weights can be dequantized (`check` says whether).
        reference: the model that it was made from.
        options: on which inputs, and whether operator by operator; None takes the defaults.
        tags: of the quantized model, where they have been found already.
        step: told 1 after each input.

    Raises:
        OptionError: inputs that do not fit the model, or its memory.
        ModelError: models of another number of inputs; data that cannot be read.
    """
    options = options or RunOptions()
    networks = (
        _network(reference, ModelTags(reference)),
        _network(model, tags := tags or ModelTags(model)),
    )
    quantized = frozenset(weight.name for weight in model.weights if tags.is_quantized(weight))
    names = _paired(networks[0].inputs, networks[1].inputs)
    if len(names) < max(len(network.inputs) for network in networks):
        raise ModelError(
            "the model has other inputs than the reference",
            path=model.files.folder,
            expected=listed(networks[0].inputs),
            found=listed(networks[1].inputs),
        )
    return _Comparison(*networks, options, quantized).over(
        samples(reference, options.samples, runs=2), names, step
    )


def _network(model: Model, tags: ModelTags) -> Network:
    return Network(model.program, cached(dequantized(model, tags), DEFAULT_CACHE // 2))


def _paired(ours: Sequence[str], theirs: Sequence[str]) -> dict[str, str]:
    """The reference's names with those of the other model: the same ones, or else by their order.

    PaddlePaddle names outputs anew whenever it saves a model.
    """
    if set(ours) != set(theirs) and len(ours) == len(theirs):
        return dict(zip(ours, theirs, strict=True))
    return {name: name for name in ours if name in theirs}


def _both_squashed(
    reference: Network, other: Network, outputs: Mapping[str, str]
) -> dict[str, tuple[str, str]]:
    """For each output, by the reference's name, that both models squash: what is before that."""
    ours, theirs = squashed(reference.graph), squashed(other.graph)
    return {
        name: (ours[name], theirs[outputs[name]]) for name in ours if outputs.get(name) in theirs
    }


def stop_of(whose: str, outcome: Outcome) -> str | None:
    """From which operator on a model could not be run, where an output is missing for that."""
    first = next((one for one in outcome.not_run if one.cause is not Cause.BEHIND), None)
    if not outcome.missing or first is None:
        return None
    return f"{whose} cannot be run from here on: {first}"


def non_finite_from(whose: str, outcome: Outcome) -> str | None:
    """From which operator on a model gives NaN or infinity."""
    return None if outcome.non_finite is None else f"{whose} gives {outcome.non_finite}"


class _Comparison:
    """What is added up over the inputs."""

    def __init__(
        self, reference: Network, other: Network, options: RunOptions, quantized: frozenset[str]
    ) -> None:
        self._networks = (reference, other)
        self._jobs = options.jobs
        self._lockstep = Lockstep(reference, other) if options.layers else None
        self._quantized = quantized
        self._paired = _paired(reference.outputs, other.outputs)
        self._before = _both_squashed(reference, other, self._paired)
        self._outputs = OutputComparison({name: pair[0] for name, pair in self._before.items()})
        self._layers: dict[tuple[int, str], tuple[Step, Differences]] = {}
        self._stops: dict[str, str] = {}
        self._non_finite: dict[str, str] = {}

    def over(
        self, inputs: Iterable[Sample], names: Mapping[str, str], step: Callable[[int], None]
    ) -> ComparedOutputs:
        """Everything, once the models were run on all inputs."""
        count = 0
        for sample in inputs:
            reference, other = self._run(sample, {names[name]: sample[name] for name in names})
            self._note("the reference", reference)
            self._note("the model", other)
            self._add(reference.outputs, other.outputs)
            count += 1
            step(1)
        return ComparedOutputs(
            count,
            self._outputs.results(self._networks[0].outputs),
            None if self._lockstep is None else tuple(self._layer_differences()),
            tuple(self._stops.values()),
            tuple(self._non_finite.values()),
        )

    def _run(self, inputs: Sample, other_inputs: Sample) -> tuple[Outcome, Outcome]:
        ours, theirs = ([pair[index] for pair in self._before.values()] for index in (0, 1))
        if self._lockstep is not None:
            return self._lockstep.run(inputs, other_inputs, self._take, (ours, theirs))
        one, two = self._networks
        runs = (partial(one.run, inputs, keep=ours), partial(two.run, other_inputs, keep=theirs))
        reference, other = threads.run(lambda run, _: run(), runs, self._jobs)
        return reference, other

    def _add(self, reference: Mapping[str, Array], other: Mapping[str, Array]) -> None:
        """Compare the outputs on one input."""
        paired = {**self._paired, **dict(self._before.values())}
        self._outputs.add(
            {name: reference.get(name) for name in (*self._networks[0].outputs, *paired)},
            {name: other[theirs] for name, theirs in paired.items() if theirs in other},
        )

    def _take(self, pair: Pair) -> None:
        key = (pair.step.site.index, pair.name)
        self._layers.setdefault(key, (pair.step, Differences()))[1].add(pair.reference, pair.other)

    def _note(self, whose: str, outcome: Outcome) -> None:
        if (stop := stop_of(whose, outcome)) is not None:
            self._stops.setdefault(whose, stop)
        if (where := non_finite_from(whose, outcome)) is not None:
            self._non_finite.setdefault(whose, where)

    def _layer_differences(self) -> Iterator[LayerDifference]:
        noise: dict[str, float] = {}
        for (index, name), (step, differences) in self._layers.items():
            found = differences.result(name)
            if found.mismatched == found.samples:
                continue
            before = max((noise.get(read, 0.0) for read in step.reads), default=0.0)
            share = min(10 ** (-found.sqnr_db / 10), MOST_NOISE)
            weight = min(step.reads & self._quantized, default=None)
            yield LayerDifference(found, step.type, index, weight, share - before)
            noise[name] = share

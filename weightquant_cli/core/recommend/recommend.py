"""What each setting makes of a model: sizes, answers beside those of FP32, time. In memory alone.

One setting is dealt with at a time. FP32 is run once for each input, as long as its answers take
no more than `KEPT_BYTES`; beyond that it is run again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..check.compare_outputs import SEED, Sample, non_finite_from, stop_of
from ..lite.naive_buffer import NaiveBufferSize
from ..model.model import Model
from ..plan.options import AutoBits
from ..plan.plan import Plan, make_plan
from ..quantize.adaptive.adaptive import round_adaptively
from ..quantize.adaptive.result import NO_ROUNDING
from ..quantize.auto_bits import HIGH, LOW, plan_model
from ..quantize.compressed import Candidate, compressed_sizes
from ..quantize.dequantized import planned
from ..quantize.quantize import refuse_quantized
from ..quantize.sizes import CompressedSizes, Sizes, exact_sizes, sizes_with
from ..quantize.tagged_program import TaggedProgram
from ..run import Array, Network, Outcome, cached, stored
from ..run.compare import OutputComparison, OutputDifference
from ..run.inputs import SampleOptions, samples
from ..run.parameters import DEFAULT_CACHE
from .settings import SETTINGS, Setting

KEPT_BYTES = 256 << 20
"""Of FP32's answers."""


@dataclass(frozen=True)
class Measured:
    """What a setting makes of the model.

    Attributes:
        setting: which one.
        sizes: bytes before and after.
        naive_buffer: of the `.nb` to expect; None where that is not known.
        compressed: deflated bytes.
        outputs: how far each output is from FP32, over all inputs.
        seconds: what choosing bits, rounding and compressing took; without the comparison.
    """

    setting: Setting
    sizes: Sizes
    naive_buffer: NaiveBufferSize | None
    compressed: CompressedSizes
    outputs: tuple[OutputDifference, ...]
    seconds: float

    @property
    def is_compared(self) -> bool:
        """Whether every output could be compared on every input, and is finite."""
        return bool(self.outputs) and not any(
            one.mismatched or one.non_finite or not one.elements for one in self.outputs
        )

    @property
    def sqnr_db(self) -> float | None:
        """The SQNR of the worst output; None where none could be compared."""
        return min((one.sqnr_db for one in self.outputs if one.elements), default=None)

    @property
    def agreement(self) -> float | None:
        """The agreement of the worst output in percent; None where none has rows to compare."""
        shares = (one.agreement for one in self.outputs)
        return min((share for share in shares if share is not None), default=None)


@dataclass(frozen=True)
class LeftOut:
    """A setting with a target size that says nothing of this model.

    Attributes:
        setting: which one.
        why: in a few words.
    """

    setting: Setting
    why: str


@dataclass(frozen=True)
class Comparison:
    """All settings, beside each other.

    Attributes:
        settings: what each makes of the model; none where nothing can be quantized.
        left_out: those that were not tried, since their size is out of the model's range.
        samples: inputs on which the answers were compared.
        notes: from which operator on the FP32 model could not be run, or is not finite.
    """

    settings: tuple[Measured, ...]
    left_out: tuple[LeftOut, ...]
    samples: int
    notes: tuple[str, ...]


def compare_settings(
    model: Model,
    given: SampleOptions | None = None,
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
    settings: Sequence[Setting] = SETTINGS,
) -> Comparison:
    """Try every setting on a model; nothing is written.

    Args:
        model: the FP32 model.
        given: what it is run on; None makes inputs up. Those that weights are rounded by and those
            that answers are compared on are made up differently, as by `quantize` and the check.
        jobs: threads; None takes the CPUs that this process may use.
        step: told 1 for each setting that was carried out, and after each input.
        settings: which ones.

    Raises:
        AlreadyQuantizedError: the model holds quantized weights.
        NonFiniteWeightError: NaN or infinity in a weight that is to be quantized.
        OptionError: inputs that do not fit the model, or its memory.
        ModelError: the weights cannot be read.
    """
    wanted = given or SampleOptions()
    work = _Work(model, wanted, jobs, step, _Answers(model))
    measured, left_out = [], []
    for setting in settings:
        plan = make_plan(model, setting.options)
        refuse_quantized(model, plan)
        if not plan.quantized:
            continue
        why = _out_of_range(model, setting)
        if why is None:
            measured.append(work.measure(setting))
        else:
            left_out.append(LeftOut(setting, why))
    model.stored.verify_unchanged()
    return Comparison(
        tuple(measured), tuple(left_out), work.answers.samples, tuple(work.answers.notes)
    )


def _out_of_range(model: Model, setting: Setting) -> str | None:
    """Why a target size would give an error, or what another setting gives already."""
    if not isinstance(setting.bits, AutoBits) or setting.bits.target_size is None:
        return None
    limit = setting.bits.target_size.of(model.stored.size)
    low, high = (
        exact_sizes(model, make_plan(model, replace(setting.options, bits=bits)), True).after
        for bits in (LOW, HIGH)
    )
    if limit < low:
        return f"too small: {low} bytes with every weight at {LOW} bits, and {limit} allowed"
    if limit >= high:
        return f"every weight at {HIGH} bits: {high} bytes, and {limit} allowed"
    return None


class _Answers:
    """FP32's answers, input by input."""

    def __init__(self, model: Model) -> None:
        self._network = Network(model.program, cached(stored(model.stored), DEFAULT_CACHE // 2))
        self._kept: list[Mapping[str, Array]] = []
        self._bytes = 0
        self.names = self._network.outputs
        self.samples = 0
        self.notes: dict[str, None] = {}

    def of(self, index: int, sample: Sample) -> Mapping[str, Array]:
        """The outputs on the input of this index."""
        if index < len(self._kept):
            return self._kept[index]
        outcome = self._network.run(sample)
        if index == self.samples:
            self.samples += 1
            self._note(outcome)
        size = sum(array.nbytes for array in outcome.outputs.values())
        if index == len(self._kept) and self._bytes + size <= KEPT_BYTES:
            self._kept.append(outcome.outputs)
            self._bytes += size
        return outcome.outputs

    def _note(self, outcome: Outcome) -> None:
        for note in (stop_of("the model", outcome), non_finite_from("the model", outcome)):
            if note is not None:
                self.notes[note] = None


@dataclass
class _Work:
    """Carries out one setting after the other."""

    model: Model
    given: SampleOptions
    jobs: int | None
    step: Callable[[int], None]
    answers: _Answers = field(repr=False)

    def measure(self, setting: Setting) -> Measured:
        """Everything about one setting."""
        started = time.perf_counter()
        plan = plan_model(self.model, setting.options, jobs=self.jobs, samples=self.given)
        rounding = NO_ROUNDING
        if setting.adaptive:
            inputs = samples(self.model, self.given)
            rounding = round_adaptively(self.model, plan, inputs, self.jobs)
        one = Candidate(plan, self.model.files.params is None, rounding=rounding)
        compressed = compressed_sizes(self.model, [one], self.jobs)[0]
        seconds = time.perf_counter() - started
        self.step(1)
        network = Network(
            self.model.program, cached(planned(self.model, plan, rounding), DEFAULT_CACHE // 2)
        )
        sizes, naive_buffer = self._sizes(plan)
        return Measured(setting, sizes, naive_buffer, compressed, self._compare(network), seconds)

    def _sizes(self, plan: Plan) -> tuple[Sizes, NaiveBufferSize | None]:
        program = TaggedProgram(self.model, plan, strip_callstack=True)
        sizes = sizes_with(self.model, program.plan, program.size)
        return sizes, program.naive_buffer_size()

    def _compare(self, network: Network) -> tuple[OutputDifference, ...]:
        comparison = OutputComparison()
        others = replace(self.given, seed=SEED)
        for index, sample in enumerate(samples(self.model, others, runs=2)):
            reference = self.answers.of(index, sample)
            comparison.add(
                {name: reference.get(name) for name in self.answers.names},
                dict(network.run(sample).outputs),
            )
            self.step(1)
        return comparison.results()

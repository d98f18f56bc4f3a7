"""Bytes of the input and of the output, known before the first byte is written."""

from __future__ import annotations

from typing import NamedTuple

from ...formats.lod_tensor import header_bytes
from ...formats.model_writer import NewRecord
from ..model.model import Model
from ..plan.plan import Plan
from ..plan.weight_plan import KeptWeight, WeightPlan
from .tagged_program import TaggedProgram


class Sizes(NamedTuple):
    """Bytes on disk before and after."""

    program_before: int
    params_before: int
    program_after: int
    params_after: int

    @property
    def before(self) -> int:
        """Bytes of the input model."""
        return self.program_before + self.params_before

    @property
    def after(self) -> int:
        """Bytes of the output model."""
        return self.program_after + self.params_after

    @property
    def ratio(self) -> float:
        """How many times smaller the output is."""
        return self.before / self.after


class CompressedSizes(NamedTuple):
    """Deflated bytes of a model's files, without the names and headers of an archive.

    Attributes:
        program: of the program's file.
        params: of all parameter files together.
    """

    program: int
    params: int

    @property
    def total(self) -> int:
        """Both together."""
        return self.program + self.params


class Compression(NamedTuple):
    """Compressed sizes of an input and of its result."""

    before: CompressedSizes
    after: CompressedSizes


def exact_sizes(model: Model, plan: Plan, strip_callstack: bool) -> Sizes:
    """Bytes of input and output, from the headers alone."""
    program = TaggedProgram(model, plan, strip_callstack)
    return sizes_with(model, program.plan, program.size)


def sizes_with(model: Model, plan: Plan, program_size: int) -> Sizes:
    """Bytes of input and output, where the size of the output's program is known."""
    carried = model.stored.carried_size
    return Sizes(
        program_before=model.stored.program_size,
        params_before=model.stored.parameters.size + carried,
        program_after=program_size,
        params_after=sum(new_record(weight).size for weight in plan.weights) + carried,
    )


def new_record(plan: WeightPlan) -> NewRecord:
    """The record that a weight has in the output: its header, and the size of its data."""
    record = plan.weight.record
    if isinstance(plan, KeptWeight) and not plan.transpose:
        return NewRecord(record.name, b"", record.size)  # header and all, as it is in the file
    header = header_bytes(record.lod, plan.dtype, plan.stored_shape)
    return NewRecord(record.name, header, plan.size_after)

"""Bytes of the input and of the output, known before the first byte is written."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...formats.lod_tensor import header_bytes
from ...formats.model_writer import NewRecord
from ..model.model import Model
from ..plan.plan import Plan, WeightPlan
from .program import tagged_program


@dataclass(frozen=True)
class Sizes:
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


def exact_sizes(model: Model, plan: Plan, strip_callstack: bool) -> Sizes:
    """Bytes of input and output, from the headers alone: scales take the same place whatever
    their values.
    """
    zeros = {
        weight.name: np.broadcast_to(np.float32(0), weight.quantization.channels)
        for weight in plan.weights
        if weight.quantization is not None
    }
    program = tagged_program(model, plan, zeros, strip_callstack).serialize()
    return Sizes(
        program_before=model.stored.program_size,
        params_before=model.stored.parameters.size + model.stored.carried_size,
        program_after=len(program),
        params_after=sum(new_record(weight).size for weight in plan.weights)
        + model.stored.carried_size,
    )


def new_record(weight: WeightPlan) -> NewRecord:
    """The record that a weight has in the output: its header, and the size of its data."""
    record = weight.weight.record
    if weight.quantization is None and not weight.transpose:
        return NewRecord(record.name, b"", record.size)  # as it stands in the file
    dtype = weight.quantization.dtype if weight.quantization else record.dtype
    return NewRecord(
        record.name,
        header_bytes(record.lod, dtype, weight.stored_shape),
        record.elements * dtype.itemsize,
    )

"""quantized model -> FP32 model: the "test model" that PaddlePaddle itself can run.

The weights are the integers times their scales in float32, as Paddle Lite computes them at load.
No quantization attribute stays: Paddle Lite makes garbage of an FP32 weight with one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ModelError, ParameterError
from ..formats import dtypes
from ..formats.atomic import new_folder
from ..formats.lod_tensor import header_bytes
from ..formats.model_writer import ModelWriter, NewRecord, RecordWriter
from ..formats.params import TensorReader
from . import kernels, pool
from .blocks import Block, segments
from .model import BITS_ATTRIBUTE, SCALE_SUFFIX, TYPE_ATTRIBUTE, Model, Weight
from .objections import target_readers
from .output import OutputOptions
from .pool import default_jobs
from .streams import copy_carried, copy_record, read_integers, thread_buffers
from .tags import Tag, tag_of_every_weight
from .targets import TARGETS

# Written by PaddlePaddle 2.x beside the others.
OTHER_ATTRIBUTES = ("with_quant_attr",)


@dataclass(frozen=True)
class StoredScales:
    """The scales of one quantized weight.

    Attributes:
        scales: float32, one per channel, or a single one.
        channel_axis: axis of the channels, or None for a single scale.
    """

    scales: kernels.FloatArray
    channel_axis: int | None

    def of(self, block: Block) -> kernels.FloatArray:
        """The scales of a block's channels, in a shape that broadcasts over it."""
        return self.scales[block.channels].reshape(block.scale_shape)


def stored_scales(weight: Weight, tag: Tag) -> StoredScales:
    """The scales that `tag` gives `weight`.

    Raises:
        ParameterError: not a list of floats, or not one per channel or a single one.
    """
    record = weight.record
    value = tag.scales.value
    if not isinstance(value, tuple) or not all(isinstance(item, float) for item in value):
        raise ParameterError(
            "the scales are not a list of floats",
            path=record.path,
            tensor=record.name,
            found=tag.scales.type.name,
        )
    scales = np.asarray(value, dtype="<f4")
    if len(scales) == 1:
        return StoredScales(scales, None)
    target = TARGETS.get(tag.operator.type)
    axis = (target.channel_axis if target else -1) % max(len(record.shape), 1)
    channels = record.shape[axis] if record.shape else 1
    if len(scales) != channels:
        raise ParameterError(
            "wrong number of scales",
            path=record.path,
            tensor=record.name,
            expected=channels,
            found=len(scales),
        )
    return StoredScales(scales, axis)


def dequantize(model: Model, output: OutputOptions, jobs: int | None = None) -> None:
    """Write `model` with every quantized weight as FP32 and without quantization attributes.

    Args:
        model: a quantized model; its files are only read.
        output: where to, under which names.
        jobs: threads; None takes the CPUs that this process may use.

    Raises:
        ModelError: integers without scales, or scales that do not fit.
        OptionError, OutputError: as `quantize` raises them.
    """
    layout = output.validate(model.stored)
    tags = tag_of_every_weight(model)
    records = [_new_record(weight, tags.get(weight.name)) for weight in model.weights]
    with new_folder(output.folder, output.existing) as folder:
        writer = ModelWriter(folder, layout, records)

        def work(weight: Weight, stop: pool.StopSignal) -> None:
            stop.check()
            with (
                model.stored.parameters.reader(weight.name) as reader,
                writer.record(weight.name) as record_writer,
            ):
                if _is_restored(weight, tags.get(weight.name)):
                    _dequantize(stored_scales(weight, tags[weight.name]), reader, record_writer)
                else:
                    copy_record(reader, record_writer)

        cost = [weight.record.data_size for weight in model.weights]
        pool.run(work, model.weights, cost, jobs or default_jobs())
        writer.write_program(_untagged(model, output.strip_callstack))
        copy_carried(model.stored, folder)


def is_quantized(weight: Weight) -> bool:
    """Whether the weight is stored as integers of a kind that quantizing writes."""
    return weight.record.dtype in (dtypes.INT8, dtypes.INT16)


def _is_restored(weight: Weight, tag: Tag | None) -> bool:
    """Whether the weight comes back as FP32; integers that are no operator's weight stay.

    Raises:
        ModelError: an operator's weight is stored as integers, and no operator has scales for it.
    """
    if not is_quantized(weight) or tag is not None:
        return is_quantized(weight)
    if target_readers(weight):
        raise ModelError(
            f"the weight is {weight.record.dtype} and no operator has scales for it",
            path=weight.record.path,
            tensor=weight.name,
        )
    return False


def _new_record(weight: Weight, tag: Tag | None) -> NewRecord:
    record = weight.record
    if not _is_restored(weight, tag):
        return NewRecord(record.name, b"", record.size)
    return NewRecord(
        record.name, header_bytes(record.lod, dtypes.FP32, record.shape), record.elements * 4
    )


def _dequantize(scales: StoredScales, reader: TensorReader, writer: RecordWriter) -> None:
    buffers = thread_buffers()
    for segment in segments(reader.record.shape, scales.channel_axis):
        for block in segment:
            integers = read_integers(reader, block, buffers)
            values = buffers.values(block)
            kernels.dequantize(integers, scales.of(block), values)
            writer.write(values.data.cast("B"), block.start * 4)


def _untagged(model: Model, strip_callstack: bool) -> bytes:
    program = model.program.copy()
    if strip_callstack:
        program.strip_callstacks()
    for _, _, operator in program.operators():
        operator.remove_attributes(_is_of_quantization)
    return program.serialize()


def _is_of_quantization(name: str) -> bool:
    return name.endswith(SCALE_SUFFIX) or name in (
        BITS_ATTRIBUTE,
        TYPE_ATTRIBUTE,
        *OTHER_ATTRIBUTES,
    )

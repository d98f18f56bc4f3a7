"""quantized model -> FP32 model: the "test model" that PaddlePaddle itself can run.

The weights are the integers times their scales in float32, as Paddle Lite computes them at load.
No quantization attribute stays: Paddle Lite makes garbage of an FP32 weight with one.
"""

from __future__ import annotations

from ...errors import ModelError
from ...formats import dtypes
from ...formats.lod_tensor import header_bytes
from ...formats.model_writer import NewRecord, RecordWriter
from ...formats.params import TensorReader
from ..lite.scales import StoredScales, stored_scales
from ..lite.storage import is_quantized
from ..lite.tags import BITS_ATTRIBUTE, SCALE_SUFFIX, TYPE_ATTRIBUTE, Tag, tag_of_every_weight
from ..lite.targets import target_readers
from ..model.model import Model
from ..model.weights import Weight
from ..tensors import kernels, threads
from ..tensors.blocks import segments
from ..tensors.buffers import (
    copy_carried,
    copy_record,
    read_integers,
    thread_buffers,
)
from ..tensors.threads import default_jobs
from .output import OutputOptions, Written, is_model_in_its_place, written_model

# Written by PaddlePaddle 2.x beside the others.
OTHER_ATTRIBUTES = ("with_quant_attr",)


def dequantize(model: Model, output: OutputOptions, jobs: int | None = None) -> Written:
    """Write `model` with every quantized weight as FP32 and without quantization attributes.

    Args:
        model: a quantized model; its files are only read.
        output: where to, under which names.
        jobs: threads; None takes the CPUs that this process may use.

    Returns:
        What the user should know, and the digests where `output` asks for them.

    Raises:
        ModelError: integers without scales, or scales that do not fit.
        OptionError, OutputError: as `quantize` raises them.
    """
    layout = output.validate(model.stored, is_model_in_its_place)
    tags = tag_of_every_weight(model)
    records = [_new_record(weight, tags.get(weight.name)) for weight in model.weights]
    with written_model(model.stored, output, layout, records, is_model_in_its_place) as (
        writer,
        written,
    ):

        def work(weight: Weight, stop: threads.StopSignal) -> None:
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
        threads.run(work, model.weights, cost, jobs or default_jobs())
        writer.write_program(_untagged(model, output.strip_callstack))
        copy_carried(model.stored, writer)
    return written


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
            kernels.dequantize(integers, scales.of(block.channels, block.scale_shape), values)
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

"""quantized model -> FP32 model: the "test model" that PaddlePaddle itself can run.

The weights are the integers times their scales in float32, as Paddle Lite computes them at load.
No tag stays: Paddle Lite makes garbage of an FP32 weight with one. Carriers have nothing to carry
then, and go.
"""

from __future__ import annotations

from collections.abc import Callable

from ... import threads
from ...errors import ModelError
from ...formats import dtypes
from ...formats.lod_tensor import header_bytes
from ...formats.model_writer import NewRecord, RecordWriter
from ...formats.params import TensorReader
from ..lite.carried import carried_readers
from ..lite.carriers import find_carriers, without_carriers
from ..lite.scales import Scales, decode_scales
from ..lite.storage import stores_integers
from ..lite.tags import ModelTags, Tag, strip_tags
from ..lite.targets import target_readers
from ..model.model import Model
from ..model.weights import Weight
from ..tensors import kernels
from ..tensors.blocks import BLOCK_ELEMENTS, block_parts
from ..tensors.buffers import read_integers, thread_buffers
from .copying import copy_carried, copy_record
from .output import OutputOptions, Written, written_model


def dequantize(
    model: Model,
    output: OutputOptions,
    jobs: int | None = None,
    block_elements: int = BLOCK_ELEMENTS,
    step: Callable[[int], None] = lambda _: None,
) -> Written:
    """Write `model` with every quantized weight as FP32 and without quantization attributes.

    Args:
        model: a quantized model; its files are only read.
        output: where to, under which names.
        jobs: threads; None takes the CPUs that this process may use.
        block_elements: the most elements of a weight in memory, at most BLOCK_ELEMENTS.
        step: told the bytes of each weight that is written, as they were, from the worker threads.

    Returns:
        What the user should know, and the digests where `output` asks for them.

    Raises:
        ModelError: integers without scales, or scales that do not fit.
        OptionError, OutputError: as `quantize` raises them.
    """
    layout = output.validate(model.stored)
    tags = ModelTags(model)
    restored = {w.name: tag for w in model.weights if (tag := _tag_to_restore(w, tags)) is not None}
    records = [_new_record(weight, weight.name in restored) for weight in model.weights]
    with written_model(model.stored, output, layout, records) as (
        writer,
        written,
    ):

        def work(weight: Weight, token: threads.CancelToken) -> None:
            token.check()
            tag = restored.get(weight.name)
            with (
                model.stored.parameters.reader(weight.name) as tensor,
                writer.record(weight.name) as record,
            ):
                if tag is None:
                    copy_record(tensor, record, range(weight.record.size), token)
                else:
                    _dequantize(decode_scales(weight, tag), tensor, record, block_elements)
            step(weight.record.data_size)

        threads.run(work, model.weights, jobs, lambda weight: weight.record.data_size)
        writer.write_program(_untagged(model, tags, output.strip_callstack))
        copy_carried(model.stored, writer)
    return written


def _tag_to_restore(weight: Weight, tags: ModelTags) -> Tag | None:
    """The tag with which the weight comes back as FP32; None for one that stays as it is.

    Integers that are no operator's weight, such as indexes, stay.

    Raises:
        ModelError: an operator's weight is stored as integers, and no operator has scales for it.
    """
    if not stores_integers(weight):
        return None
    tag = tags.of(weight)
    if tag is None and (target_readers(weight) or carried_readers(weight)):
        raise ModelError(
            f"the weight is {weight.record.dtype} and no operator has scales for it",
            path=weight.record.path,
            tensor=weight.name,
        )
    return tag


def _new_record(weight: Weight, restored: bool) -> NewRecord:
    record = weight.record
    if not restored:
        return NewRecord(record.name, b"", record.size)
    return NewRecord(
        record.name, header_bytes(record.lod, dtypes.FP32, record.shape), record.elements * 4
    )


def _dequantize(
    scales: Scales, tensor: TensorReader, writer: RecordWriter, block_elements: int
) -> None:
    buffers = thread_buffers()
    for block in block_parts(tensor.record.shape, scales.channel_axis, block_elements):
        integers = read_integers(tensor, block, buffers)
        values = buffers.values(block)
        kernels.dequantize(integers, scales.of(block.channels, block.scale_shape), values)
        writer.write(values.data.cast("B"), block.start * 4)


def _untagged(model: Model, tags: ModelTags, strip_callstack: bool) -> bytes:
    program = without_carriers(model, find_carriers(model, tags))
    if strip_callstack:
        program.strip_callstacks()
    strip_tags(program)
    return program.serialize()

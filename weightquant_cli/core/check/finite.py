"""Values that no model computes with: NaN in parameters, integers whose product overflows.

This reads data: the parameters that are stored as floats, and the integers whose scales are so
large that their products may leave float32.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ... import threads
from ...formats import dtypes
from ...formats.params import TensorReader
from ..lite.scales import decode_scales
from ..lite.storage import STORAGE_BITS
from ..lite.tags import ModelTags
from ..model.model import Model
from ..model.weights import Weight
from ..tensors import kernels
from ..tensors.blocks import FINE_ELEMENTS, block_parts
from ..tensors.buffers import read_integers, thread_buffers
from .findings import REQUANTIZE, Finding, FindingCode, Severity

_FLOATS = (dtypes.FP16, dtypes.FP32, dtypes.FP64)

_LARGEST = float(np.finfo(np.float32).max)


def check_values(
    model: Model,
    tags: ModelTags,
    broken: frozenset[str],
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> tuple[Finding, ...]:
    """Parameters that hold NaN, and quantized weights that come back infinite.

    Args:
        model: the quantized model.
        tags: its tags.
        broken: weights that cannot be dequantized, and are left out.
        jobs: threads; None takes the CPUs that this process may use.
        step: told the bytes of each weight once it is known to be right or wrong.

    Raises:
        ModelError: the data cannot be read.
    """

    def work(weight: Weight, token: threads.CancelToken) -> Finding | None:
        token.check()
        finding = None
        if _is_suspect(weight, tags, broken):
            with model.stored.parameters.reader(weight.name) as tensor:
                if weight.record.dtype in _FLOATS:
                    finding = _find_nan(weight, tensor, token)
                else:
                    finding = _find_overflow(weight, tensor, tags, token)
        step(weight.record.data_size)
        return finding

    found = threads.run(work, model.weights, jobs, lambda weight: weight.record.data_size)
    return tuple(finding for finding in found if finding is not None)


def _is_suspect(weight: Weight, tags: ModelTags, broken: frozenset[str]) -> bool:
    """Whether its data has to be read: floats, or integers with very large scales."""
    if not weight.record.elements:
        return False
    if weight.record.dtype in _FLOATS:
        return True
    tag = tags.of(weight)
    if tag is None or weight.name in broken or weight.record.dtype not in STORAGE_BITS:
        return False
    values = decode_scales(weight, tag).values
    lowest = 2.0 ** (STORAGE_BITS[weight.record.dtype] - 1)
    return bool(values.size) and float(np.abs(values.astype(np.float64)).max()) * lowest > _LARGEST


def _find_nan(weight: Weight, tensor: TensorReader, token: threads.CancelToken) -> Finding | None:
    """The first NaN. Infinity is a value: masks are made of it."""
    kind = np.dtype(tensor.record.dtype.numpy)
    size = FINE_ELEMENTS * kind.itemsize
    for offset in range(0, tensor.record.data_size, size):
        token.check()
        view = thread_buffers().raw(min(size, tensor.record.data_size - offset))
        tensor.read_data(view, offset)
        values = np.frombuffer(view, dtype=kind)
        with np.errstate(invalid="ignore"):  # a signaling NaN
            if not np.isnan(values.min()):
                continue
        first = offset // kind.itemsize + int(np.flatnonzero(np.isnan(values))[0])
        index = [int(i) for i in np.unravel_index(first, tensor.record.shape)]
        return _finding(
            FindingCode.NOT_A_NUMBER,
            weight,
            f"it holds NaN, at index {index}",
            "whatever is computed with it is NaN",
            "the training diverged or the file is damaged: export the model again",
        )
    return None


def _find_overflow(
    weight: Weight, tensor: TensorReader, tags: ModelTags, token: threads.CancelToken
) -> Finding | None:
    """Whether an integer times its scale is beyond float32."""
    tag = tags.of(weight)
    if tag is None:
        return None
    scales = decode_scales(weight, tag)
    buffers = thread_buffers()
    for block in block_parts(tensor.record.shape, scales.channel_axis, FINE_ELEMENTS):
        token.check()
        integers = read_integers(tensor, block, buffers)
        scale = scales.of(block.channels, block.scale_shape)
        products = buffers.work(block)
        kernels.dequantize(integers, scale, products)
        if not np.isfinite(products).all():
            return _finding(
                FindingCode.OVERFLOW,
                weight,
                "an integer times its scale is beyond the largest float32",
                "the weight comes back infinite: the results are NaN or infinite",
                REQUANTIZE + ", with `exclude` for this weight",
            )
    return None


def _finding(
    code: FindingCode, weight: Weight, what: str, consequence: str, remedy: str
) -> Finding:
    op_type = weight.readers[0].operator.type if weight.readers else None
    return Finding(code, Severity.ERROR, weight.name, op_type, what, consequence, remedy)

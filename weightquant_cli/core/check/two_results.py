"""A weight in two quantized models, or in one that is and one that is not: both dequantized.

This is for a reference that is quantized itself. Nothing is said of half a scale there, which holds
between a weight and what it was made from; errors count in scales of whichever is quantized.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ... import threads
from ...errors import ModelError
from ..lite.scales import decode_scales
from ..lite.tags import ModelTags
from ..model.model import Model
from ..model.weights import Weight
from ..tensors import kernels
from ..tensors.error_measures import SMALLEST_NORMAL
from ..tensors.weight_error import decibels
from .findings import FITTING_REFERENCE
from .weight_comparison import WeightComparison
from .weight_pair import is_transposed

if TYPE_CHECKING:  # the interpreter is not needed where no model is run
    from ..run import Array

ROWS = 1 << 16
"""Elements compared at a time."""


class TwoResults:
    """A model, and a reference that is quantized itself.

    Args:
        model, tags: the quantized model.
        reference: what it is compared with.
    """

    def __init__(self, model: Model, tags: ModelTags, reference: Model) -> None:
        from ..quantize.dequantized import dequantized  # brings the interpreter

        self._model, self._tags = model, tags
        self._reference, self._other_tags = reference, ModelTags(reference)
        self._ours = dequantized(model, tags)
        self._theirs = dequantized(reference, self._other_tags)

    @cached_property
    def quantized(self) -> frozenset[str]:
        """The reference's quantized weights."""
        weights = self._reference.weights
        return frozenset(w.name for w in weights if self._other_tags.is_quantized(w))

    def compare(self, weight: Weight, token: threads.CancelToken) -> WeightComparison:
        """How far a weight is from the reference's.

        Raises:
            ModelError: another shape than the reference's.
        """
        token.check()
        name = weight.name
        other = self._reference.weight(name)
        one, two = self._ours(name), self._theirs(name)
        turned = is_transposed(self._reference, weight) or is_transposed(self._model, other)
        if turned:
            one = one.T
        if one.shape != two.shape:
            raise ModelError(
                "the weight has another shape than in the reference",
                path=weight.record.path,
                tensor=name,
                expected=list(two.shape),
                found=list(one.shape),
                remedy=FITTING_REFERENCE,
            )
        return self._measured(weight, one, two, self._scale(weight, other, turned))

    def _scale(self, weight: Weight, other: Weight, turned: bool) -> Array:
        """The scales, broadcast to the shape of the reference's weight."""
        tag = self._tags.of(weight) if self._tags.is_quantized(weight) else None
        own = tag is not None
        source = weight if own else other
        tag = tag or self._other_tags.of(other)
        assert tag is not None, "one of the two is quantized"
        scales = decode_scales(source, tag)
        ndim = len(source.record.shape)
        values = kernels.along_axis(scales.values, scales.channel_axis, ndim).astype(np.float64)
        values = np.maximum(np.abs(values), SMALLEST_NORMAL)
        return np.broadcast_to(values.T if own and turned else values, other.record.shape)

    def _measured(self, weight: Weight, one: Array, two: Array, scale: Array) -> WeightComparison:
        signal = noise = energy = product = max_abs = in_scales = limit = 0.0
        step = max(1, ROWS // max(math.prod(two.shape[1:]), 1))
        for start in range(0, len(two), step):
            rows = slice(start, start + step)
            found, original = one[rows].astype(np.float64), two[rows].astype(np.float64)
            with np.errstate(invalid="ignore"):  # where a scale was not finite
                error = found - original
            signal += float((original * original).sum())
            energy += float((found * found).sum())
            product += float((original * found).sum())
            noise += float((error * error).sum())
            np.abs(error, out=error)
            max_abs = max(max_abs, float(error.max(initial=0)))
            in_scales = max(in_scales, float((error / scale[rows]).max(initial=0)))
            limit = max(limit, float(np.abs(original).max(initial=0)))
        lengths = math.sqrt(signal) * math.sqrt(energy)
        tag = self._tags.of(weight) or self._other_tags.of(self._reference.weight(weight.name))
        assert tag is not None
        return WeightComparison(
            name=weight.name,
            operator=tag.operator.type,
            dtype=weight.record.dtype.name,
            shape=two.shape,
            max_abs=max_abs,
            max_in_scales=in_scales,
            rmse=math.sqrt(noise / max(two.size, 1)),
            sqnr=decibels(signal, noise),
            cosine=product / lengths if lengths else float(noise == 0),
            limit=limit,
            clipped=0,
            misrounded=0,
            signal=signal,
            noise=noise,
        )

"""Rounding that compensates for its errors: later values absorb each rounding error.

The rows of a layer's weight are rounded element by element. The error of each element is spread
over the elements of its row that are still to be rounded, in the proportion that changes the
layer's output least (GPTQ: Frantar et al., ICLR 2023, after Hassibi's Optimal Brain Surgeon). What
counts as a change of the output is the second moment of the layer's inputs, H = E[x x^T].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .kernels import FloatArray

COLUMNS_AT_ONCE = 64

TRIANGLE = 64
"""Side up to which a triangular matrix is inverted as any other."""


@dataclass(frozen=True)
class Compensation:
    """How the rounding errors of rows are spread over the elements behind.

    Attributes:
        order: of the elements, those whose inputs are largest first; of shape ``(groups, inputs)``.
        factor: the upper Cholesky factor U of the inverse of each group's damped moments:
            inv(H) = U^T U; float32, of shape ``(groups, inputs, inputs)``.
    """

    order: npt.NDArray[np.intp]
    factor: FloatArray

    @classmethod
    def of(cls, moments: FloatArray, damping: float) -> Compensation:
        """Make ready for inputs with these second moments.

        Args:
            moments: E[x x^T] of each group's inputs, float32, of shape
                ``(groups, inputs, inputs)``.
            damping: added to the diagonal, as a share of its mean. It keeps the errors from being
                spread too trustingly where the moments come from few or synthetic inputs. An
                input that is always zero gets the damping alone: its weight may be rounded as it
                likes.
        """
        order = np.argsort(-np.diagonal(moments, axis1=1, axis2=2), axis=1, kind="stable")
        # With both axes of H reversed, H = L L^T gives inv(H) = inv(L)^T inv(L), reversed back.
        back = order[:, ::-1]
        turned = np.take_along_axis(moments, back[:, :, None], axis=1)
        turned = np.take_along_axis(turned, back[:, None, :], axis=2)
        diagonal = np.einsum("gii->gi", turned)
        mean = diagonal.mean(axis=1, dtype=np.float64, keepdims=True)
        diagonal += np.where(mean > 0, damping * mean, 1.0).astype(np.float32)
        inverse = np.linalg.cholesky(turned)
        _invert_lower(inverse)
        return cls(order, np.ascontiguousarray(inverse[:, ::-1, ::-1]))


def compensated_rounding(
    quotients: FloatArray,
    limit: int,
    compensation: Compensation,
    columns_at_once: int = COLUMNS_AT_ONCE,
) -> FloatArray:
    """Round the rows of matrices so that their products with such inputs change least.

    Args:
        quotients: weight / scale, float32, of shape ``(groups, rows, inputs)``: a group's rows meet
            the same inputs.
        limit: 2^(bits-1) - 1.
        compensation: of the inputs.
        columns_at_once: elements of a row that are rounded before the rest is told of their errors;
            for the speed alone.

    Returns:
        The integers as float32, of the shape of `quotients`. Each is its quotient rounded up or
        down, clipped to the limit: no element is off by a whole scale that was not clipped.
    """
    order, factor = compensation.order, compensation.factor
    # An element of every row lies together with its like: (groups, inputs, rows).
    left = np.take_along_axis(quotients.transpose(0, 2, 1), order[:, :, None], axis=1)
    left = np.ascontiguousarray(left, dtype=np.float32)
    low = np.clip(np.floor(left), -limit, limit)
    high = np.clip(np.ceil(left), -limit, limit)
    inputs = left.shape[1]
    for start in range(0, inputs, columns_at_once):
        end = min(start + columns_at_once, inputs)
        here = slice(start, end)
        errors = _round_some(left[:, here], low[:, here], high[:, here], factor[:, here, here])
        if end < inputs:
            left[:, end:] -= factor[:, here, end:].transpose(0, 2, 1) @ errors
    result = np.empty_like(left)
    np.put_along_axis(result, order[:, :, None], left, axis=1)
    return np.asarray(result.transpose(0, 2, 1))


def _invert_lower(lower: FloatArray) -> None:
    """Invert lower triangular matrices in place.

    A third of the work of a general inverse: [[A, 0], [B, C]] has the inverse
    [[A', 0], [-C' B A', C']], where A' and C' are those of A and C.
    """
    size = lower.shape[-1]
    if size <= TRIANGLE:
        lower[...] = np.tril(np.linalg.inv(lower))
        return
    half = size // 2
    first, second = lower[..., :half, :half], lower[..., half:, half:]
    below = lower[..., half:, :half]
    _invert_lower(first)
    _invert_lower(second)
    below[...] = second @ (below @ -first)


def _round_some(
    left: FloatArray, low: FloatArray, high: FloatArray, factor: FloatArray
) -> FloatArray:
    """Round some elements of every row in turn, in place; their errors, scaled for the others."""
    errors = np.empty_like(left)
    for index in range(left.shape[1]):
        rounded = np.clip(np.rint(left[:, index]), low[:, index], high[:, index])
        error = (left[:, index] - rounded) / factor[:, index, index, None]
        left[:, index + 1 :] -= factor[:, index, index + 1 :, None] * error[:, None, :]
        left[:, index] = rounded
        errors[:, index] = error
    return errors

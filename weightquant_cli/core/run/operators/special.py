"""Functions that numpy lacks, in the precision of their input."""

from __future__ import annotations

import numpy as np

from ..values import Array


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow worth speaking of: exp may give infinity, the rest 0."""
    result: Array = np.negative(x)
    np.exp(result, out=result)
    result += 1
    return np.reciprocal(result, out=result)


def softplus(x: Array) -> Array:
    """log(1 + exp(x)) without overflow."""
    return np.asarray(np.logaddexp(x, x.dtype.type(0)))


def logit(x: Array, eps: float) -> Array:
    """log(x / (1 - x)), with x kept `eps` away from 0 and 1."""
    if eps > 0:
        x = np.clip(x, x.dtype.type(eps), x.dtype.type(1 - eps))
    return np.asarray(np.log(x / (1 - x)))


# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26 is good for 1.5e-7 only. These
# are the coefficients of W. J. Cody's rational approximations (Rational Chebyshev approximations
# for the error function, 1969), good for 1e-15.
_SMALL_TOP = (
    1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2,
    3.77485237685302021e2, 3.20937758913846947e3,
)  # fmt: skip
_SMALL_BOTTOM = (
    1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3,
    2.84423683343917062e3,
)  # fmt: skip
_MIDDLE_TOP = (
    2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0,
    6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2,
    1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3,
)  # fmt: skip
_MIDDLE_BOTTOM = (
    1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2,
    1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3,
    3.43936767414372164e3, 1.23033935480374942e3,
)  # fmt: skip


def erf(x: Array) -> Array:
    """The error function; beyond 4 the middle formula holds to float32."""
    size = np.minimum(np.abs(x), x.dtype.type(6))
    square = size * size
    small = size * np.polyval(_SMALL_TOP, square) / np.polyval(_SMALL_BOTTOM, square)
    tail = np.exp(-square) * np.polyval(_MIDDLE_TOP, size) / np.polyval(_MIDDLE_BOTTOM, size)
    return np.asarray(
        np.copysign(np.where(size < 0.46875, small, 1 - tail), x).astype(x.dtype, copy=False)
    )

"""SQNR in dB."""

from __future__ import annotations

import math

import pytest

from weightquant_cli.core.tensors.weight_error import WeightError, decibels


@pytest.mark.parametrize(
    ("signal", "noise", "expected"),
    [(100.0, 1.0, 20.0), (1.0, 1.0, 0.0), (1.0, 0.0, math.inf), (0.0, 0.0, math.inf),
     (0.0, 1.0, -math.inf), (1.0, math.inf, -math.inf), (1e-300, 1e300, -math.inf)],
)  # fmt: skip
def test_decibels(signal: float, noise: float, expected: float) -> None:
    assert decibels(signal, noise) == WeightError(signal, noise, 0).sqnr == expected

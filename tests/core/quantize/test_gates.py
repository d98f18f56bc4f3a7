"""Gates: met at their limit and not beyond."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from weightquant_cli import OptionError, Size
from weightquant_cli.core.check.quality_gates import OutputGates
from weightquant_cli.core.quantize.gates import Gates
from weightquant_cli.errors import GateError


@pytest.mark.parametrize("percent", [-0.1, 100.1, math.nan, math.inf])
def test_a_percentage_out_of_range_is_refused(percent: float) -> None:
    with pytest.raises(OptionError, match="expected 0, or 1 to 100"):
        Gates(min_quantized=percent)


@pytest.mark.parametrize(
    "make", [lambda value: Gates(min_quantized=value), lambda value: OutputGates(None, value)]
)
def test_a_share_that_everything_would_pass_is_no_percentage(
    make: Callable[[float], object],
) -> None:
    with pytest.raises(OptionError, match=r"found 0.95; write 95 for 95%"):
        make(0.95)
    for value in (0, 1, 100):
        make(value)


@pytest.mark.parametrize(
    ("gates", "passes"),
    [
        (Gates(), True),
        (Gates(max_size=Size(500)), True),
        (Gates(max_size=Size(499)), False),
        (Gates(max_size=Size(50, relative=True)), True),
        (Gates(max_size=Size(49.9, relative=True)), False),
        (Gates(min_quantized=80), True),
        (Gates(min_quantized=80.5), False),
        (Gates(Size(499), 10), False),
    ],
)
def test_a_gate_is_met_at_its_limit_and_not_beyond(gates: Gates, passes: bool) -> None:
    def enforce() -> None:
        gates.enforce(size_before=1000, size_after=500, quantized_share=80.0)

    if passes:
        enforce()
    else:
        with pytest.raises(GateError):
            enforce()


@pytest.mark.parametrize(
    ("gates", "share", "passes"),
    [
        (Gates(), 0.0, True),
        (Gates(require_quantized=True), 0.0, False),
        (Gates(require_quantized=True), 0.1, True),
        (Gates(require_quantized=True, min_quantized=0), 0.0, True),
        (Gates(require_quantized=True, min_quantized=1), 0.0, False),
    ],
)
def test_a_result_without_a_quantized_weight_is_refused_where_that_is_wanted(
    gates: Gates, share: float, passes: bool
) -> None:
    with nullcontext() if passes else pytest.raises(GateError):
        gates.enforce(1000, 500, share)


def test_sizes_in_a_refusal_are_for_people_and_exact() -> None:
    with pytest.raises(
        GateError, match=r"allows 1\.96 KiB \(2010 bytes\), the result has 1\.43 MiB"
    ):
        Gates(Size.parse("2.01KB")).enforce(10**7, 1_500_000, 80.0)


def test_every_gate_that_is_not_met_is_named() -> None:
    with pytest.raises(GateError) as caught:
        Gates(Size(10), 90).enforce(1000, 500, 80.0)
    assert "`max_size` allows 10 bytes, the result has 500" in str(caught.value)
    assert "`min_quantized` asks for 90% of the weights' bytes, 80.00%" in str(caught.value)

"""Which setting is recommended: the smallest whose answers are those of FP32."""

from __future__ import annotations

import math

import pytest

from weightquant_cli.core.quantize.sizes import CompressedSizes, Sizes
from weightquant_cli.core.recommend.comparison import Comparison, Measured
from weightquant_cli.core.recommend.rule import choose
from weightquant_cli.core.recommend.settings import SETTINGS
from weightquant_cli.core.run.compare import OutputDifference


def output(sqnr: float, agreement: float | None, mismatched: int = 0) -> OutputDifference:
    return OutputDifference("y", 2, mismatched, 10, sqnr, 0.1, 0.9, agreement, 0, "y")


def measured(size: int, compressed: int, *outputs: OutputDifference) -> Measured:
    sizes = Sizes(0, 1000, 0, size)
    return Measured(SETTINGS[0], sizes, None, CompressedSizes(0, compressed), outputs, 0.0, False)


def chosen(*settings: Measured) -> Measured | None:
    choice = choose(Comparison(settings, (), 2, ()))
    return None if choice is None else choice.setting


def test_the_smallest_that_is_good_enough_is_taken() -> None:
    large = measured(500, 400, output(80, 100))
    middle = measured(300, 250, output(30, 99))
    small = measured(250, 200, output(45, 98.9))
    noisy = measured(250, 200, output(29.9, 100))
    assert chosen(large, middle, small, noisy) is middle


def test_of_two_that_are_as_large_the_one_that_compresses_better_is_taken() -> None:
    one, other = measured(250, 200, output(40, 100)), measured(250, 150, output(35, 100))
    assert chosen(one, other) is other


def test_the_worst_output_counts() -> None:
    bad = measured(250, 200, output(80, 100), output(10, 100))
    good = measured(500, 400, output(80, 100), output(40, 100))
    assert chosen(bad, good) is good


def test_without_rows_to_compare_the_sqnr_decides() -> None:
    one = measured(250, 200, output(40, None))
    assert (one.agreement, chosen(one, measured(500, 400, output(math.inf, None)))) == (None, one)


def test_where_none_is_good_enough_the_closest_is_taken_and_it_says_so() -> None:
    small, close = measured(250, 200, output(25, 90)), measured(300, 250, output(25, 95))
    choice = choose(Comparison((small, close), (), 2, ()))
    assert choice is not None
    assert choice.setting is close
    assert choice.why.startswith("the closest to FP32; none reaches")


@pytest.mark.parametrize("outputs", [(), (output(80, 100, mismatched=1),)])
def test_what_was_not_compared_is_never_recommended(outputs: tuple[OutputDifference, ...]) -> None:
    assert chosen(measured(250, 200, *outputs)) is None

"""Sizes as people write them, exact to the byte."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weightquant_cli import OptionError, Size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("12345", 12345), ("12345B", 12345), ("700k", 700_000), ("700K", 700_000),
        ("4.2MB", 4_200_000), ("4MiB", 4 * 2**20), ("1.5KiB", 1536), ("2g", 2 * 10**9),
        ("2.01KB", 2010), ("1.001MB", 1_001_000), ("1TiB", 2**40), (" 3 MB ", 3_000_000),
        (".5MB", 500_000), ("5.", 5), ("1.9", 1),
    ],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    parsed = Size.parse(text)
    assert (parsed.relative, parsed.of(10**12)) == (False, size)


@pytest.mark.parametrize(
    ("text", "whole", "size"),
    [
        ("30%", 1000, 300),
        ("33.3 %", 1000, 333),
        ("150%", 10, 15),
        ("0.01%", 10_000, 1),
        ("29%", 100, 29),
        ("57%", 100, 57),
        ("1.1%", 1000, 11),
    ],
)
def test_a_share_is_taken_of_the_whole(text: str, whole: int, size: int) -> None:
    assert Size.parse(text).of(whole) == size


@pytest.mark.parametrize(
    "text", ["", "MB", "-4MB", "4 PB", "4,2MB", "1e6", "4MBB", "%", "30%B", "inf", "nan",
             "0x10", "4 M B", "9" * 400, "9" * 5000, "٣"],
)  # fmt: skip
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(OptionError):
        Size.parse(text)


@pytest.mark.parametrize("text", ["0", "0%", "0.0MB"])
def test_a_size_must_be_above_zero(text: str) -> None:
    with pytest.raises(OptionError, match="a size must be above zero"):
        Size.parse(text)


@pytest.mark.parametrize("number", [math.nan, math.inf, -1.0, 0])
def test_a_number_that_is_no_size_is_refused(number: float) -> None:
    with pytest.raises(OptionError, match="a size must be above zero"):
        Size(number)


def test_a_float_means_the_decimal_number_that_it_is_printed_as() -> None:
    assert Size(2.01e3).of(0) == 2010
    assert Size(1.1, relative=True) == Size.parse("1.1%")


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_an_option_error(text: str) -> None:
    try:
        assert Size.parse(text).number > 0
    except OptionError as error:
        assert str(error).isprintable()

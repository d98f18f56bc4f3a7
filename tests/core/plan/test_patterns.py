"""Glob patterns of weight names."""

from __future__ import annotations

import pytest

from weightquant_cli import Model, OptionError, QuantizeOptions, make_plan


def test_patterns_know_case_and_brackets(everything: Model) -> None:
    plan = make_plan(everything, QuantizeOptions(exclude=("fc[1-2].[!b]",)))
    assert {weight.name for weight in plan.quantized} == {"conv.w"}
    with pytest.raises(OptionError, match=r"'CONV\.W' matches no weight"):
        make_plan(everything, QuantizeOptions(exclude=("CONV.W",)))


@pytest.mark.parametrize("option", ["exclude", "bits_for"])
def test_a_pattern_that_matches_nothing_suggests_the_nearest_names(
    option: str, everything: Model
) -> None:
    options = (
        QuantizeOptions(exclude=("fc1.ww",))
        if option == "exclude"
        else QuantizeOptions(bits_for=(("fc1.ww", 9),))
    )
    with pytest.raises(OptionError) as caught:
        make_plan(everything, options)
    assert str(caught.value).startswith(
        f"`{option}`: the pattern 'fc1.ww' matches no weight; the nearest names are fc1.w"
    )


def test_a_pattern_that_is_like_nothing_says_where_the_names_are(everything: Model) -> None:
    with pytest.raises(OptionError, match="`weightquant inspect` lists the names"):
        make_plan(everything, QuantizeOptions(exclude=("zzzzzzzzzzzzzzzz",)))

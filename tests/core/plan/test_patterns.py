"""Patterns of weight names: globs and regular expressions."""

from __future__ import annotations

import re

import pytest

from weightquant_cli import Model, OptionError, QuantizeOptions, make_plan
from weightquant_cli.core.plan.patterns import match_names


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


def test_a_regular_expression_matches_whole_names(everything: Model) -> None:
    plan = make_plan(everything, QuantizeOptions(exclude=(r"re:fc\d+\.w",)))
    assert {weight.name for weight in plan.quantized} == {"conv.w"}
    with pytest.raises(OptionError, match=r"'re:fc\\d' matches no weight"):
        make_plan(everything, QuantizeOptions(exclude=(r"re:fc\d",)))


def test_a_regular_expression_gives_bits_too(everything: Model) -> None:
    plan = make_plan(everything, QuantizeOptions(bits_for=((r"re:fc[12]\.w", 12),)))
    bits = {weight.name: weight.quantization.bits for weight in plan.quantized}
    assert bits == {"conv.w": 8, "fc1.w": 12, "fc2.w": 12}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fc(", "'fc(' is no regular expression: missing ), unterminated subpattern at its char"),
        ("fc(", "at its character 3"),
        ("fc[[a]*+?", "is no regular expression"),
        ("a{99999999999}", "'a{99999999999}' is too large"),
        ("a" * 1001, "too long; expected at most 1000 characters, found 1001"),
    ],
)
def test_a_wrong_regular_expression_is_refused_with_the_position(
    text: str, message: str, everything: Model
) -> None:
    for option, given in (
        ("exclude", QuantizeOptions(exclude=(f"re:{text}",))),
        ("include", QuantizeOptions(include=(f"re:{text}",))),
        ("bits_for", QuantizeOptions(bits_for=((f"re:{text}", 9),))),
    ):
        with pytest.raises(OptionError, match=re.escape(message)) as caught:
            make_plan(everything, given)
        assert caught.value.option == option


def test_an_expression_that_a_later_python_may_read_otherwise_gives_no_warning() -> None:
    assert match_names("exclude", ["re:[[a]x"], ["ax", "bx"]) == {"ax"}


def test_a_regular_expression_is_not_tried_on_a_name_that_no_model_has() -> None:
    with pytest.raises(OptionError, match="a name of 1001 characters is too long"):
        match_names("exclude", ["re:(a+)+b"], ["a" * 1001])


@pytest.mark.parametrize(
    ("pattern", "glob"),
    [
        (r"fc\d+\.w", "fc*.w"),
        (r"fc\d\.w", "fc*.w"),
        ("fc.*", "fc*"),
        ("^fc.*$", "fc*"),
        (r"conv\.w", "conv.w"),
        (r"\w+\.w", "*.w"),
    ],
)
def test_a_regular_expression_without_its_mark_gets_the_glob_that_was_meant(
    pattern: str, glob: str, everything: Model
) -> None:
    with pytest.raises(OptionError) as caught:
        make_plan(everything, QuantizeOptions(exclude=(pattern,)))
    assert str(caught.value).endswith(
        f"; patterns are globs, such as '{glob}'; regular expressions begin with re:"
    )

"""Errors: one line in three parts, safe for a terminal, with the exit code of their kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weightquant_cli import errors
from weightquant_cli.errors import OptionError, WeightQuantError, listed, printable, spelled

EVERY = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, WeightQuantError)
]


def test_a_message_says_what_where_and_what_to_do() -> None:
    error = WeightQuantError(
        "the shape differs",
        path=Path("model/w"),
        tensor="w",
        offset=26,
        expected=[2, 3],
        found=[3, 2],
        remedy="export the model again",
    )
    assert str(error) == (
        "the shape differs (model/w, tensor w, offset 26); expected [2, 3], found [3, 2]; "
        "export the model again"
    )


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "what"),
        ({"remedy": "do this"}, "what; do this"),
        ({"offset": 0}, "what (offset 0)"),
        ({"expected": 0, "found": 7}, "what; expected 0, found 7"),
        ({"found": False}, "what; found False"),
        ({"path": "w", "found": ""}, "what (w); found "),
    ],
)
def test_parts_that_are_not_known_are_left_out(parts: dict[str, object], message: str) -> None:
    assert str(WeightQuantError("what", **parts)) == message  # type: ignore[arg-type]


@given(st.text(), st.text(), st.text())
def test_a_message_is_one_printable_line_whatever_the_model_is_called(
    what: str, tensor: str, found: str
) -> None:
    message = str(WeightQuantError(what, tensor=tensor, found=found))
    assert message.isprintable()
    assert len(message.splitlines()) <= 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("conv2d_0.w_0", "conv2d_0.w_0"),
        ("卷积 é", "卷积 é"),
        ("a\nb\x1b[2J", "a\\nb\\x1b[2J"),
        ("w\udcff", "w\\udcff"),
        ("\u202egnp", "\\u202egnp"),
        ("\x00", "\\x00"),
    ],
)
def test_text_of_a_model_is_made_safe_for_a_terminal(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_long_lists_are_cut_and_say_so() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed("abcdefgh") == "a, b, c, d, e and 3 more"
    assert listed("abcdefgh", 8) == "a, b, c, d, e, f, g, h"
    assert listed(["x\n"]) == "x\\n"


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_has_the_exit_code_of_its_branch(kind: type[WeightQuantError]) -> None:
    codes = {
        errors.GateError: 1,
        errors.OptionError: 2,
        errors.ModelError: 3,
        errors.OutputError: 4,
    }
    branches = [code for base, code in codes.items() if issubclass(kind, base)]
    assert branches in ([kind.exit_code], [])
    assert branches or kind is WeightQuantError


@pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
def test_every_error_stands_in_the_tree_at_the_top_of_the_module(
    kind: type[WeightQuantError],
) -> None:
    assert errors.__doc__ is not None
    assert kind.__name__ in errors.__doc__


OPTIONS = {"exclude": "--exclude", "op_types": "--op-type"}


def test_fields_in_backquotes_are_spelled_as_options() -> None:
    assert spelled("give `op_types` or `exclude` it", OPTIONS) == "give --op-type or --exclude it"


def test_what_is_no_option_keeps_its_backquotes() -> None:
    assert spelled("run `opt`, `weightquant inspect` or `exclude", OPTIONS) == (
        "run `opt`, `weightquant inspect` or `exclude"
    )


def test_an_error_names_fields_to_python_and_options_on_the_command_line() -> None:
    error = OptionError(
        "the pattern 'x' matches no weight", option="exclude", remedy="leave out `exclude`"
    )
    assert error.option == "exclude"
    assert str(error) == "`exclude`: the pattern 'x' matches no weight; leave out `exclude`"
    assert error.message(OPTIONS) == (
        "--exclude: the pattern 'x' matches no weight; leave out --exclude"
    )


def test_names_from_a_model_are_not_taken_for_fields() -> None:
    error = WeightQuantError("what", tensor="`exclude`", found="`exclude`")
    assert error.message(OPTIONS) == "what (tensor `exclude`); found `exclude`"

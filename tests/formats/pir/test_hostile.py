"""Programs that mean harm: damaged at random, or small and meant to become large."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest

from weightquant_cli.errors import UnsupportedModelError, WeightQuantError
from weightquant_cli.formats.pir import Unknown, translate
from weightquant_cli.formats.program import Program

from .builder import FILE, Builder, tensor, vector
from .test_control_flow import branch, loop
from .test_translate import convolution

JUNK: list[Any] = [
    *(None, True, 0, -1, 3, 1 << 63, 1 << 70, 1.5, 1e308),
    *("", "x", "\ud800", "0.t_dtensor", "1.add", "2.yield"),
    *([], {}, [[]], {"%": 1}, {"#": "0.a_f32", "VD": "NaN"}),
]


def places(json_value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    if isinstance(json_value, dict | list):
        keys = list(json_value) if isinstance(json_value, dict) else range(len(json_value))
        for key in keys:
            found.append((json_value, key))
            places(json_value[key], found)
    return found


def damage(document: dict[str, Any], rng: random.Random) -> None:
    """Change one place."""
    found = places(document["program"], [])
    container, key = rng.choice(found)
    other, other_key = rng.choice(found)
    kind = rng.randrange(4)
    if kind == 0:
        container[key] = rng.choice(JUNK)
    elif kind == 1:
        container[key] = copy.deepcopy(other[other_key])
    elif kind == 2:
        del container[key]
    elif isinstance(container, list):
        container.insert(key, copy.deepcopy(container[key]))


@pytest.mark.parametrize("seed", range(8))
def test_damaged_programs_give_an_error_of_one_line_or_a_program(seed: int) -> None:
    rng = random.Random(seed)
    models = [convolution().document(), branch().document(), loop(True).document()]
    for _ in range(120):
        document = copy.deepcopy(rng.choice(models))
        damage(document, rng)
        data = json.dumps(document).encode()
        for unknown in Unknown:
            try:
                program = translate(data, FILE, unknown)
            except WeightQuantError as error:
                assert "\n" not in str(error)
            else:
                Program.parse(program.serialize(), FILE)


def test_a_list_that_is_read_again_and_again_is_bounded() -> None:
    """A file of 0.9 MB took 16 s and 1.6 GB."""
    b = Builder()
    x = b.data("x", 4)
    many = b.op("0.combine", [x] * 50_000, vector(tensor(4)))
    axis = b.number(0, element="i32")
    for _ in range(200):
        b.op("concat", [many, axis], tensor(4))
    with pytest.raises(UnsupportedModelError, match="would be larger than any program"):
        b.translated()


def test_a_constant_that_is_read_again_and_again_is_bounded() -> None:
    b = Builder()
    x = b.data("x", 4)
    shape = b.integers(*[1] * 5_000)
    for _ in range(200):
        b.op("reshape", [x, shape], tensor(4))
    with pytest.raises(UnsupportedModelError, match="would be larger than any program"):
        b.translated()


def test_stacks_within_stacks_do_not_exhaust_pythons_stack() -> None:
    b = Builder()
    scalar = tensor(element="i64")
    value = b.data("x", element="i64")
    for _ in range(3_000):
        joined = b.op("0.combine", [value], vector(scalar))
        value = b.op("stack", [joined], scalar, axis=0)
    b.fetch(value)
    assert len(b.translated().blocks[0].operators) > 3_000


def test_a_name_for_two_parameters_is_refused() -> None:
    b = Builder()
    b.parameter("w", 4)
    b.parameter("w", 5)
    b.fetch(b.op("tanh", [b.data("x", 4)], tensor(4)))
    with pytest.raises(UnsupportedModelError, match="the name w is given twice"):
        b.translated()


def test_a_column_that_is_no_small_number_is_refused() -> None:
    for column in (True, -1, 1.0, {"#": "0.a_i64", "D": 1 << 40}):
        b = Builder()
        b.op("fetch", [b.data("x", 4)], tensor(4), name="out", col=column)
        with pytest.raises(UnsupportedModelError, match="its col is not a small number"):
            b.translated()


def test_a_message_names_no_more_than_can_be_read() -> None:
    b = Builder()
    x = b.data("x", 4)
    for index in range(500):
        b.op(f"{'o' * 900}{index}", [x], tensor(4))
    with pytest.raises(UnsupportedModelError) as caught:
        b.translated()
    assert len(str(caught.value)) < 30_000


def test_a_file_of_many_constants_takes_time_in_proportion() -> None:
    b = Builder()
    for index in range(3_000):
        b.fetch(b.number(1.0), f"out_{index}", index)
    assert len(b.translated().blocks[0].operators) == 6_000

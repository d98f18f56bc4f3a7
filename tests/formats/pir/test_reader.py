"""Files that are not what they claim to be: one line that says what and where."""

from __future__ import annotations

import json
from typing import Any

import pytest

from weightquant_cli.errors import ProgramError, UnsupportedModelError
from weightquant_cli.formats.pir import literals, reader, translate

from .builder import FILE, Builder, tensor


def refused(data: bytes, error: type[Exception] = ProgramError) -> str:
    """What the refusal of these bytes says."""
    with pytest.raises(error) as caught:
        translate(data, FILE)
    said = str(caught.value)
    assert "\n" not in said
    assert "m.json" in said
    return said


def small() -> dict[str, Any]:
    """A program of one operation."""
    b = Builder()
    b.fetch(b.op("tanh", [b.data("x", 4)], tensor(4)))
    return b.document()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document["program"]["regions"][0]["blocks"][0]["ops"]
    return found


def damaged(document: dict[str, Any]) -> str:
    return refused(json.dumps(document).encode())


def test_bytes_that_are_not_json_are_refused() -> None:
    assert "not valid JSON" in refused(b"{")
    assert "not valid JSON" in refused(b'{"a": "\xff"}')


def test_json_that_is_no_program_is_refused() -> None:
    for data in (b"[]", b"{}", b'{"base_code": 3}', b'{"base_code": {"magic": "onnx"}}', b"1"):
        assert "not a Paddle program (PIR)" in refused(data)


def test_deep_nests_are_refused() -> None:
    assert "nested too deeply" in refused(b"[" * 1_000_000)
    assert "nested too deeply" in refused(b'{"a":' * 1_000_000)


def test_numbers_that_json_does_not_have_are_refused() -> None:
    assert "NaN is not a JSON number" in refused(b'{"base_code": NaN}')
    assert "not valid JSON" in refused(b'{"base_code": ' + b"9" * 100_000 + b"}")


def test_a_key_that_is_there_twice_is_refused() -> None:
    assert "a key twice" in refused(b'{"base_code": {}, "base_code": {}}')


def test_a_file_larger_than_any_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_JSON_BYTES", 100)
    assert "larger than any model's" in refused(b" " * 101, UnsupportedModelError)


@pytest.mark.parametrize("version", [0, -1, 1 << 40, 10**300])
def test_a_version_that_no_paddle_writes_is_named(version: int) -> None:
    document = small()
    document["base_code"]["version"] = version
    assert "expected 1 to 4" in refused(json.dumps(document).encode(), UnsupportedModelError)


def test_a_newer_version_is_read_as_long_as_it_parses() -> None:
    document = small()
    document["base_code"]["version"] = 9
    assert translate(json.dumps(document).encode(), FILE).blocks
    del operations(document)[1]["I"]
    said = refused(json.dumps(document).encode(), UnsupportedModelError)
    assert "PIR version 9" in said


def test_a_value_that_is_read_before_it_is_defined_is_named() -> None:
    document = small()
    operations(document)[1]["I"][0]["%"] = 77
    assert "operation 1: pd_op.tanh: value 77 is read before it is defined" in damaged(document)


def test_a_value_that_is_defined_twice_is_named() -> None:
    document = small()
    operations(document)[1]["O"][0]["%"] = 1
    assert "operation 1: pd_op.tanh: value 1 is defined twice" in damaged(document)


def test_a_value_of_a_region_is_not_visible_outside() -> None:
    b = Builder()
    flag, x = b.data("flag", 1, element="bool"), b.data("x", 4)
    sides = [Builder(b), Builder(b)]
    inner = sides[0].op("tanh", [x], tensor(4))
    for side in sides:
        side.op("2.yield", [x])
    b.op("if", [flag], tensor(4), regions=sides)
    b.fetch(inner)
    assert f"value {inner} is read before it is defined" in refused(b.json())


def test_a_fault_in_a_region_is_named_with_its_place() -> None:
    b = Builder()
    x = b.data("x", 4)
    side = Builder(b)
    side.op("tanh", [99], tensor(4))
    b.op("if", [x], tensor(4), regions=[side, Builder(b)])
    said = refused(b.json())
    assert ": operation 1, operation 0: pd_op.tanh: value 99 is read" in said


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("#", None),
        ("#", "tanh"),
        ("#", "1."),
        ("I", None),
        ("I", [{}]),
        ("I", [{"%": "1"}]),
        ("I", [{"%": True}]),
        ("I", [{"%": 1 << 70}]),
        ("O", [{"%": 5}]),
        ("O", [{"%": 5, "TT": {"#": "0.t_dtensor"}}]),
        ("O", [{"%": 5, "TT": {"#": "0.t_dtensor", "D": [{"#": "0.t_f32"}, [1.5], "", [], 0]}}]),
        ("O", [{"%": 5, "TT": {"#": "0.t_dtensor", "D": [{"#": "0.t_odd"}, [1], "", [], 0]}}]),
        ("O", [{"%": 5, "TT": tensor(*[1] * 65)}]),
        ("A", {}),
        ("A", [{"N": "a"}]),
        ("A", [{"N": "", "AT": {"#": "0.a_i32", "D": 1}}]),
        ("A", [{"N": "a", "AT": {"#": "0.a_i32", "D": "1"}}]),
        ("A", [{"N": "a", "AT": {"#": "0.a_f32", "VD": "many"}}]),
        ("A", [{"N": "a", "AT": {"#": "0.a_str", "D": "\ud800"}}]),
        ("A", [{"N": "a", "AT": {"#": "0.a_i32", "D": 1}}] * 2),
        ("regions", [{"blocks": []}]),
        ("regions", 3),
    ],
)
def test_a_damaged_operation_is_named(key: str, value: object) -> None:
    document = small()
    operations(document)[1][key] = value
    if key == "O":
        operations(document)[2]["I"][0]["%"] = 0
    assert "operation 1" in damaged(document)


def test_a_parameter_without_a_proper_name_is_refused() -> None:
    for name in ("", 3, None, "n" * 1025, "\ud800"):
        b = Builder()
        b.parameter("w", 4)
        b.operations[0]["A"][3] = name
        assert "operation 0" in refused(b.json())


def test_regions_within_regions_without_end_are_refused() -> None:
    inner = Builder()
    for _ in range(reader.MAX_DEPTH + 1):
        outer = Builder()
        outer.op("if", [], regions=[inner])
        inner = outer
    assert "levels of blocks" in refused(inner.json(), UnsupportedModelError)


def test_more_operators_than_any_model_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_OPERATORS", 2)
    assert "more operators" in refused(json.dumps(small()).encode(), UnsupportedModelError)


def test_vectors_count_as_many_values_as_they_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_VARIABLES", 9)
    b = Builder()
    b.op("unbind", [b.data("x", 10)], {"#": "0.t_vec", "D": [tensor()] * 10})
    assert "more values" in refused(b.json(), UnsupportedModelError)


def test_a_negative_dim_is_one_that_is_not_known() -> None:
    b = Builder()
    b.fetch(b.op("tanh", [b.data("x", -6)], tensor(-6)))
    shapes = {each.name: each.shape for each in b.translated().blocks[0].variables}
    assert shapes["x"] == (-1,)


def test_floats_that_are_not_finite_have_names() -> None:
    for name, expected in (("INF", float("inf")), ("-INF", float("-inf"))):
        assert literals.read_attribute({"#": "0.a_f32", "VD": name}) == expected

"""Attribute values in the types that Paddle 2.6 has for them."""

from __future__ import annotations

import pytest

from weightquant_cli.formats import dtypes
from weightquant_cli.formats.pir.bindings import Untranslatable
from weightquant_cli.formats.pir.coerce import coerced, plain
from weightquant_cli.formats.pir.ir import Attribute, DataTypeName, Opaque
from weightquant_cli.formats.program import AttrType


@pytest.mark.parametrize(
    ("value", "type", "expected"),
    [
        (3, "int", (AttrType.INT, 3)),
        (3.0, "int", (AttrType.INT, 3)),
        ((3,), "int", (AttrType.INT, 3)),
        (3, "ints", (AttrType.INTS, (3,))),
        ((1, 2), "longs", (AttrType.LONGS, (1, 2))),
        (1 << 40, "bounds", (AttrType.INTS, ((1 << 31) - 1,))),
        (-(1 << 40), "bounds", (AttrType.INTS, (-(1 << 31),))),
        (0.1, "float", (AttrType.FLOAT, 0.10000000149011612)),
        (1e300, "float", (AttrType.FLOAT, float("inf"))),
        ((0.5, 1), "f64s", (AttrType.FLOAT64S, (0.5, 1.0))),
        (True, "bool", (AttrType.BOOLEAN, True)),
        ("NCHW", "str", (AttrType.STRING, "NCHW")),
        (DataTypeName(dtypes.INT64), "dtype", (AttrType.INT, 3)),
        (DataTypeName(None), "dtype", (AttrType.INT, -1)),
        (DataTypeName(dtypes.INT32), "int", (AttrType.INT, 2)),
    ],
)
def test_values_take_the_type_of_the_rule(
    value: Attribute, type: str, expected: tuple[AttrType, object]
) -> None:
    assert coerced(value, type, "it") == expected


@pytest.mark.parametrize(
    ("value", "type"),
    [
        (1.5, "int"),
        (1 << 31, "int"),
        (1 << 63, "long"),
        ("a", "int"),
        ((1, 2), "int"),
        ((), "int"),
        (float("nan"), "int"),
        (float("inf"), "bounds"),
        (3, "str"),
        ("a", "floats"),
        (Opaque("1.a_new"), "int"),
        (Opaque("1.a_new"), "ints"),
    ],
)
def test_values_that_do_not_fit_are_refused(value: Attribute, type: str) -> None:
    with pytest.raises(Untranslatable, match="its it does not fit into the type"):
        coerced(value, type, "it")


def test_kept_attributes_take_the_nearest_type() -> None:
    assert plain((1, 2)) == (AttrType.LONGS, (1, 2))
    assert plain(("a", "b")) == (AttrType.STRINGS, ("a", "b"))
    assert plain((1, "b")) is None
    assert plain(Opaque("1.a_new")) is None
    assert plain(2) == (AttrType.LONG, 2)

"""Judging: every kind of finding, and that a program which meets every demand has none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import Attr, ProgramBuilder
from weightquant_cli.core.lite.demands.demand import Effect
from weightquant_cli.core.lite.demands.judge import findings
from weightquant_cli.core.lite.demands.mend import mend
from weightquant_cli.core.lite.demands.position import Position
from weightquant_cli.core.lite.demands.versions import VERSIONS
from weightquant_cli.errors import OptionError
from weightquant_cli.formats import dtypes
from weightquant_cli.formats.program import AttrType, Program

FP64, BOOL, INT64, BF16 = 6, 0, 3, 22


def build(type: str, of: int = 5, slot: str = "X", **attributes: Any) -> Program:
    builder = ProgramBuilder()
    builder.main.var("x", (2, 3), of)
    builder.main.op(type, {slot: "x"}, {"Out": "y"}, attributes, shape=(2, 3))
    return builder.parse()


def codes(program: Program, version: str = "2.12") -> list[str]:
    return [demand.code.value for demand in findings(program, {}, version)]


def test_a_plain_relu_meets_every_demand_of_every_version() -> None:
    assert [codes(build("relu"), version) for version in VERSIONS] == [[]] * len(VERSIONS)


def test_a_version_that_was_not_measured_is_an_error() -> None:
    with pytest.raises(OptionError, match=r"one of 2\.9"):
        findings(build("relu"), {}, "3.0")


def test_an_operator_that_a_version_lacks_is_found_with_the_version_that_has_it() -> None:
    (demand,) = findings(build("round"), {}, "2.12")
    assert demand.code.value == "unsupported_operator"
    assert demand.position == Position(0, 0)
    assert demand.effect is Effect.NOT_CONVERTED
    assert "2.13rc0" in demand.remedy
    assert codes(build("round"), "2.13rc0") == []


def test_an_operator_that_no_version_has_is_found() -> None:
    assert [codes(build("as_real"), version) for version in VERSIONS] == (
        [["unsupported_operator"]] * len(VERSIONS)
    )


def test_what_mend_mends_is_found_before_and_not_after() -> None:
    for program in (
        build("relu6"),
        build("silu"),
        build("reduce_any", dim=Attr(AttrType.LONGS, (1,)), keep_dim=False, reduce_all=False),
        build("fill_constant", slot="None", shape=Attr(AttrType.LONGS, ()), value=1.0, dtype=5),
    ):
        assert codes(program)
        assert all("mend" in demand.remedy for demand in findings(program, {}, "2.12"))
        mend(program)
        assert codes(program) == []


def test_a_missing_attribute_without_a_default_asks_for_another_export() -> None:
    found = findings(build("transpose2"), {}, "2.12")
    assert [(demand.code.value, demand.remedy) for demand in found] == [
        ("missing_attribute", "export the model again")
    ]


def test_xshape_is_demanded_by_some_versions_alone() -> None:
    program = build("unsqueeze2", axes=[1])
    assert {version: codes(program, version) for version in VERSIONS} == {
        "2.9": ["missing_output"],
        "2.10": ["missing_output"],
        "2.11": ["missing_output"],
        "2.12": [],
        "2.13rc0": [],
    }


def test_booleans_are_found_where_there_is_no_kernel_for_them() -> None:
    attributes: dict[str, Any] = {"axis": 0, "num": 2, "sections": []}
    assert codes(build("split", BOOL, **attributes)) == ["boolean"]
    assert codes(build("split", **attributes)) == []


def test_fp64_is_found_where_it_is_computed_with() -> None:
    assert codes(build("abs", FP64)) == ["double"]
    assert codes(build("assign", FP64)) == []


def test_a_parameter_of_a_type_that_opt_cannot_read_is_found_by_name() -> None:
    found = findings(build("relu"), {"w": dtypes.FP16, "b": dtypes.INT8}, "2.12")
    assert [(d.code.value, d.operator, d.position) for d in found] == [
        ("parameter_type", "w", None)
    ]


def test_a_declared_bf16_stops_2_13_alone() -> None:
    program = build("assign", BF16)
    assert codes(program, "2.12") == []
    assert codes(program, "2.13rc0") == ["variable_type"]


@pytest.mark.parametrize(
    ("type", "attributes", "code"),
    [
        ("cast", {"in_dtype": 5, "out_dtype": 6}, "cast"),
        ("p_norm", {"porder": 1.0}, "norm"),
        ("arg_max", {"axis": Attr(AttrType.LONG, 0), "flatten": True}, "flatten_ignored"),
        ("elementwise_mod", {"axis": -1}, "float_remainder"),
    ],
)
def test_uses_that_paddle_lite_gets_wrong_are_found(
    type: str, attributes: dict[str, Any], code: str
) -> None:
    assert codes(build(type, **attributes)) == [code]


@pytest.mark.parametrize(
    ("type", "attributes"),
    [
        ("cast", {"in_dtype": 5, "out_dtype": 0}),
        ("fill_any_like", {"dtype": 0, "value": 1.0}),
        ("split", {"axis": 0, "num": 0, "sections": [1, -1]}),
    ],
)
def test_what_2_11_cannot_do_and_2_12_can_is_found_there_alone(
    type: str, attributes: dict[str, Any]
) -> None:
    program = build(type, **attributes)
    (demand,) = findings(program, {}, "2.11")
    assert demand.effect is Effect.ABORTS_AT_RUN
    assert codes(program, "2.12") == []


def test_values_that_only_paddle_3_reads_are_found() -> None:
    values: dict[str, Any] = {"dtype": 5, "shape": [2], "fp32_values": [1.0, 0.0]}
    assert codes(build("assign_value", **values)) == []
    del values["fp32_values"]
    assert codes(build("assign_value", **values)) == ["values_as_scalars"]


@pytest.mark.parametrize(
    ("start", "effect"), [((1 << 31) - 1, Effect.ABORTS_AT_RUN), (5, Effect.WRONG)]
)
def test_a_slice_backwards_is_found(start: int, effect: Effect) -> None:
    attributes: dict[str, Any] = {"axes": [1], "ends": [-1], "strides": [-1], "starts": [start]}
    (demand,) = findings(build("strided_slice", slot="Input", **attributes), {}, "2.12")
    assert (demand.code.value, demand.effect) == ("slice_backwards", effect)


def test_a_layer_norm_without_scale_is_found() -> None:
    builder = ProgramBuilder()
    outputs = {"Y": "y", "Mean": "m", "Variance": "v"}
    attributes = {"begin_norm_axis": 1, "epsilon": 1e-5}
    builder.main.op("layer_norm", {"X": "x"}, outputs, attributes)
    both = {"X": "x", "Scale": "s", "Bias": "b"}
    builder.main.op("layer_norm", both, outputs, attributes)
    (demand,) = findings(builder.parse(), {}, "2.12")
    assert (demand.code.value, demand.position) == ("layer_norm_without_scale", Position(0, 0))


def test_the_same_operators_are_taken_where_they_are_used_right() -> None:
    assert codes(build("cast", in_dtype=5, out_dtype=3)) == []
    assert codes(build("p_norm", porder=2.0)) == []
    assert codes(build("arg_max", axis=Attr(AttrType.LONG, 0), flatten=False)) == []
    assert codes(build("elementwise_mod", INT64, axis=-1)) == []


def test_judging_changes_nothing() -> None:
    program = build("relu6")
    before = program.serialize()
    findings(program, {}, "2.12")
    assert program.serialize() == before

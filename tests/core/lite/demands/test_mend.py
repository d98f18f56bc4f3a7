"""Mending: each change, that it is exact, and that nothing else is touched."""

from __future__ import annotations

import pytest

from tests.builders import Attr, ProgramBuilder
from weightquant_cli.core.lite.demands.attributes import Missing, missing_attributes
from weightquant_cli.core.lite.demands.demand import Effect
from weightquant_cli.core.lite.demands.judge import findings
from weightquant_cli.core.lite.demands.mend import mend
from weightquant_cli.core.lite.demands.position import Position
from weightquant_cli.formats.program import AttrType, Operator, Program


def only_operator(program: Program) -> Operator:
    return program.blocks[0].operators[0]


def build(type: str, slot: str = "X", **attributes: object) -> Program:
    """A program of one operator with a declared input."""
    builder = ProgramBuilder()
    builder.main.var("x", (2, 3, 4))
    builder.main.op(type, {slot: "x"}, {"Out": "y"}, attributes, shape=(2, 3, 4))
    return builder.parse()


def test_relu6_without_threshold_lacks_paddles_default() -> None:
    (missing,) = missing_attributes(build("relu6"))
    assert missing == Missing(
        Position(0, 0), "relu6", "threshold", AttrType.FLOAT, 6.0, "PaddlePaddle 1.8.5"
    )


def test_swish_without_beta_is_given_1() -> None:
    program = build("swish")
    mend(program)
    beta = only_operator(program).attribute("beta")
    assert beta is not None
    assert (beta.type, beta.value) == (AttrType.FLOAT, 1.0)


def test_an_attribute_that_is_there_stays_as_it_is() -> None:
    program = build("relu6", threshold=4.0)
    before = program.serialize()
    assert missing_attributes(program) == ()
    assert mend(program) == ()
    assert program.serialize() == before


def test_an_operator_that_nobody_measured_stays_as_it_is() -> None:
    program = build("an_operator_of_tomorrow")
    before = program.serialize()
    assert mend(program) == ()
    assert program.serialize() == before


def test_operators_in_sub_blocks_are_mended_too() -> None:
    builder = ProgramBuilder()
    inner = builder.block()
    inner.op("relu6", {"X": "x"}, {"Out": "y"})
    builder.main.op("while", {"X": "x"}, {"Out": "y"}, {"sub_block": inner})
    (mended,) = mend(builder.parse())
    assert mended.position == Position(1, 0)
    assert mended.change == "threshold = 6.0"


def test_mending_twice_changes_nothing_more() -> None:
    builder = ProgramBuilder()
    builder.main.var("x", (2, 3))
    builder.main.op("silu", {"X": "x"}, {"Out": "a"}, shape=(2, 3))
    builder.main.op("unsqueeze2", {"X": "a"}, {"Out": "b"}, {"axes": [1]}, shape=(2, 1, 3))
    builder.main.op("fill_constant", {}, {"Out": "c"}, {"shape": Attr(AttrType.LONGS, ())})
    program = builder.parse()
    assert mend(program)
    before = program.serialize()
    assert mend(program) == ()
    assert program.serialize() == before


def test_a_0_d_constant_is_given_rank_1() -> None:
    program = build("fill_constant", "Ignored", shape=Attr(AttrType.LONGS, ()))
    mend(program)
    shape = only_operator(program).attribute("shape")
    assert shape is not None
    assert (shape.type, shape.value) == (AttrType.LONGS, (1,))


@pytest.mark.parametrize("slot", ["ShapeTensor", "ShapeTensorList"])
def test_a_constant_whose_shape_is_a_tensor_keeps_its_empty_shape(slot: str) -> None:
    program = build("fill_constant", slot, shape=Attr(AttrType.LONGS, ()))
    mend(program)
    assert only_operator(program).value("shape") == ()


def test_a_reduction_over_no_dim_says_that_it_is_over_all() -> None:
    program = build("reduce_sum", dim=[], reduce_all=False, keep_dim=False)
    mend(program)
    assert only_operator(program).value("reduce_all") is True


def test_a_reduction_over_a_dim_stays_one() -> None:
    program = build("reduce_sum", dim=[1], reduce_all=False, keep_dim=False)
    mend(program)
    assert only_operator(program).value("reduce_all") is False


def test_longs_become_ints_where_opt_reads_ints() -> None:
    program = build(
        "reduce_all", dim=Attr(AttrType.LONGS, (1, -1)), reduce_all=False, keep_dim=False
    )
    mend(program)
    dim = only_operator(program).attribute("dim")
    assert dim is not None
    assert (dim.type, dim.value) == (AttrType.INTS, (1, -1))


def test_a_long_that_no_int_holds_stays_a_long() -> None:
    program = build("transpose2", axis=Attr(AttrType.LONGS, (1 << 31, 0)))
    mend(program)
    axis = only_operator(program).attribute("axis")
    assert axis is not None
    assert axis.type is AttrType.LONGS


def test_a_double_becomes_a_float_only_where_that_is_the_same_number() -> None:
    exact = build("leaky_relu", alpha=Attr(AttrType.FLOAT64, 0.25))
    other = build("leaky_relu", alpha=Attr(AttrType.FLOAT64, 0.1))
    huge = build("leaky_relu", alpha=Attr(AttrType.FLOAT64, 1e300))
    types = []
    for program in (exact, other, huge):
        mend(program)
        alpha = only_operator(program).attribute("alpha")
        assert alpha is not None
        types.append(alpha.type)
    assert types == [AttrType.FLOAT, AttrType.FLOAT64, AttrType.FLOAT64]


def test_squeeze_is_given_the_xshape_that_older_opts_want() -> None:
    program = build("squeeze2", axes=[1])
    mend(program)
    (name,) = only_operator(program).outputs["XShape"]
    declared = {v.name: v for v in program.blocks[0].variables}[name]
    assert declared.shape == (0, 2, 3, 4)
    assert not declared.persistable


def test_added_outputs_never_take_the_name_of_another_variable() -> None:
    builder = ProgramBuilder()
    builder.main.var("x", (2, 1))
    builder.main.var("x.xshape", (1,))
    for number in range(2):
        builder.main.op("squeeze2", {"X": "x"}, {"Out": f"y{number}"}, {"axes": [1]}, shape=(2,))
    program = builder.parse()
    mend(program)
    names = [v.name for v in program.blocks[0].variables]
    assert len(names) == len(set(names))
    assert {"x.xshape", "x.xshape_1", "x.xshape_2"} <= set(names)


def test_silu_is_spelled_as_swish() -> None:
    program = build("silu")
    mend(program)
    operator = only_operator(program)
    assert operator.type == "swish"
    assert operator.value("beta") == 1.0


def test_brelu_is_spelled_as_clip_with_the_same_ends() -> None:
    program = build("brelu", t_min=-1.0, t_max=2.0)
    mend(program)
    operator = only_operator(program)
    assert operator.type == "clip"
    assert (operator.value("min"), operator.value("max")) == (-1.0, 2.0)


def test_brelu_without_its_ends_stays_as_it_is() -> None:
    program = build("brelu", t_min=-1.0)
    before = program.serialize()
    assert mend(program) == ()
    assert program.serialize() == before


def pad_program(xshape: bool, **attributes: object) -> Program:
    """Paddle's 4-d pad: unsqueeze2, pad3d, squeeze2."""
    builder = ProgramBuilder()
    builder.main.var("x", (1, 2, 4, 4))
    names = iter("abc")
    x = "x"
    for type in ("unsqueeze2", "pad3d", "squeeze2"):
        outputs = {"Out": next(names)}
        given: dict[str, object] = {"axes": [2]}
        if type == "pad3d":
            given = {"mode": "constant", "value": 0.0, "data_format": "NCDHW", **attributes}
        elif xshape:
            outputs["XShape"] = f"{x}.xshape"
        x = builder.main.op(type, {"X": x}, outputs, given, shape=(1, 2, 4, 4))
    return builder.parse()


def test_xshape_is_not_added_where_opt_would_make_a_wrong_pad2d_of_it() -> None:
    program = pad_program(xshape=False, paddings=[1, 1, 2, 2, 0, 0])
    assert mend(program) == ()
    assert all("XShape" not in op.outputs for op in program.blocks[0].operators)


def test_a_pad_with_xshape_is_judged_by_what_opt_fuses_it_to() -> None:
    uneven = pad_program(xshape=True, paddings=[1, 1, 2, 2, 0, 0])
    even = pad_program(xshape=True, paddings=[1, 1, 1, 1, 0, 0])
    edges = pad_program(xshape=True, paddings=[1, 1, 1, 1, 0, 0], mode="replicate")
    bare = pad_program(xshape=False, paddings=[1, 1, 2, 2, 0, 0])

    def effects(program: Program, version: str) -> list[Effect]:
        return [demand.effect for demand in findings(program, {}, version)]

    assert effects(uneven, "2.12") == [Effect.WRONG]
    assert effects(uneven, "2.10") == []
    assert effects(even, "2.12") == []
    assert effects(edges, "2.13rc0") == [Effect.ABORTS_AT_RUN]
    assert effects(bare, "2.12") == []
    assert effects(bare, "2.10") == [Effect.NOT_CONVERTED, Effect.NOT_CONVERTED]

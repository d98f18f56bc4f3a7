"""What a PIR program becomes: operators, variables, names, constants."""

from __future__ import annotations

import json

import pytest

from weightquant_cli.errors import UnsupportedModelError
from weightquant_cli.formats.pir import Unknown, supported_operations, translate
from weightquant_cli.formats.program import Program

from .builder import FILE, Builder, attributes, dtype, operators, tensor, through, types, vector


def convolution() -> Builder:
    """A convolution with a bias, as `nn.Conv2D` exports it."""
    b = Builder()
    bias, weight = b.parameter("conv.b_0", 8), b.parameter("conv.w_0", 8, 3, 3, 3)
    x = b.data("x", -1, 3, 16, 16)
    y = b.op(
        "conv2d",
        [x, weight],
        tensor(-1, 8, 14, 14),
        strides=[1, 1],
        paddings=[0, 0],
        padding_algorithm="EXPLICIT",
        dilations=[1, 1],
        groups=1,
        data_format="NCHW",
        struct_name="/Conv2D/",
    )
    shaped = b.op("reshape", [bias, b.integers(1, -1, 1, 1)], tensor(1, 8, 1, 1))
    b.fetch(b.op("add", [y, shaped], tensor(-1, 8, 14, 14)), "fetch_name_0")
    return b


def test_a_convolution_is_spelled_as_paddle_2_does() -> None:
    program = convolution().translated()
    conv, reshape, add = operators(program)
    assert conv.type == "conv2d"
    assert conv.inputs == {"Input": ("x",), "Filter": ("conv.w_0",)}
    assert attributes(conv) == {
        "strides": (1, 1),
        "paddings": (0, 0),
        "padding_algorithm": "EXPLICIT",
        "dilations": (1, 1),
        "groups": 1,
        "data_format": "NCHW",
    }
    assert reshape.type == "reshape2"
    assert attributes(reshape) == {"shape": (1, 8, 1, 1)}
    assert set(reshape.outputs) == {"Out", "XShape"}
    assert add.type == "elementwise_add"
    assert attributes(add) == {"axis": -1}
    assert add.outputs == {"Out": ("fetch_name_0",)}


def test_inputs_and_outputs_keep_their_names() -> None:
    program = convolution().translated()
    ends = [op for op in program.blocks[0].operators if op.type in ("feed", "fetch")]
    assert [(op.type, op.inputs, op.outputs) for op in ends] == [
        ("feed", {"X": ("feed",)}, {"Out": ("x",)}),
        ("fetch", {"X": ("fetch_name_0",)}, {"Out": ("fetch",)}),
    ]


def test_every_variable_is_described_once_and_parameters_are_persistable() -> None:
    program = convolution().translated()
    variables = {variable.name: variable for variable in program.blocks[0].variables}
    assert len(variables) == len(program.blocks[0].variables)
    assert {name for name, each in variables.items() if each.is_parameter} == {
        "conv.w_0",
        "conv.b_0",
    }
    assert variables["x"].shape == (-1, 3, 16, 16)
    named = {
        name for op in program.blocks[0].operators for slot in op.inputs.values() for name in slot
    }
    assert named <= set(variables)


def test_the_result_parses_as_a_program_of_paddle_2_6() -> None:
    program = convolution().translated()
    again = Program.parse(program.serialize(), FILE)
    assert again.paddle_version == "2.6.2"
    assert again.serialize() == program.serialize()


def test_the_same_file_gives_the_same_bytes() -> None:
    data = convolution().json()
    assert translate(data, FILE).serialize() == translate(data, FILE).serialize()


def test_vectors_are_lists_of_variables() -> None:
    def write(b: Builder, x: int) -> int:
        parts = b.op(
            "split_with_num",
            [x, b.number(1, element="i32")],
            vector(tensor(2, 2), tensor(2, 2)),
            num=2,
        )
        first = b.op("0.split", [parts], tensor(2, 2), tensor(2, 2))
        joined = b.op("0.combine", [first + 1, first], vector(tensor(2, 2), tensor(2, 2)))
        return b.op("concat", [joined, b.number(0, element="i32")], tensor(4, 2))

    split, concat = operators(through(write, 2, 4))
    assert attributes(split) == {"axis": 1, "num": 2, "sections": ()}
    assert concat.inputs["X"] == split.outputs["Out"][::-1]


def test_batch_norm_updates_the_variables_of_its_statistics() -> None:
    b = Builder()
    names = ("mean", "variance", "scale", "bias")
    mean, variance, scale, bias = (b.parameter(name, 4) for name in names)
    x = b.data("x", 1, 4, 2, 2)
    types = [tensor(1, 4, 2, 2), *[tensor(4)] * 4, tensor(-1, element="ui8")]
    y = b.op("batch_norm_", [x, mean, variance, scale, bias], *types, is_test=True)
    b.fetch(y)
    (norm,) = operators(b.translated())
    assert norm.type == "batch_norm"
    assert (norm.outputs["MeanOut"], norm.outputs["VarianceOut"]) == (("mean",), ("variance",))
    assert norm.outputs["Y"] == ("out",)
    assert set(norm.outputs) == {"Y", "MeanOut", "VarianceOut", "SavedMean", "SavedVariance"}


def test_what_is_changed_in_place_is_read_changed() -> None:
    b = Builder()
    x = b.op("tanh", [b.data("x", 4)], tensor(4))
    b.op("relu_", [x], tensor(4))
    b.fetch(b.op("exp", [x], tensor(4)))
    _, relu, exp = operators(b.translated())
    assert exp.inputs["X"] == relu.outputs["Out"]


@pytest.mark.parametrize("name", ["reshape", "cast", "mean", "add"])
def test_a_variant_in_place_of_what_has_a_function_of_its_own_is_read_changed(name: str) -> None:
    def changed(variant: str) -> tuple[str, bool]:
        b = Builder()
        x = b.op("tanh", [b.data("x", 4)], tensor(4))
        if name == "reshape":
            y = b.op(variant, [x, b.integers(2, 2)], tensor(2, 2))
        elif name == "cast":
            y = b.op(variant, [x], tensor(4, element="f16"), dtype=dtype("float16"))
        elif name == "mean":
            y = b.op(variant, [x], tensor(), axis=[], keepdim=False)
        else:
            y = b.op(variant, [x, b.op("exp", [x], tensor(4))], tensor(4))
        b.fetch(b.op("exp", [x], tensor(4)))
        b.fetch(y, "changed", 1)
        found = operators(b.translated())
        (written,) = (each for each in found if each.type not in ("tanh", "exp"))
        return written.type, found[-1].inputs["X"] == written.outputs["Out"]

    type, reads_new = changed(name)
    assert not reads_new
    assert changed(f"{name}_") == (type, True)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("relu6", {"threshold": 6.0}),
        ("swish", {"beta": 1.0}),
        ("silu", {"beta": 1.0}),
        ("hardswish", {"threshold": 6.0, "scale": 6.0, "offset": 3.0}),
    ],
)
def test_attributes_that_paddle_lite_demands_are_written(
    operation: str, expected: dict[str, float]
) -> None:
    program = through(lambda b, x: b.op(operation, [x], tensor(4)), 4)
    assert attributes(operators(program)[0]) == expected


def test_a_mean_over_all_axes_says_so() -> None:
    program = through(lambda b, x: b.op("mean", [x, b.integers()], tensor(), keepdim=False), 2, 3)
    assert attributes(operators(program)[0]) == {
        "dim": (0, 1),
        "keep_dim": False,
        "reduce_all": True,
    }


def test_a_cast_names_both_element_types() -> None:
    program = through(
        lambda b, x: b.op("cast", [x], tensor(4, element="i64"), dtype=dtype("int64")), 4
    )
    assert attributes(operators(program)[0]) == {"in_dtype": 5, "out_dtype": 3}


def test_an_input_that_is_an_output_gets_a_variable_of_its_own() -> None:
    b = Builder()
    b.fetch(b.data("x", 4), "y")
    program = b.translated()
    (assign,) = operators(program)
    assert (assign.type, assign.inputs, assign.outputs) == (
        "assign",
        {"X": ("x",)},
        {"Out": ("y",)},
    )


def test_one_value_may_be_two_outputs() -> None:
    b = Builder()
    y = b.op("tanh", [b.data("x", 4)], tensor(4))
    b.fetch(y, "first", 0)
    b.fetch(y, "second", 1)
    program = b.translated()
    assert types(program) == ["tanh", "assign"]
    fetched = [op.inputs["X"] for op in program.blocks[0].operators if op.type == "fetch"]
    assert fetched == [("first",), ("second",)]


def test_names_that_the_model_uses_are_not_given_to_other_variables() -> None:
    b = Builder()
    b.parameter("value_2.tmp_0", 4)
    x = b.data("x", 4)
    y = b.op("tanh", [x], tensor(4))
    b.fetch(b.op("exp", [y], tensor(4)), "value_3.tmp_0")
    program = b.translated()
    names = [variable.name for variable in program.blocks[0].variables]
    assert len(names) == len(set(names))


def test_a_parameter_that_is_not_stored_is_not_declared() -> None:
    b = Builder()
    b.parameter("dropout_state", persistable=0)
    b.fetch(b.op("tanh", [b.data("x", 4)], tensor(4)))
    assert "dropout_state" not in {each.name for each in b.translated().blocks[0].variables}


def test_unknown_operations_are_all_named_with_how_often() -> None:
    b = Builder()
    x = b.data("x", 4)
    for name in ("foo", "foo", "3.my_op"):
        x = b.op(name, [x], tensor(4))
    b.fetch(x)
    with pytest.raises(UnsupportedModelError) as caught:
        b.translated()
    said = str(caught.value)
    assert "pd_op.foo x2, custom_op.my_op x1 (m.json)" in said
    assert "\n" not in said


def test_unknown_operations_can_be_kept_to_look_at() -> None:
    b = Builder()
    x = b.op("foo", [b.data("x", 4), b.parameter("w", 4)], tensor(4), depth=3, mode="a")
    b.fetch(b.op("tanh", [x], tensor(4)))
    program = b.translated(Unknown.KEEP)
    foo, tanh = operators(program)
    assert foo.type == "pd_op.foo"
    assert foo.inputs == {"Input0": ("x",), "Input1": ("w",)}
    assert attributes(foo) == {"depth": 3, "mode": "a"}
    assert tanh.inputs["X"] == foo.outputs["Output0"]


def test_what_paddle_2_cannot_say_is_refused_with_the_reason() -> None:
    b = Builder()
    b.fetch(b.op("round", [b.data("x", 4)], tensor(4), decimals=2))
    with pytest.raises(UnsupportedModelError, match=r"pd_op.round \(its decimals is not 0\) x1"):
        b.translated()


def test_an_attribute_of_an_unknown_kind_is_only_a_fault_where_it_is_needed() -> None:
    strange = {"#": "1.a_new", "D": 3}
    b = Builder()
    b.fetch(b.op("tanh", [b.data("x", 4)], tensor(4), extra=strange))
    assert types(b.translated()) == ["tanh"]
    b = Builder()
    b.fetch(b.op("softmax", [b.data("x", 4)], tensor(4), axis=strange))
    with pytest.raises(UnsupportedModelError, match="its axis does not fit"):
        b.translated()


def test_more_than_two_hundred_operations_are_known() -> None:
    assert len(supported_operations()) > 200
    assert "pd_op.conv2d" in supported_operations()


def test_indented_json_is_read_as_well() -> None:
    indented = json.dumps(convolution().document(), indent=4).encode()
    assert translate(indented, FILE).serialize() == convolution().translated().serialize()


def test_only_reshapes_have_a_second_result_as_in_paddle_2_6() -> None:
    def write(b: Builder, x: int) -> int:
        y = b.op("unsqueeze", [x, b.integers(0)], tensor(1, 2, 3))
        y = b.op("transpose", [y], tensor(2, 1, 3), perm=[1, 0, 2])
        y = b.op("squeeze", [y, b.integers(1)], tensor(2, 3))
        return b.op("reshape", [y, b.integers(3, 2)], tensor(3, 2))

    slots = [set(operator.outputs) for operator in operators(through(write, 2, 3))]
    assert slots == [{"Out"}, {"Out"}, {"Out"}, {"Out", "XShape"}]

"""Constants and shapes: attributes again, or tensors only where somebody reads them."""

from __future__ import annotations

from .builder import Builder, attributes, operators, tensor, through, types, vector


def test_constants_that_become_attributes_disappear() -> None:
    program = through(
        lambda b, x: b.op("unsqueeze", [x, b.integers(0)], tensor(1, 4)),
        4,
    )
    assert types(program) == ["unsqueeze2"]


def test_a_constant_that_is_read_as_a_tensor_is_written_once() -> None:
    b = Builder()
    x = b.data("x", 2, 3)
    two = b.number(2.0, 2, 3)
    y = b.op("add", [x, two], tensor(2, 3))
    b.fetch(b.op("multiply", [y, two], tensor(2, 3)))
    program = b.translated()
    assert types(program) == ["fill_constant", "elementwise_add", "elementwise_mul"]
    fill = attributes(operators(program)[0])
    assert (fill["shape"], fill["dtype"], fill["value"]) == ((2, 3), 5, 2.0)
    assert fill["str_value"] == "2.0"


def test_a_scalar_beside_a_tensor_gets_dims_because_paddle_lite_fills_none_without() -> None:
    program = through(
        lambda b, x: b.op("less_than", [x, b.scalar(3, "f32")], tensor(4, element="bool")), 4
    )
    fill, less = operators(program)
    assert attributes(fill)["shape"] == (1,)
    assert less.inputs["Y"] == fill.outputs["Out"]


def test_a_scalar_without_dims_is_taken_out_of_a_tensor() -> None:
    b = Builder()
    b.fetch(b.scalar(7), "seven")
    program = b.translated()
    assert types(program) == ["fill_constant", "slice"]
    assert operators(program)[1].outputs == {"Out": ("seven",)}


def test_a_computed_shape_is_a_list_of_scalars_in_32_bits() -> None:
    def write(b: Builder, x: int) -> int:
        shape = b.op("shape64", [x], tensor(2, element="i64"))
        first = b.op(
            "slice",
            [shape, b.integers(0), b.integers(1)],
            tensor(element="i64"),
            axes=[0],
            infer_flags=[1],
            decrease_axis=[0],
        )
        joined = b.op(
            "0.combine",
            [first, b.scalar(-1)],
            vector(tensor(element="i64"), tensor(element="i64")),
        )
        stacked = b.op("stack", [joined], tensor(2, element="i64"), axis=0)
        return b.op("reshape", [x, stacked], tensor(-1, -1))

    program = through(write, -1, 6)
    assert types(program) == ["shape", "slice", "fill_constant", "reshape2"]
    reshape = operators(program)[-1]
    assert len(reshape.inputs["ShapeTensor"]) == 2
    assert attributes(reshape) == {"shape": (-1, -1)}
    declared = {each.name: each.dtype for each in program.blocks[0].variables}
    assert {str(declared[name]) for name in reshape.inputs["ShapeTensor"]} == {"INT32"}


def test_64_bits_of_a_shape_are_made_where_they_are_needed() -> None:
    program = through(lambda b, x: b.op("shape64", [x], tensor(2, element="i64")), 2, 3)
    assert types(program) == ["shape", "cast"]
    assert operators(program)[1].outputs == {"Out": ("out",)}


def test_an_end_of_64_bits_ends_at_32() -> None:
    program = through(
        lambda b, x: b.op(
            "slice",
            [x, b.integers(1), b.integers((1 << 63) - 1)],
            tensor(3),
            axes=[0],
            infer_flags=[1],
            decrease_axis=[],
        ),
        4,
    )
    assert attributes(operators(program)[0])["ends"] == ((1 << 31) - 1,)

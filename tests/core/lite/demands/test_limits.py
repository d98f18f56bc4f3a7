"""Uses that Paddle Lite gets wrong: what each rule says of one, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import ProgramBuilder
from weightquant_cli.core.lite.demands.demand import Effect
from weightquant_cli.core.lite.demands.limits import RULES, Limit, Use
from weightquant_cli.core.lite.demands.position import Declarations, Position
from weightquant_cli.core.lite.demands.versions import VERSIONS
from weightquant_cli.formats.program import Program

INT32, INT64 = 2, 3
ABORTS, WRONG = Effect.ABORTS_AT_RUN, Effect.WRONG


def said(program: Program, index: int = 0, version: str = "2.12") -> list[Limit]:
    """What the rules say of one operator of the main block."""
    operator = program.blocks[0].operators[index]
    use = Use(operator, Position(0, index), Declarations(program), version, {})
    return [limit for rule in RULES[operator.type] if (limit := rule(use)) is not None]


def one(type: str, *slots: str, **attributes: Any) -> Program:
    """One operator that reads a tensor in each slot."""
    builder = ProgramBuilder()
    builder.main.op(type, {slot: slot.lower() for slot in slots}, {"Out": "y"}, attributes)
    return builder.parse()


@pytest.mark.parametrize("layout", ["NHWC", "NDHWC", "NLC"])
@pytest.mark.parametrize(
    ("type", "name", "effect"),
    [
        ("conv2d", "data_format", WRONG),
        ("pool2d", "data_format", WRONG),
        ("batch_norm", "data_layout", Effect.NOT_CONVERTED),
    ],
)
def test_another_layout_is_taken_for_nchw(
    type: str, name: str, effect: Effect, layout: str
) -> None:
    (limit,) = said(one(type, **{name: layout}))
    assert (limit.effect, layout in limit.text) == (effect, True)
    assert said(one(type, **{name: "NCHW"})) == []


def test_a_group_norm_without_scale_crashes_2_9_alone() -> None:
    bare, whole = one("group_norm", "X"), one("group_norm", "X", "Scale", "Bias")
    assert [version for version in VERSIONS if said(bare, version=version)] == ["2.9"]
    assert said(whole, version="2.9") == []


@pytest.mark.parametrize(
    ("program", "effect"),
    [
        (one("scale", "X", "ScaleTensor"), WRONG),
        (one("p_norm", asvector=True), ABORTS),
        (one("p_norm", porder=1.0), WRONG),
        (one("pad3d", mode="constant", value=1.0), WRONG),
        (one("yolo_box", iou_aware=True), ABORTS),
        (one("rnn", mode="RNN_TANH"), WRONG),
    ],
)
def test_what_is_ignored_or_not_known_is_told(program: Program, effect: Effect) -> None:
    (limit,) = said(program)
    assert limit.effect is effect


@pytest.mark.parametrize(
    "program",
    [
        one("scale", "X"),
        one("p_norm", porder=2.0),
        one("pad3d", mode="constant", value=0.0),
        one("pad3d", mode="reflect", value=1.0),
        one("yolo_box", iou_aware=False),
        one("rnn", mode="LSTM"),
        one("strided_slice", strides=[1], starts=[0]),
    ],
)
def test_right_uses_are_left_alone(program: Program) -> None:
    assert said(program) == []


@pytest.mark.parametrize(("dtype", "count"), [(INT64, 1), (INT32, 0)])
def test_lengths_of_an_rnn_are_read_as_int32(dtype: int, count: int) -> None:
    builder = ProgramBuilder()
    builder.main.var("lengths", (2,), dtype)
    inputs = {"Input": "x", "SequenceLength": "lengths"}
    builder.main.op("rnn", inputs, {"Out": "y"}, {"mode": "GRU"})
    assert len(said(builder.parse())) == count


@pytest.mark.parametrize(
    ("grid", "count"), [((1, 8, 6, 2), 0), ((1, -1, 6, 2), 0), ((1, 4, 6, 2), 1), ((1, 8, 6), 0)]
)
def test_a_grid_of_another_size_than_the_image_aborts_before_2_13(
    grid: tuple[int, ...], count: int
) -> None:
    builder = ProgramBuilder()
    builder.main.var("x", (1, 3, 8, 6))
    builder.main.var("grid", grid)
    builder.main.op("grid_sampler", {"X": "x", "Grid": "grid"}, {"Output": "y"})
    assert len(said(builder.parse())) == count
    assert said(builder.parse(), version="2.13rc0") == []


def padded(shape: bool = True, **attributes: Any) -> Program:
    """unsqueeze2, pad3d and squeeze2, as PaddlePaddle spells `pad` of an image."""
    builder = ProgramBuilder()
    extra = {"XShape": "s"} if shape else {}
    builder.main.op("unsqueeze2", {"X": "x"}, {"Out": "a", **extra})
    builder.main.op("pad3d", {"X": "a"}, {"Out": "b"}, attributes)
    builder.main.op("squeeze2", {"X": "b"}, {"Out": "y", **extra})
    return builder.parse()


def test_a_pad_between_unsqueeze2_and_squeeze2_is_fused_wrongly() -> None:
    (limit,) = said(padded(mode="replicate", paddings=[1, 1, 1, 1, 0, 0]), 1)
    assert limit.effect is ABORTS
    (limit,) = said(padded(mode="reflect", paddings=[1, 2, 1, 1, 0, 0]), 1)
    assert limit.effect is WRONG


def test_a_pad_is_not_fused_without_xshape_nor_before_2_11_nor_wrongly_with_equal_sides() -> None:
    assert said(padded(mode="reflect", paddings=[1, 1, 1, 1, 0, 0]), 1) == []
    uneven: dict[str, Any] = {"mode": "reflect", "paddings": [1, 2, 1, 1, 0, 0]}
    assert said(padded(shape=False, **uneven), 1) == []
    assert [v for v in VERSIONS if said(padded(**uneven), 1, v)] == ["2.11", "2.12", "2.13rc0"]


def test_a_long_value_is_cut_in_a_message() -> None:
    (limit,) = said(one("rnn", mode="x" * 5000))
    assert len(limit.text) < 100

"""Tags: found, written, stripped; and all that depends on them agrees about which count."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import COMBINED, Attr, ModelBuilder, normal, small_model, tree
from tests.core.check import check_drafts
from weightquant_cli import (
    FindingCode,
    Model,
    ModelError,
    OutputOptions,
    QuantizeOptions,
    Verdict,
    WeightQuantizeType,
    check,
    dequantize,
    make_opt_script,
    make_plan,
    quantize,
    summarize,
)
from weightquant_cli.core.lite.tags import ModelTags, find_tags, strip_tags, write_tag
from weightquant_cli.errors import AlreadyQuantizedError
from weightquant_cli.formats.program import AttrType


def tagged_twice() -> ModelBuilder:
    """A weight that two operators read and tag, and a third tags without reading it."""
    builder = ModelBuilder()
    for name, scale in (("relu", 9.0), ("mul", 1.0), ("mul", 2.0)):
        scales = {"w_quant_scale": Attr(AttrType.FLOATS, [scale])}
        if name == "relu":
            builder.op("relu", {"X": "x"}, {"Out": "y"}, scales)
        else:
            builder.mul("x", "w", None if "w" in builder.records else normal(2, 2), **scales)
    return builder


def test_all_tags_are_found_and_those_of_readers_count(tmp_path: Path) -> None:
    model = tagged_twice().load(tmp_path)
    tags = ModelTags(model)
    assert [(tag.operator.type, tag.scales.value) for tag in tags.all] == [
        ("relu", (9.0,)), ("mul", (1.0,)), ("mul", (2.0,)),
    ]  # fmt: skip
    assert tags.all == find_tags(model)
    assert [list(tags.slots(tag)) for tag in tags.all] == [[], ["Y"], ["Y"]]
    assert tags.of(model.weight("w")) == tags.all[1]
    assert not tags.is_quantized(model.weight("w"))  # FP32 with scales


def test_what_is_written_is_found_and_stripping_leaves_the_rest(tmp_path: Path) -> None:
    model = small_model().load(tmp_path)
    program = model.program.copy()
    operator = next(op for _, _, op in program.operators() if op.type == "mul")
    write_tag(operator, "fc1.w", [0.5, 0.25], 16, WeightQuantizeType.ABS_MAX)
    operator.set_attribute("with_quant_attr", AttrType.BOOLEAN, True)
    assert [operator.value(name) for name in list(operator.attribute_names())[-4:]] == [
        "post_weight_abs_max", 16, (0.5, 0.25), True,
    ]  # fmt: skip
    strip_tags(program)
    assert program.serialize() == model.program.serialize()


# ---- scales on an operator that does not read the weight ----------------------------------------


@pytest.fixture
def misplaced(tmp_path: Path) -> Model:
    """Two weights, one stored as INT8, whose scales stand on the operator of the other."""
    draft = check_drafts.two_muls(operators=[2])
    return draft.quantized().load(tmp_path / "misplaced", COMBINED)


def test_inspect_does_not_count_misplaced_scales(misplaced: Model) -> None:
    summary = summarize(misplaced)
    assert summary.headline == "INT8 without scales, 1 of 2 weights"
    assert summary.of(Verdict.QUANTIZED) == ()
    (weight,) = [weight for weight in summary.weights if weight.name == "w"]
    assert weight.scales is None
    assert weight.reason is not None
    assert weight.reason.text == "INT8 without scales: Paddle Lite computes garbage"


def test_the_check_does_not_count_misplaced_scales(misplaced: Model) -> None:
    result = check(misplaced)
    assert result.quantized == 0
    assert [(finding.code, finding.weight) for finding in result.errors] == [
        (FindingCode.NO_SCALES, "w")
    ]


def test_a_model_with_misplaced_scales_is_not_quantized_again(
    misplaced: Model, tmp_path: Path
) -> None:
    with pytest.raises(AlreadyQuantizedError, match=r"1 of 2 weights.*tensor w"):
        quantize(misplaced, make_plan(misplaced, QuantizeOptions()), OutputOptions(tmp_path / "q"))


def test_misplaced_scales_do_not_dequantize(misplaced: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the weight is INT8 and no operator has scales for it"):
        dequantize(misplaced, OutputOptions(tmp_path / "a" / "out"))
    assert "a/" not in tree(tmp_path)


def test_the_opt_script_does_not_count_misplaced_scales(misplaced: Model) -> None:
    assert make_opt_script(misplaced).quantized == 0

"""A plan as a document: written, edited, applied, or refused with every reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import ModelBuilder, normal, small_model, tree
from tests.core.plan.cases import bits_of
from weightquant_cli import (
    AutoBits,
    Model,
    OptionError,
    OutputOptions,
    Plan,
    QuantizeOptions,
    ReasonCode,
    WeightQuantizeType,
    apply_plan,
    make_plan,
    parse_plan,
    plan_document,
    plan_model,
    quantize,
)

ALL = QuantizeOptions(op_types=("all",))

Document = dict[str, Any]


@pytest.fixture
def model(tmp_path: Path) -> Model:
    return small_model().load(tmp_path / "in")


def document_of(plan: Plan) -> Document:
    """The document as a file would give it back."""
    read: Document = json.loads(json.dumps(plan_document(plan)))
    return read


def line(document: Document, name: str) -> Document:
    """The line of one weight."""
    (found,) = [line for line in document["weights"] if line["name"] == name]
    entry: Document = found
    return entry


def applied(model: Model, document: Document) -> Plan:
    return apply_plan(model, parse_plan(document))


def test_the_document_says_everything_about_a_weight(model: Model) -> None:
    document = document_of(make_plan(model, QuantizeOptions(12, exclude=("fc2.w",))))
    assert (document["schema"], document["version"]) == ("weightquant.plan", 1)
    assert document["weight_quantize_type"] == "channel_wise_abs_max"
    assert (document["threshold_rate"], document["rewrite"]) == (0.0, True)
    assert [line["name"] for line in document["weights"]] == sorted(small_model().records)
    assert line(document, "conv.w") == {
        "name": "conv.w", "operator": "conv2d", "shape": [4, 3, 3, 3], "bits": 12,
    }  # fmt: skip
    excluded = line(document, "fc2.w")
    assert (excluded["bits"], excluded["reason"]) == (None, "excluded by name")


@pytest.mark.parametrize(
    "options",
    [
        QuantizeOptions(),
        ALL,
        QuantizeOptions(16, WeightQuantizeType.ABS_MAX),
        QuantizeOptions(threshold_rate=0.02, op_types=("all",)),
        QuantizeOptions(rewrite=False),
        QuantizeOptions(bits_for=(("fc*", 12),), exclude=("conv.w",)),
        QuantizeOptions(AutoBits(min_sqnr=40)),
    ],
)
def test_an_applied_plan_writes_the_same_bytes(
    options: QuantizeOptions, model: Model, tmp_path: Path
) -> None:
    plan = plan_model(model, options)
    again = applied(model, document_of(plan))
    assert bits_of(again) == bits_of(plan)
    quantize(model, plan, OutputOptions(tmp_path / "first"))
    quantize(model, again, OutputOptions(tmp_path / "again"))
    assert tree(tmp_path / "again") == tree(tmp_path / "first")
    assert document_of(again)["weights"][0]["bits"] == document_of(plan)["weights"][0]["bits"]


def test_edited_bits_are_those_of_the_plan(model: Model) -> None:
    document = document_of(make_plan(model, QuantizeOptions()))
    line(document, "conv.w")["bits"] = 16
    line(document, "fc1.w")["bits"] = None
    line(document, "table.w")["bits"] = 9
    plan = applied(model, document)
    assert bits_of(plan) == {"conv.w": 16, "fc2.w": 8, "table.w": 9}
    (kept,) = [weight for weight in plan.kept if weight.name == "fc1.w"]
    assert kept.reason is not None
    assert (kept.reason.code, kept.reason.text) == (ReasonCode.EXCLUDED, "the plan keeps it")


def test_lines_in_another_order_and_without_comments_are_the_same_plan(model: Model) -> None:
    document = document_of(make_plan(model, ALL))
    shuffled = {**document, "weights": [
        {key: entry[key] for key in ("bits", "shape", "name")}
        for entry in reversed(document["weights"])
    ]}  # fmt: skip
    assert applied(model, shuffled).weights == applied(model, document).weights


# ---- a plan that does not fit --------------------------------------------------------------------


def _without(document: Document) -> None:
    document["weights"] = [w for w in document["weights"] if w["name"] != "conv.w"]


def _another(document: Document) -> None:
    document["weights"].append({"name": "ghost", "shape": [1], "bits": None})


def _other_shape(document: Document) -> None:
    line(document, "conv.w")["shape"] = [3, 4, 3, 3]


def _a_bias(document: Document) -> None:
    line(document, "fc1.b")["bits"] = 8


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_without, r"conv\.w is not in the plan"),
        (_another, "ghost is not in the model"),
        (_other_shape, r"conv\.w has the shape \[4, 3, 3, 3\], the plan says \[3, 4, 3, 3\]"),
        (_a_bias, r"fc1\.b cannot be quantized: it is a bias or norm"),
    ],
)
def test_a_plan_that_does_not_fit_names_the_weight(
    edit: Callable[[Document], None], message: str, model: Model
) -> None:
    document = document_of(make_plan(model, ALL))
    edit(document)
    with pytest.raises(OptionError, match=f"the plan does not fit the model: {message}"):
        applied(model, document)


def test_the_first_weights_that_do_not_fit_are_named_and_the_others_counted(model: Model) -> None:
    document = document_of(make_plan(model, ALL))
    for edit in (_without, _another, _a_bias):
        edit(document)
    line(document, "fc1.w")["shape"] = []
    with pytest.raises(OptionError) as caught:
        applied(model, document)
    assert caught.value.what.endswith(" and 1 more")
    for name in ("conv.w", "ghost", "fc1.b"):
        assert name in caught.value.what


def test_a_plan_of_another_model_is_refused(model: Model, tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.mul("x", "other.w", normal(2, 2))
    document = document_of(make_plan(builder.load(tmp_path / "other"), ALL))
    with pytest.raises(OptionError, match=r"other\.w is not in the model"):
        applied(model, document)


def test_a_weight_that_needs_a_rewrite_cannot_be_planned_without_one(model: Model) -> None:
    document = document_of(make_plan(model, QuantizeOptions(rewrite=False)))
    line(document, "fc2.w")["bits"] = 8
    with pytest.raises(OptionError, match=r"fc2\.w cannot be quantized: matmul_v2 would have to"):
        applied(model, document)


# ---- what is no plan -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "value", "message"),
    [
        (("schema",), "other", "not a plan that this version reads"),
        (("version",), 2, "not a plan that this version reads"),
        (("weight_quantize_type",), "channels", "weight_quantize_type is wrong"),
        (("weight_quantize_type",), None, "weight_quantize_type is wrong"),
        (("threshold_rate",), "0.1", "threshold_rate is wrong"),
        (("threshold_rate",), True, "threshold_rate is wrong"),
        (("threshold_rate",), 0.5, "goes with abs_max only"),
        (("rewrite",), 1, "rewrite is wrong"),
        (("weights",), {}, "weights"),
        (("weights",), None, "weights"),
        (("weights", 0), [], r"weights\[0\] is wrong"),
        (("weights", 3, "name"), 7, r"weights\[3\]\.name is wrong"),
        (("weights", 3, "shape"), "4", r"weights\[3\]\.shape is wrong"),
        (("weights", 3, "shape"), [1.0], r"weights\[3\]\.shape is wrong"),
        (("weights", 3, "shape"), [True], r"weights\[3\]\.shape is wrong"),
        (("weights", 3, "bits"), 3, r"weights\[3\]\.bits is wrong; expected 4 to 16, or null"),
        (("weights", 3, "bits"), 17, r"weights\[3\]\.bits is wrong"),
        (("weights", 3, "bits"), 8.0, r"weights\[3\]\.bits is wrong"),
        (("weights", 3, "bits"), True, r"weights\[3\]\.bits is wrong"),
        (("weights", 3, "bits"), "8", r"weights\[3\]\.bits is wrong"),
        (("weights", 3, "name"), "bn.Bias", r"names weights twice: bn\.Bias"),
    ],
)
def test_a_document_with_a_wrong_value_says_which(
    where: tuple[Any, ...], value: object, message: str, model: Model
) -> None:
    document = document_of(make_plan(model, QuantizeOptions()))
    place: Any = document
    for key in where[:-1]:
        place = place[key]
    place[where[-1]] = value
    with pytest.raises(OptionError, match=message):
        parse_plan(document)


@pytest.mark.parametrize("document", [None, [], "plan", 7, {}, {"schema": "weightquant.plan"}])
def test_what_is_no_plan_is_refused(document: object) -> None:
    with pytest.raises(OptionError):
        parse_plan(document)


def test_missing_keys_are_named(model: Model) -> None:
    for key in ("weight_quantize_type", "threshold_rate", "rewrite", "weights"):
        document = document_of(make_plan(model, QuantizeOptions()))
        del document[key]
        with pytest.raises(OptionError, match=key):
            parse_plan(document)


def test_numbers_of_numpy_do_not_reach_the_document(model: Model) -> None:
    def plain(value: object) -> bool:
        if isinstance(value, dict):
            return all(plain(item) for item in value.values())
        if isinstance(value, list):
            return all(plain(item) for item in value)
        return not isinstance(value, np.generic)

    assert plain(plan_document(make_plan(model, ALL)))

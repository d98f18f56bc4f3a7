"""A plan as a document that a person can edit: bits, or null to keep, for every weight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import OptionError, listed
from ..lite.storage import WeightQuantizeType
from ..model.model import Model
from .eligibility import Eligibility
from .options import MAX_BITS, MIN_BITS, QuantizeOptions
from .plan import Plan, Planner
from .reasons import Reason, ReasonCode
from .weight_plan import KeptWeight, WeightPlan

SCHEMA = "weightquant.plan"
VERSION = 1

KEPT = Reason(ReasonCode.EXCLUDED, "the plan keeps it", "bits in the plan")
"""Why a weight stays as it is that the plan gives no bits."""


@dataclass(frozen=True)
class PlanLine:
    """One weight of the document.

    Attributes:
        name: the weight's name.
        shape: its dims in the input.
        bits: 4 to 16, or None to keep it as it is.
    """

    name: str
    shape: tuple[int, ...]
    bits: int | None


@dataclass(frozen=True)
class PlanFile:
    """A plan as read from a document.

    Attributes:
        options: granularity, threshold rate and rewrites; every operator type may be chosen.
        weights: one line for every weight of the model that it was made for.
    """

    options: QuantizeOptions
    weights: tuple[PlanLine, ...]


def plan_document(plan: Plan) -> dict[str, Any]:
    """The document of a plan."""
    return {
        "schema": SCHEMA,
        "version": VERSION,
        "weight_quantize_type": plan.options.granularity.value,
        "threshold_rate": plan.options.threshold_rate,
        "rewrite": plan.options.rewrite,
        "weights": [_line(weight) for weight in plan.weights],
    }


def parse_plan(document: object) -> PlanFile:
    """Read a document.

    Raises:
        OptionError: not a plan of this version, or a value of the wrong type; it says which.
    """
    top = _mapping(document, "document")
    if top.get("schema") != SCHEMA or top.get("version") != VERSION:
        raise OptionError(
            "not a plan that this version reads",
            expected=f"schema {SCHEMA}, version {VERSION}",
            found=f"{top.get('schema')}, {top.get('version')}",
            remedy="write one with `plan_document`",
        )
    options = QuantizeOptions(
        weight_quantize_type=_quantize_type(top.get("weight_quantize_type")),
        threshold_rate=_number(top.get("threshold_rate"), "threshold_rate"),
        op_types=("all",),
        rewrite=_flag(top.get("rewrite"), "rewrite"),
    )
    lines = top.get("weights")
    if not isinstance(lines, list):
        raise _wrong("weights", "a list", lines)
    weights = tuple(_planned(line, index) for index, line in enumerate(lines))
    counts = Counter(weight.name for weight in weights)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise OptionError(f"the plan names weights twice: {listed(twice)}")
    return PlanFile(options, weights)


def apply_plan(model: Model, planned: PlanFile) -> Plan:
    """The plan that the document asks for.

    Raises:
        OptionError: it does not fit the model; the first weights that do not are named.
    """
    lines = {line.name: line for line in planned.weights}
    misfits = [
        f"{name} is not in the model" for name in lines if name not in model.stored.parameters
    ]
    planner = Planner(planned.options, Eligibility(model))
    weights = []
    for weight in model.weights:
        line = lines.get(weight.name)
        if line is None:
            misfits.append(f"{weight.name} is not in the plan")
            continue
        if line.shape != weight.record.shape:
            misfits.append(
                f"{weight.name} has the shape {list(weight.record.shape)}, "
                f"the plan says {list(line.shape)}"
            )
            continue
        plan = planner.plan(weight, line.bits, KEPT if line.bits is None else None)
        if line.bits is not None and isinstance(plan, KeptWeight):
            misfits.append(f"{weight.name} cannot be quantized: {plan.reason.text}")
        weights.append(plan)
    if misfits:
        raise OptionError(
            f"the plan does not fit the model: {listed(misfits, 3)}",
            path=model.files.folder,
            remedy="make a new one with `plan_document`",
        )
    fixed = frozenset(line.name for line in planned.weights)
    return Plan(planned.options, tuple(weights), fixed)


def _line(plan: WeightPlan) -> dict[str, Any]:
    line: dict[str, Any] = {
        "name": plan.name,
        "operator": plan.operator_type or None,
        "shape": list(plan.weight.record.shape),
        "bits": None if isinstance(plan, KeptWeight) else plan.quantization.bits,
    }
    if isinstance(plan, KeptWeight):
        line["reason"] = plan.reason.text
    return line


def _planned(line: object, index: int) -> PlanLine:
    where = f"weights[{index}]"
    entry = _mapping(line, where)
    name, shape, bits = entry.get("name"), entry.get("shape"), entry.get("bits")
    if not isinstance(name, str):
        raise _wrong(f"{where}.name", "text", name)
    if not isinstance(shape, list) or not all(type(dim) is int for dim in shape):
        raise _wrong(f"{where}.shape", "a list of integers", shape)
    if bits is not None and (type(bits) is not int or not MIN_BITS <= bits <= MAX_BITS):
        raise _wrong(f"{where}.bits", f"{MIN_BITS} to {MAX_BITS}, or null", bits)
    return PlanLine(name, tuple(shape), bits)


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, dict):
        raise _wrong(where, "an object", value)
    return value


def _number(value: object, where: str) -> float:
    if type(value) not in (int, float):
        raise _wrong(where, "a number", value)
    assert isinstance(value, int | float)
    try:
        return float(value)
    except OverflowError:
        raise _wrong(where, "a number of no more than 308 digits", "a longer one") from None


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise _wrong(where, "true or false", value)
    return value


def _quantize_type(value: object) -> WeightQuantizeType:
    for kind in WeightQuantizeType:
        if kind.value == value:
            return kind
    kinds = " or ".join(kind.value for kind in WeightQuantizeType)
    raise _wrong("weight_quantize_type", kinds, value)


def _wrong(where: str, expected: str, found: object) -> OptionError:
    return OptionError(f"the plan's {where} is wrong", expected=expected, found=repr(found)[:80])

"""Does the quantized program compute what the reference's does, but for what quantizing changes?

Quantizing tags operators, rewrites some (`plan/rewrites.py`), adds carriers (`lite/carriers.py`),
mends what Paddle Lite demands (`lite/demands`), strips call stacks, and changes nothing else. Here
the carriers are left out, the reference is rewritten in the same way, both are mended, and then
they are compared operator by operator: types, inputs, outputs, and every attribute that says what
is computed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ...errors import counted
from ...formats.program import CALLSTACK_ATTRIBUTE, AttributeValue, Operator, Program
from ..lite.carriers import find_carriers, without_carriers
from ..lite.demands.mend import mend
from ..lite.tags import ModelTags, is_quantization_attribute
from ..lite.targets import TARGETS
from ..model.inputs_outputs import feeds
from ..model.model import Model
from ..model.weights import Reader
from ..plan.rewrites import REPLACEMENTS, Rewrite, apply_rewrites, find_rewrite
from .findings import FITTING_REFERENCE, Finding, FindingCode, Severity

MAX_FINDINGS = 20
"""At most this many differences of the programs are reported, for programs that are unrelated."""

_IGNORED = frozenset(
    {
        # of the exporter
        *(CALLSTACK_ATTRIBUTE, "op_device", "op_namescope", "op_role", "op_role_var"),
        # of the machine that Paddle runs on: which library computes, and how it goes about it
        *("use_mkldnn", "use_cudnn", "use_quantizer", "mkldnn_data_type", "use_addto"),
        *("Scale_in", "Scale_in_eltwise", "Scale_out", "Scale_weights", "Scale_x", "Scale_y"),
        *("exhaustive_search", "workspace_size_MB", "force_fp32_output"),
    }
)
"""Attributes that do not say what is computed. Paddle adds and drops them when it saves again."""

_DEFAULTS: dict[str, AttributeValue] = {
    "fuse_activation": "",
    "fuse_alpha": 0.0,
    "fuse_beta": 0.0,
    "fuse_relu": False,
    "fuse_relu_before_depthwise_conv": False,
    "fuse_residual_connection": False,
    "fuse_with_relu": False,
}
"""Values that mean the same as a missing attribute, for any operator."""

_DEFAULTS_OF: dict[tuple[str, str], AttributeValue] = {
    ("softmax", "data_format"): "AnyLayout",
    ("swish", "beta"): 1.0,
    # read by nothing that is computed here, other than that of a batch_norm or dropout
    **{(op, "is_test"): True for op in ("conv2d", "depthwise_conv2d", "pool2d", "softmax")},
}
"""The same for one type of operator."""


def check_program(
    model: Model, reference: Model, tags: ModelTags | None = None
) -> tuple[Finding, ...]:
    """What the program of a model computes differently from the reference's.

    Args:
        model: the quantized model.
        reference: the FP32 model; or another result, whose rewrites and carriers count for nothing.
        tags: of the quantized model, where they have been found already.
    """
    bare, beside = (
        _bare(model, tags or ModelTags(model)),
        _bare(reference, ModelTags(reference)),
    )
    found = bare.program
    expected = _rewritten(found, beside)
    mended = found.copy()
    if beside is reference:
        mend(mended)
    else:
        mended = _rewritten(beside.program, bare)
    ours, theirs = mended.blocks, expected.blocks
    if len(ours) != len(theirs):
        return (_differs(None, f"{counted(len(ours), 'block')}, {len(theirs)} in the reference"),)
    findings = list(_compare_inputs(model, reference))
    mine, original = _names_read(found), _names_read(expected)
    for one, other in zip(ours, theirs, strict=True):
        findings += _compare_blocks(
            _computations(one.operators, mine), _computations(other.operators, original)
        )
    return tuple(findings[:MAX_FINDINGS])


def _bare(model: Model, tags: ModelTags) -> Model:
    """The model without its carriers; itself where nothing in it is quantized."""
    if not any(tags.is_quantized(weight) for weight in model.weights):
        return model
    program = without_carriers(model, find_carriers(model, tags))
    return Model(replace(model.stored, program=program))


def _compare_inputs(model: Model, reference: Model) -> Iterator[Finding]:
    """Inputs that are declared with another type or shape."""
    for one, other in zip(feeds(model), feeds(reference), strict=False):
        if (one.dtype, one.shape) != (other.dtype, other.shape):
            ours, theirs = ([*(end.shape or ())] for end in (one, other))
            yield _differs(
                None,
                f"the input {one.name} is {one.dtype} {ours}, in the reference "
                f"{other.dtype} {theirs}",
            )


def _rewritten(found: Program, reference: Model) -> Program:
    """The reference's program with the rewrites that the quantized one shows."""
    program = reference.program.copy()
    mend(program)
    rewrites = list(_find_rewrites(found, reference))
    apply_rewrites(program, rewrites, ())  # the dims of variables are not compared
    return program


def _find_rewrites(found: Program, reference: Model) -> Iterator[Rewrite]:
    """Rewrites of the reference's operators where the quantized program has what they become."""
    shift = dict.fromkeys(range(len(found.blocks)), 0)
    types = [[operator.type for operator in block.operators] for block in found.blocks]
    for ref, operator in reference.operators():
        target = TARGETS.get(ref.type)
        if target is None or target.rewrite is None or ref.block not in shift:
            continue
        becomes = REPLACEMENTS[target.rewrite]
        first = ref.index + shift[ref.block]
        names = operator.inputs.get(target.slot, ())
        if types[ref.block][first : first + len(becomes)] != list(becomes) or len(names) != 1:
            continue
        if names[0] not in reference.stored.parameters:
            continue
        weight = reference.weight(names[0])
        if len(weight.record.shape) != target.rank:
            continue
        rewrite = find_rewrite(reference, Reader(ref, target.slot), weight)
        if isinstance(rewrite, Rewrite):
            shift[ref.block] += len(becomes) - 1
            yield rewrite


@dataclass(frozen=True)
class _Computation:
    """An operator as it is compared.

    Attributes:
        index: its place in the block.
        operator: the operator.
        inputs, outputs: variables by slot, without outputs that no operator reads.
    """

    index: int
    operator: Operator
    inputs: dict[str, tuple[str, ...]]
    outputs: dict[str, tuple[str, ...]]


def _names_read(program: Program) -> frozenset[str]:
    """The variables that some operator of the program reads."""
    return frozenset(
        name
        for _, _, operator in program.operators()
        for names in operator.inputs.values()
        for name in names
    )


def _computations(operators: Sequence[Operator], read: frozenset[str]) -> list[_Computation]:
    """The operators, without those that copy an output of the model before it is fetched.

    Paddle's save_inference_model puts a `scale` by 1 in front of every fetch, each time it saves.
    """
    read_by: dict[str, set[str]] = defaultdict(set)
    for operator in operators:
        for names in operator.inputs.values():
            for name in names:
                read_by[name].add("copy" if _is_copy(operator) else operator.type)
    original: dict[str, str] = {}
    found = []
    for index, operator in enumerate(operators):
        inputs, outputs = operator.inputs, operator.outputs
        if _is_copy(operator) and read_by[outputs["Out"][0]] <= {"copy", "fetch"}:
            source = inputs["X"][0]
            original[outputs["Out"][0]] = original.get(source, source)
            continue
        if operator.type == "fetch":
            inputs = {
                slot: tuple(original.get(name, name) for name in names)
                for slot, names in inputs.items()
            }
        used = (
            {slot: names for slot, names in outputs.items() if not read.isdisjoint(names)}
            if operator.type != "fetch"
            else {}
        )
        found.append(_Computation(index, operator, _filled(inputs), used))
    return found


def _is_copy(operator: Operator) -> bool:
    if operator.type != "scale":
        return False
    inputs, outputs = _filled(operator.inputs), _filled(operator.outputs)
    return (
        {slot: len(names) for slot, names in inputs.items()} == {"X": 1}
        and {slot: len(names) for slot, names in outputs.items()} == {"Out": 1}
        and operator.value("scale") in (None, 1.0)
        and operator.value("bias") in (None, 0.0)
    )


def _filled(slots: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {slot: names for slot, names in slots.items() if names}


def _compare_blocks(
    mine: Sequence[_Computation], original: Sequence[_Computation]
) -> Iterator[Finding]:
    for one, other in zip(mine, original, strict=False):
        op_type, expected = one.operator.type, other.operator.type
        if op_type != expected:
            yield _differs(op_type, f"operator {one.index} is {op_type}, not {expected}")
            return  # what comes after it does not stand side by side
        for what in _differences(one, other):
            yield _differs(op_type, f"operator {one.index}: {what}")
    if len(mine) != len(original):
        yield _differs(None, f"{counted(len(mine), 'operator')}, {len(original)} in the reference")


def _differences(one: _Computation, other: _Computation) -> Iterator[str]:
    """What one operator computes differently from another one of the same type."""
    for kind, mine, original in (
        ("input", one.inputs, other.inputs),
        ("output", one.outputs, other.outputs),
    ):
        for slot in dict.fromkeys((*mine, *original)):
            if mine.get(slot) != original.get(slot):
                yield f"another {kind} {slot}"
    ours, theirs = _meaningful(one.operator), _meaningful(other.operator)
    for name in dict.fromkeys((*ours, *theirs)):
        if ours.get(name) != theirs.get(name) and not _is_default(one, other, name):
            found, expected = _shown(one.operator, name), _shown(other.operator, name)
            yield f"{name} is {found}, in the reference {expected}"


def _meaningful(operator: Operator) -> dict[str, bytes]:
    """The attributes that say what is computed, by name."""
    return {
        name: data
        for name, data in operator.attribute_data()
        if name not in _IGNORED and not is_quantization_attribute(name)
    }


def _is_default(one: _Computation, other: _Computation, name: str) -> bool:
    """Whether one side lacks an attribute that has its default value on the other."""
    default = _DEFAULTS_OF.get((one.operator.type, name), _DEFAULTS.get(name))
    found = one.operator.attribute(name) or other.operator.attribute(name)
    lacking = None in (one.operator.attribute(name), other.operator.attribute(name))
    return lacking and default is not None and found is not None and found.value == default


def _shown(operator: Operator, name: str) -> str:
    attribute = operator.attribute(name)
    if attribute is None:
        return "absent"
    return f"{attribute.value!r} ({attribute.type.name})"[:80]


def _differs(op_type: str | None, what: str) -> Finding:
    return Finding(
        FindingCode.PROGRAM_DIFFERS,
        Severity.ERROR,
        None,
        op_type,
        what,
        "the model computes something else than the reference",
        FITTING_REFERENCE,
    )

"""Will opt take it? What a version of Paddle Lite demands of a program and does not find there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ....formats import dtypes
from ....formats.dtypes import DataType
from ....formats.program import Operator, Program
from ..storage import LOADABLE_TYPES
from . import measured
from .attributes import narrowed, wrong_types
from .demand import MEND, Demand, DemandCode, Effect
from .limits import RULES, Use
from .outputs import absent_outputs, is_beside_pad3d
from .position import Declarations, Position
from .respell import SPELLINGS
from .scalars import makes_a_scalar, reduces_all_silently
from .versions import NEWEST, VERSIONS

UNNAMED = frozenset({dtypes.BF16, dtypes.COMPLEX64, dtypes.COMPLEX128})
"""Types of variables at which 2.13rc0 aborts, even where the variable is unused."""

COPIES = frozenset(
    {
        *("assign", "feed", "fetch", "scale", "shape", "while", "conditional_block"),
        *("flatten2", "flatten_contiguous_range", "reshape", "reshape2", "squeeze2", "unsqueeze2"),
    }
)
"""Operators that leave FP64 values as they are; all others take them for FP32."""

FUSE_FLATTEN = ("2.11", "2.13rc0")
"""Versions that crash at a flatten without XShape, unless they fuse it with a Linear behind it."""

SIMULATED = frozenset(
    {
        *("dequantize_linear", "quantize_linear", "fake_dequantize_max_abs"),
        *("fake_channel_wise_dequantize_max_abs", "fake_quantize_range_abs_max"),
        *("fake_channel_wise_quantize_dequantize_abs_max", "fake_quantize_dequantize_abs_max"),
        *("fake_quantize_abs_max", "fake_quantize_moving_average_abs_max"),
        "fake_quantize_dequantize_moving_average_abs_max",
    }
)
"""Operators of models with quantized activations, which opt takes away when it fuses them."""

EXPORT_AGAIN = "export the model again"
NEWER = "use Paddle Lite 2.12 or newer"
CHANGE_MODEL = "change the model, or convert for another runtime"


def findings(
    program: Program, parameters: Mapping[str, DataType], version: str = NEWEST
) -> tuple[Demand, ...]:
    """What keeps `opt` from converting a program for ARM, or its result from being right.

    Args:
        program: as it would be given to opt; it is not changed.
        parameters: the stored type of every parameter, by name.
        version: of Paddle Lite, one of `versions.VERSIONS`.

    Returns:
        The findings, parameters first, then in the order of the program. Empty where nothing is
        known that speaks against it, which is no proof.

    Raises:
        OptionError: a version that was not measured.
    """
    facts = measured.of_version(version)
    declarations = Declarations(program)
    found = [*_parameters(parameters, declarations), *_variables(program, version)]
    for block, index, operator in program.operators():
        use = Use(operator, Position(block, index), declarations, version, parameters)
        found += _of_operator(use, facts)
    return tuple(found)


def _of_operator(use: Use, facts: measured.Measured) -> Iterator[Demand]:
    operator, position = use.operator, use.position
    type = operator.type
    if type in SIMULATED:
        yield _simulated(operator, position)
        return
    if type not in facts.operators:
        yield _unsupported(operator, position, facts)
        return
    yield from _missing(operator, position, facts)
    for attribute, wanted in wrong_types(operator, facts):
        yield Demand(
            DemandCode.ATTRIBUTE_TYPE,
            Effect.NOT_CONVERTED,
            position,
            type,
            f"its attribute {attribute.name} is {attribute.type.name}, not {wanted.name}",
            EXPORT_AGAIN if narrowed(attribute, wanted) is None else MEND,
        )
    yield from _outputs(use, facts)
    yield from _scalars(operator, position)
    yield from _types(use, facts)
    for rule in RULES.get(type, ()):
        limit = rule(use)
        if limit is not None:
            yield Demand(limit.code, limit.effect, position, type, limit.text, limit.remedy)


def _unsupported(operator: Operator, position: Position, facts: measured.Measured) -> Demand:
    having = [v for v in VERSIONS if operator.type in measured.of_version(v).operators]
    if operator.type in SPELLINGS:
        remedy = MEND
    elif having:
        remedy = f"use Paddle Lite {' or '.join(having)}"
    else:
        remedy = CHANGE_MODEL
    return Demand(
        DemandCode.UNSUPPORTED_OPERATOR,
        Effect.NOT_CONVERTED,
        position,
        operator.type,
        f"Paddle Lite {facts.version} has no such operator for ARM",
        remedy,
    )


def _simulated(operator: Operator, position: Position) -> Demand:
    return Demand(
        DemandCode.SIMULATED_QUANTIZATION,
        Effect.MAY_NOT_CONVERT,
        position,
        operator.type,
        "the activations are quantized too, for which nothing was measured",
        "let opt convert it, and see",
    )


def _missing(operator: Operator, position: Position, facts: measured.Measured) -> Iterator[Demand]:
    demanded = facts.attributes.get(operator.type)
    if not demanded:
        return
    for name in sorted(demanded.difference(operator.attribute_names())):
        known = (operator.type, name) in measured.defaults()
        yield Demand(
            DemandCode.MISSING_ATTRIBUTE,
            Effect.NOT_CONVERTED,
            position,
            operator.type,
            f"its attribute {name} is not there",
            MEND if known else EXPORT_AGAIN,
        )


def _outputs(use: Use, facts: measured.Measured) -> Iterator[Demand]:
    operator = use.operator
    demanded = facts.outputs.get(operator.type, frozenset())
    for slot in absent_outputs(operator):
        if slot in demanded:
            fused = operator.type == "flatten_contiguous_range" and facts.version in FUSE_FLATTEN
            yield Demand(
                DemandCode.MISSING_OUTPUT,
                Effect.MAY_NOT_CONVERT if fused else Effect.NOT_CONVERTED,
                use.position,
                operator.type,
                f"its output {slot} is not there",
                NEWER if is_beside_pad3d(operator, use.declarations) else MEND,
            )


def _scalars(operator: Operator, position: Position) -> Iterator[Demand]:
    if makes_a_scalar(operator):
        yield Demand(
            DemandCode.SCALAR,
            Effect.ABORTS_AT_RUN,
            position,
            operator.type,
            "it makes a 0-d tensor, which Paddle Lite does not know",
            MEND,
        )
    if reduces_all_silently(operator):
        yield Demand(
            DemandCode.EMPTY_REDUCTION,
            Effect.ABORTS_AT_RUN,
            position,
            operator.type,
            "an empty dim is no dim to Paddle Lite, and all dims to Paddle",
            MEND,
        )


def _types(use: Use, facts: measured.Measured) -> Iterator[Demand]:
    if not use.declarations.types & {dtypes.BOOL, dtypes.FP64}:
        return
    type = use.operator.type
    names = [name for slot in use.operator.inputs.values() for name in slot]
    found = {use.dtype_of(name) for name in names}
    if dtypes.BOOL in found and type in facts.without_booleans and use.dtype("X") is dtypes.BOOL:
        yield Demand(
            DemandCode.BOOLEAN,
            Effect.NOT_CONVERTED,
            use.position,
            type,
            "it has no kernel for BOOL",
            "cast to INT32 before it",
        )
    if dtypes.FP64 in found and type not in COPIES:
        yield Demand(
            DemandCode.DOUBLE,
            Effect.WRONG,
            use.position,
            type,
            "FP64 is taken for FP32",
            "compute in FP32",
        )


def _parameters(parameters: Mapping[str, DataType], declarations: Declarations) -> Iterator[Demand]:
    for name, dtype in parameters.items():
        if dtype not in LOADABLE_TYPES:
            code, text = DemandCode.PARAMETER_TYPE, f"opt cannot read parameters of type {dtype}"
            remedy = "store it as FP32, or INT32 for BOOL"
        elif 0 in (declarations.shape(0, name) or ()):
            code, text = (
                DemandCode.EMPTY_PARAMETER,
                "opt cannot read a parameter without an element",
            )
            remedy = CHANGE_MODEL
        else:
            continue
        if not declarations.readers(name) and declarations.writer(name) is None:
            remedy = MEND  # it is left out: `unread`
        yield Demand(code, Effect.NOT_CONVERTED, None, name, text, remedy)


def _variables(program: Program, version: str) -> Iterator[Demand]:
    if version != "2.13rc0":
        return
    for block in program.blocks:
        for variable in block.variables:
            dtype = variable.dtype
            if dtype is not None and dtype in UNNAMED and not variable.is_parameter:
                yield Demand(
                    DemandCode.VARIABLE_TYPE,
                    Effect.NOT_CONVERTED,
                    None,
                    variable.name,
                    f"opt does not know variables of type {dtype}",
                    CHANGE_MODEL,
                )

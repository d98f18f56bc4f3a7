"""The core's options, made from the arguments of `quantize` and checked against one another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...core.lite.storage import WeightQuantizeType
from ...core.plan.options import FLOAT_BITS, AutoBits, QuantizeOptions
from ...core.quantize.gates import Gates
from ...errors import OptionError
from .quantize import ADAPTIVE, QuantizeArguments
from .shared import refuse_inputs
from .types import ALL, AUTO

if TYPE_CHECKING:
    from ...core.quantize.output import OutputOptions

# Of models and archives: no names for OUTPUT_DIR.
_FILE_SUFFIXES = frozenset(
    [".tar", ".tgz", ".gz", ".zip", ".nb", ".pdmodel", ".pdiparams", ".json", ".onnx"]
)

# With --plan the plan decides all of these.
DECIDED_BY_PLAN = {
    "bits": "--bits",
    "bits_for": "--bits-for",
    "accurate": "--accurate",
    "min_sqnr": "--min-sqnr",
    "target_size": "--target-size",
    "target_compressed": "--target-compressed",
    "weight_quantize_type": "--weight-quantize-type",
    "threshold_rate": "--threshold-rate",
    "op_types": "--op-type",
    "exclude": "--exclude",
    "include": "--include",
    "min_bytes": "--min-bytes",
    "rewrite": "--rewrite",
}


def refuse_options_beside_a_plan(arguments: QuantizeArguments) -> None:
    """Raise OptionError where options were given that the plan file decides."""
    for name, spelling in DECIDED_BY_PLAN.items():
        if name in arguments.given:
            raise OptionError(
                f"--plan and {spelling} contradict each other", remedy="edit the plan instead"
            )


def quantize_options(arguments: QuantizeArguments) -> QuantizeOptions:
    """What to quantize and how.

    Raises:
        OptionError: options that contradict each other or are out of range.
    """
    kind = arguments.weight_quantize_type
    chosen = tuple(dict.fromkeys(name for names in arguments.op_types for name in names))
    return QuantizeOptions(
        bits=_bits(arguments),
        weight_quantize_type=None if kind is None else WeightQuantizeType(kind),
        threshold_rate=arguments.threshold_rate,
        op_types=chosen or (ALL,),
        exclude=arguments.exclude,
        include=arguments.include,
        min_bytes=arguments.min_bytes,
        bits_for=arguments.bits_for,
        rewrite=arguments.rewrite,
        mend=arguments.mend,
    )


def is_adaptive(arguments: QuantizeArguments) -> bool:
    """Whether rounding is adaptive.

    Raises:
        OptionError: --accurate beside what contradicts it, or inputs that nothing is run on.
    """
    if arguments.accurate:
        for name, spelling in (("rounding", "--rounding"), ("bits", "--bits")):
            if name in arguments.given and getattr(arguments, name) not in (ADAPTIVE, AUTO):
                raise OptionError(
                    f"--accurate and {spelling} contradict each other",
                    remedy=f"use --rounding {ADAPTIVE} for adaptive rounding at other bits",
                )
    adaptive = arguments.accurate or arguments.rounding == ADAPTIVE
    if not adaptive and arguments.bits != AUTO:
        refuse_inputs(arguments.given, f"--accurate, --rounding {ADAPTIVE} or --bits {AUTO}")
    return adaptive


def output_options(arguments: QuantizeArguments) -> OutputOptions:
    """Where and how the result is written; OptionError for a name that is a path."""
    from ...core.quantize.output import OutputOptions
    from ...formats.files.atomic_folder import Existing

    folder = arguments.output_dir
    if folder.suffix.lower() in _FILE_SUFFIXES and not folder.is_dir():
        raise OptionError(
            "OUTPUT_DIR is a folder, and this is the name of a file",
            found=str(folder),
            remedy=f"give the folder, such as {folder.with_suffix('')}",
        )
    return OutputOptions(
        folder=folder,
        program=arguments.save_model_filename,
        params=arguments.save_params_filename,
        separate=arguments.separate_params,
        existing=Existing.REPLACE if arguments.force else Existing.REFUSE,
        strip_callstack=arguments.strip_callstack,
        digests=arguments.report is not None,
    )


def gates(arguments: QuantizeArguments) -> Gates:
    """What the result must reach; OptionError for a percentage out of range."""
    required = arguments.bits != FLOAT_BITS
    return Gates(arguments.max_size, arguments.min_quantized, require_quantized=required)


def _bits(arguments: QuantizeArguments) -> int | AutoBits:
    auto = AutoBits(arguments.min_sqnr, arguments.target_size, arguments.target_compressed)
    if isinstance(arguments.bits, int) and not arguments.accurate:
        for spelling, value in (
            ("--min-sqnr", auto.min_sqnr),
            ("--target-size", auto.target_size),
            ("--target-compressed", auto.target_compressed),
        ):
            if value is not None:
                raise OptionError(f"{spelling} goes with --bits {AUTO} only")
        return arguments.bits
    return auto

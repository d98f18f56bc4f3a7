"""The arguments of `quantize`, and the core's options that are made from them."""

# ruff: noqa: RUF009 # `option` and `argument` return dataclass fields

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...core.lite.storage import WeightQuantizeType
from ...core.plan.options import AutoBits, QuantizeOptions
from ...core.plan.size import Size
from ...core.quantize.gates import Gates
from ...errors import OptionError
from ..completion.weight_names import complete_weight
from .option import Heading, argument, option
from .shared import ModelArguments, force_option, jobs_option, show_all_option
from .types import ALL, AUTO, Bits, BitsFor, FileName, FilePath, ModelFolder, OpTypes, SizeType

if TYPE_CHECKING:
    from ...core.quantize.output import OutputOptions


@dataclass(frozen=True, kw_only=True)
class QuantizeArguments(ModelArguments):
    """The command line of `quantize`."""

    model_dir: Path = argument(ModelFolder())
    output_dir: Path = argument(ModelFolder())

    op_types: tuple[tuple[str, ...], ...] = option(
        "--op-type",
        heading=Heading.WHAT,
        type=OpTypes(),
        multiple=True,
        metavar="T[,T...]",
        help="Quantize the weights of these operator types only; repeatable.  [default: all]",
    )
    exclude: tuple[str, ...] = option(
        "--exclude",
        heading=Heading.WHAT,
        multiple=True,
        metavar="GLOB",
        shell_complete=complete_weight,
        help="Leave weights whose names match as they are; repeatable.",
    )
    rewrite: bool = option(
        "--rewrite/--no-rewrite",
        heading=Heading.WHAT,
        default=True,
        show_default=True,
        help="Spell matmul and lookup_table_v2 as Paddle Lite can dequantize them, where that "
        "is exactly equal; without it their weights stay FP32.",
    )
    plan: Path | None = option(
        "--plan",
        heading=Heading.WHAT,
        type=FilePath(),
        metavar="FILE",
        help="Apply a plan that --plan-out has written.",
    )
    plan_out: Path | None = option(
        "--plan-out",
        heading=Heading.WHAT,
        type=FilePath(),
        metavar="FILE",
        help="Write the plan as JSON, to be edited.",
    )

    bits: int | str = option(
        "-b",
        "--bits",
        heading=Heading.BITS,
        type=Bits(),
        default=8,
        show_default=True,
        metavar="8..16|auto",
        help="Store weights with this many bits, 8 as INT8 and 9 to 16 as INT16; "
        "auto chooses 8 or 16 for every weight.",
    )
    bits_for: tuple[tuple[str, int], ...] = option(
        "--bits-for",
        heading=Heading.BITS,
        type=BitsFor(),
        multiple=True,
        metavar="GLOB=8..16",
        help="Use these bits for weights whose names match; repeatable.",
    )
    min_sqnr: float | None = option(
        "--min-sqnr",
        heading=Heading.BITS,
        type=float,
        metavar="DB",
        help="With --bits auto, give 8 bits where the weight reaches this SQNR, else 16.  "
        f"[default: {AutoBits().min_sqnr:g}]",
    )
    target_size: Size | None = option(
        "--target-size",
        heading=Heading.BITS,
        type=SizeType(),
        metavar="SIZE",
        help="With --bits auto, choose the smallest total error within this size, "
        "such as 4.2MB or 30% of the input.",
    )
    weight_quantize_type: str | None = option(
        "--weight-quantize-type",
        heading=Heading.BITS,
        type=click.Choice([kind.value for kind in WeightQuantizeType]),
        help="Use one scale per output channel, or one per tensor.  "
        "[default: channel_wise_abs_max; abs_max with --threshold-rate]",
    )
    threshold_rate: float = option(
        "--threshold-rate",
        heading=Heading.BITS,
        type=float,
        default=0.0,
        show_default="0, which clips nothing",
        metavar="R",
        help="Clip this share of the largest values, 0 <= R < 1; with abs_max only.",
    )

    save_model_filename: str | None = option(
        "--save-model-filename",
        heading=Heading.FILES,
        type=FileName(existing=False),
        metavar="NAME",
        help="Name the program's file in OUTPUT_DIR.  [default: the input's]",
    )
    save_params_filename: str | None = option(
        "--save-params-filename",
        heading=Heading.FILES,
        type=FileName(existing=False),
        metavar="NAME",
        help="Write all parameters to one file of this name.  "
        "[default: the input's layout and names]",
    )
    separate_params: bool = option(
        "--separate-params",
        heading=Heading.FILES,
        is_flag=True,
        help="Write one file per parameter.",
    )
    strip_callstack: bool = option(
        "--strip-callstack/--keep-callstack",
        heading=Heading.FILES,
        default=True,
        show_default=True,
        help="Drop the exporter's stack traces, which contain paths of its machine.",
    )
    force: bool = force_option("Replace an existing OUTPUT_DIR, in one step.")

    max_size: Size | None = option(
        "--max-size",
        heading=Heading.GATES,
        type=SizeType(),
        metavar="SIZE",
        help="Exit with 1 and write nothing where the result would be larger.",
    )
    min_quantized: float | None = option(
        "--min-quantized",
        heading=Heading.GATES,
        type=float,
        metavar="PERCENT",
        help="Exit with 1 and write nothing where less of the weights' bytes would be quantized.",
    )

    dry_run: bool = option(
        "-n",
        "--dry-run",
        heading=Heading.OUTPUT,
        is_flag=True,
        help="Print the plan and the sizes, and write nothing.",
    )
    show_all: bool = show_all_option("With --dry-run, list")
    report: Path | None = option(
        "--report",
        heading=Heading.OUTPUT,
        type=FilePath(),
        metavar="FILE",
        help="Write the same facts as --json to a file, with the SHA-256 of every file.",
    )
    jobs: int | None = jobs_option()


# With --plan the plan decides all of these.
DECIDED_BY_PLAN = {
    "bits": "--bits",
    "bits_for": "--bits-for",
    "min_sqnr": "--min-sqnr",
    "target_size": "--target-size",
    "weight_quantize_type": "--weight-quantize-type",
    "threshold_rate": "--threshold-rate",
    "op_types": "--op-type",
    "exclude": "--exclude",
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
        bits_for=arguments.bits_for,
        rewrite=arguments.rewrite,
    )


def output_options(arguments: QuantizeArguments) -> OutputOptions:
    """Where and how the result is written; OptionError for a name that is a path."""
    from ...core.quantize.output import OutputOptions
    from ...formats.files.atomic_folder import Existing

    return OutputOptions(
        folder=arguments.output_dir,
        program=arguments.save_model_filename,
        params=arguments.save_params_filename,
        separate=arguments.separate_params,
        existing=Existing.REPLACE if arguments.force else Existing.REFUSE,
        strip_callstack=arguments.strip_callstack,
        digests=arguments.report is not None,
    )


def gates(arguments: QuantizeArguments) -> Gates:
    """What the result must reach; OptionError for a percentage out of range."""
    return Gates(arguments.max_size, arguments.min_quantized, require_quantized=True)


def _bits(arguments: QuantizeArguments) -> int | AutoBits:
    min_sqnr, target_size = arguments.min_sqnr, arguments.target_size
    if isinstance(arguments.bits, int):
        for spelling, value in (("--min-sqnr", min_sqnr), ("--target-size", target_size)):
            if value is not None:
                raise OptionError(f"{spelling} goes with --bits {AUTO} only")
        return arguments.bits
    if min_sqnr is not None and target_size is not None:
        raise OptionError("--min-sqnr and --target-size contradict each other: give one")
    return AutoBits(AutoBits().min_sqnr if min_sqnr is None else min_sqnr, target_size)

"""The arguments of `quantize`."""

# ruff: noqa: RUF009 # `option` and `argument` return dataclass fields

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...core.lite.storage import WeightQuantizeType
from ..completion.weight_names import complete_weight
from .option import Heading, argument, option
from .shared import (
    ModelArguments,
    compressed_option,
    force_option,
    input_shape_option,
    inputs_option,
    jobs_option,
    show_all_option,
)
from .types import (
    FILE,
    MODEL_FOLDER,
    Bits,
    BitsFor,
    ByteCount,
    FileName,
    OpTypes,
    SizeType,
)

if TYPE_CHECKING:
    from ...core.plan.size import Size

NEAREST, ADAPTIVE = "nearest", "adaptive"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class QuantizeArguments(ModelArguments):
    """The command line of `quantize`."""

    model_dir: Path = argument(MODEL_FOLDER)
    output_dir: Path = argument(MODEL_FOLDER)

    bits: int | str = option(
        "-b",
        "--bits",
        heading=Heading.FIRST,
        type=Bits(),
        default=8,
        show_default=True,
        metavar="4..16|auto|32",
        help="Store weights with this many bits, 4 to 8 as INT8 and 9 to 16 as INT16 (fewer bits "
        "compress better in an app); auto chooses for every weight, 32 converts the model and "
        "quantizes nothing.",
    )
    accurate: bool = option(
        "--accurate",
        heading=Heading.FIRST,
        is_flag=True,
        help="Keep the model's answers, for a release: adaptive rounding and automatic bits, at "
        "most 3% larger than INT8.",
    )
    op_types: tuple[tuple[str, ...], ...] = option(
        "--op-type",
        heading=Heading.FIRST,
        type=OpTypes(),
        multiple=True,
        metavar="T[,T...]",
        help="Quantize the weights of these operator types only; repeatable.  [default: all]",
    )
    force: bool = force_option("Replace an existing OUTPUT_DIR, in one step.", Heading.FIRST)
    dry_run: bool = option(
        "-n",
        "--dry-run",
        heading=Heading.FIRST,
        is_flag=True,
        help="Print the plan and the sizes, and write nothing.",
    )
    report: Path | None = option(
        "--report",
        heading=Heading.FIRST,
        type=FILE,
        metavar="FILE",
        help="Write the same facts as --json to a file, with the SHA-256 of every file.",
    )

    exclude: tuple[str, ...] = option(
        "--exclude",
        heading=Heading.WHAT,
        multiple=True,
        metavar="PATTERN",
        shell_complete=complete_weight,
        help="Leave weights whose names match as they are: a glob such as 'fc_*', or re: and a "
        "regular expression for the whole name; repeatable.",
    )
    include: tuple[str, ...] = option(
        "--include",
        heading=Heading.WHAT,
        multiple=True,
        metavar="PATTERN",
        shell_complete=complete_weight,
        help="Quantize only weights whose names match; repeatable.",
    )
    min_bytes: int = option(
        "--min-bytes",
        heading=Heading.WHAT,
        type=ByteCount(),
        default=0,
        show_default=True,
        metavar="SIZE",
        help="Leave weights as they are that are smaller, such as 64KiB.",
    )
    rewrite: bool = option(
        "--rewrite/--no-rewrite",
        heading=Heading.WHAT,
        default=True,
        show_default=True,
        help="Spell matmul and lookup_table_v2 as Paddle Lite can dequantize them, where that "
        "is exactly equal, and add an operator for the weights of rnn, gru and the like; without "
        "it they stay FP32.",
    )
    mend: bool = option(
        "--mend/--no-mend",
        heading=Heading.WHAT,
        default=True,
        show_default=True,
        help="Give the program what Paddle Lite demands and newer Paddle leaves out, with "
        "Paddle's own meaning.",
    )
    plan: Path | None = option(
        "--plan",
        heading=Heading.WHAT,
        type=FILE,
        metavar="FILE",
        help="Apply a plan that --plan-out has written.",
    )
    plan_out: Path | None = option(
        "--plan-out",
        heading=Heading.WHAT,
        type=FILE,
        metavar="FILE",
        help="Write the plan as JSON, to be edited.",
    )

    bits_for: tuple[tuple[str, int], ...] = option(
        "--bits-for",
        heading=Heading.BITS,
        type=BitsFor(),
        multiple=True,
        metavar="PATTERN=4..16",
        help="Use these bits for weights whose names match; repeatable.",
    )
    min_sqnr: float | None = option(
        "--min-sqnr",
        heading=Heading.BITS,
        type=float,
        metavar="DB",
        help="With --bits auto, give 16 bits to weights that would fall below this SQNR at 8.",
    )
    target_size: Size | None = option(
        "--target-size",
        heading=Heading.BITS,
        type=SizeType(),
        metavar="SIZE",
        help="With --bits auto, keep to this size, such as 4.2MB or 30% of the input.  "
        "[default: 3% more than 8 bits throughout]",
    )
    target_compressed: Size | None = option(
        "--target-compressed",
        heading=Heading.BITS,
        type=SizeType(),
        metavar="SIZE",
        help="With --bits auto, choose among 4 to 16 bits and keep to this size once compressed, "
        "such as 2.0MB or 25% of the compressed input.",
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

    rounding: str = option(
        "--rounding",
        heading=Heading.ROUNDING,
        type=click.Choice([NEAREST, ADAPTIVE]),
        default=NEAREST,
        show_default=True,
        help="Round every weight to nearest, as Paddle does, or so that the model's answers "
        "change least; the same scales, format and size.",
    )
    input_shape: tuple[tuple[str, tuple[int, ...]], ...] = input_shape_option(Heading.ROUNDING)
    inputs: Path | None = inputs_option(Heading.ROUNDING)

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

    show_all: bool = show_all_option("With --dry-run, list")
    compressed: bool = compressed_option("Say the sizes")
    jobs: int | None = jobs_option()

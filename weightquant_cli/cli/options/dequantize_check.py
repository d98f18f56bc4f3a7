"""The arguments of `dequantize-check`."""

# ruff: noqa: RUF009 # `option` and `argument` return dataclass fields

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .option import Heading, argument, option
from .shared import (
    ModelArguments,
    force_option,
    input_shape_option,
    inputs_option,
    jobs_option,
    lite_version_option,
    show_all_option,
)
from .types import FILE, MODEL_FOLDER, FileName


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CheckArguments(ModelArguments):
    """The command line of `dequantize-check`."""

    quantized_dir: Path = argument(MODEL_FOLDER)
    reference: Path | None = option(
        "--reference",
        heading=Heading.CHECK,
        type=MODEL_FOLDER,
        metavar="FP32_DIR",
        help="Compare every weight with this FP32 model, from which the other was made, or with "
        "another result of quantizing it; gates then hold how far the two are apart.",
    )
    reference_model_filename: str | None = option(
        "--reference-model-filename",
        heading=Heading.CHECK,
        type=FileName(existing=False),
        metavar="NAME",
        help="Name the program's file in FP32_DIR, where looking is ambiguous.",
    )
    reference_params_filename: str | None = option(
        "--reference-params-filename",
        heading=Heading.CHECK,
        type=FileName(existing=False),
        metavar="NAME",
        help="Name the one parameter file in FP32_DIR, where looking is ambiguous.",
    )
    verify_report: Path | None = option(
        "--verify-report",
        heading=Heading.CHECK,
        type=FILE,
        metavar="FILE",
        help="Compare the files with the digests in a report of `quantize --report`; what it says "
        "of adaptive rounding counts (errors of less than one scale, not half).",
    )
    outputs: bool = option(
        "--outputs",
        heading=Heading.OUTPUTS,
        is_flag=True,
        help="Run both models and compare what they answer; needs --reference.",
    )
    layers: bool = option(
        "--layers",
        heading=Heading.OUTPUTS,
        is_flag=True,
        help="Compare what every operator gives as well, in order, to find where it breaks.",
    )
    input_shape: tuple[tuple[str, tuple[int, ...]], ...] = input_shape_option(Heading.OUTPUTS)
    inputs: Path | None = inputs_option(Heading.OUTPUTS)
    save_dequantized: Path | None = option(
        "--save-dequantized",
        heading=Heading.FILES,
        type=MODEL_FOLDER,
        metavar="DIR",
        help="Write the FP32 model that PaddlePaddle can run, without quantization attributes.",
    )
    force: bool = force_option("Replace an existing DIR, in one step.")
    lite_version: str = lite_version_option()
    with_opt: bool = option(
        "--with-opt",
        heading=Heading.CONVERSION,
        is_flag=True,
        help="Convert for ARM with the real opt into a temporary folder, and say how large the .nb "
        "is; exit with 1 where it does not convert.",
    )
    opt: Path | None = option(
        "--opt",
        heading=Heading.CONVERSION,
        type=FILE,
        metavar="PATH",
        help="Convert with this opt, as --with-opt does.  [default: $OPT, paddle_lite_opt on PATH, "
        "or an opt there that is Paddle Lite's]",
    )
    min_sqnr: float | None = option(
        "--min-sqnr",
        heading=Heading.GATES,
        type=float,
        metavar="DB",
        help="Exit with 1 where a weight's SQNR is lower.",
    )
    max_abs_error: float | None = option(
        "--max-abs-error",
        heading=Heading.GATES,
        type=float,
        metavar="E",
        help="Exit with 1 where a weight's error is larger.",
    )
    min_cosine: float | None = option(
        "--min-cosine",
        heading=Heading.GATES,
        type=float,
        metavar="C",
        help="Exit with 1 where a weight's cosine is lower.",
    )
    min_output_sqnr: float | None = option(
        "--min-output-sqnr",
        heading=Heading.GATES,
        type=float,
        metavar="DB",
        help="Exit with 1 where an output's SQNR, before a last softmax or sigmoid, is lower; runs "
        "the models as --outputs does.",
    )
    min_agreement: float | None = option(
        "--min-agreement",
        heading=Heading.GATES,
        type=float,
        metavar="PERCENT",
        help="Exit with 1 where the largest value along an output's last axis is less often at the "
        "reference's place; runs the models.",
    )
    show_all: bool = show_all_option("With --reference, list")
    report: Path | None = option(
        "--report",
        heading=Heading.OUTPUT,
        type=FILE,
        metavar="FILE",
        help="Write the same facts as --json to a file.",
    )
    html: Path | None = option(
        "--html",
        heading=Heading.OUTPUT,
        type=FILE,
        metavar="FILE",
        help="Write a page with the table and pictures, which loads nothing from the network.",
    )
    jobs: int | None = jobs_option()

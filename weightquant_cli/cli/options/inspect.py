"""The arguments of `inspect`."""

# ruff: noqa: RUF009 # `option` and `argument` return dataclass fields

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from .option import Heading, argument, option
from .shared import (
    ModelArguments,
    compressed_option,
    input_shape_option,
    inputs_option,
    lite_version_option,
    show_all_option,
)
from .types import MODEL_FOLDER


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class InspectArguments(ModelArguments):
    """The command line of `inspect`."""

    model_dir: Path = argument(MODEL_FOLDER)
    sort: str = option(
        "--sort",
        heading=Heading.SHOW,
        type=click.Choice(["size", "name", "sqnr"]),
        default="size",
        show_default=True,
        help="List the largest first, by name, or the worst first by the SQNR that INT8 would "
        "give, which reads the weights.",
    )
    histogram: bool = option(
        "--histogram",
        heading=Heading.SHOW,
        is_flag=True,
        help="Draw the distribution of every weight, which reads it.",
    )
    compressed: bool = compressed_option(
        "Say the sizes of the model, and of what 4 to 16 bits would make of it,"
    )
    recommend: bool = option(
        "--recommend",
        heading=Heading.OUTPUTS,
        is_flag=True,
        help="Instead of the weights, compare what some settings of quantize make of the model: "
        "sizes, answers beside those of FP32, seconds; with the line to copy for each, and which "
        "to take; nothing is written.",
    )
    input_shape: tuple[tuple[str, tuple[int, ...]], ...] = input_shape_option(Heading.OUTPUTS)
    inputs: Path | None = inputs_option(Heading.OUTPUTS)
    lite_version: str = lite_version_option()
    show_all: bool = show_all_option("List")
    table_format: str = option(
        "--format",
        heading=Heading.SHOW,
        type=click.Choice(["table", "csv", "markdown"]),
        default="table",
        show_default=True,
        help="List the weights, or the settings, as a table, as Markdown, or as CSV and nothing "
        "else.",
    )

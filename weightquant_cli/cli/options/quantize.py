"""The options of `quantize`: declared, checked against each other, and made into core options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from ...core.lite.storage import WeightQuantizeType
from ...core.lite.targets import DEFAULT_OP_TYPES
from ...core.plan.options import AutoBits, QuantizeOptions
from ...core.plan.size import Size
from ...core.quantize.gates import Gates
from ...errors import OptionError
from ..completion.weight_names import complete_weight
from .shared import (
    AUTO,
    Bits,
    BitsFor,
    Command,
    OpTypes,
    SizeType,
)

# With --plan the plan decides all of these.
DECIDED_BY_PLAN = (
    "bits",
    "weight_quantize_type",
    "threshold_rate",
    "op_types",
    "exclude",
    "bits_for",
    "rewrite",
    "min_sqnr",
    "target_size",
)


def decision_options(command: Command) -> Command:
    """What is quantized, and how."""
    options = (
        click.option(
            "-b",
            "--bits",
            type=Bits(),
            default=8,
            show_default=True,
            metavar="8..16|auto",
            help="Store weights with this many bits, 8 as INT8 and 9 to 16 as INT16; "
            "auto chooses 8 or 16 for every weight.",
        ),
        click.option(
            "--weight-quantize-type",
            type=click.Choice([kind.value for kind in WeightQuantizeType]),
            help="Use one scale per output channel, or one per tensor.  "
            "[default: channel_wise_abs_max; abs_max with --threshold-rate]",
        ),
        click.option(
            "--threshold-rate",
            type=float,
            default=0.0,
            show_default="0, which clips nothing",
            metavar="R",
            help="Clip this share of the largest values, 0 <= R < 1; with abs_max only.",
        ),
        click.option(
            "--op-type",
            "op_types",
            type=OpTypes(),
            multiple=True,
            metavar="T[,T...]",
            help="Quantize the weights of these operator types, or of all that are known; "
            "repeatable.  "
            f"[default: {','.join(DEFAULT_OP_TYPES)}]",
        ),
        click.option(
            "--exclude",
            multiple=True,
            metavar="GLOB",
            shell_complete=complete_weight,
            help="Leave weights whose names match as they are; repeatable.",
        ),
        click.option(
            "--bits-for",
            type=BitsFor(),
            multiple=True,
            metavar="GLOB=8..16",
            help="Use these bits for weights whose names match; repeatable.",
        ),
        click.option(
            "--rewrite/--no-rewrite",
            default=True,
            show_default=True,
            help="Spell matmul and lookup_table_v2 as Paddle Lite can dequantize them, where that "
            "is exactly equal; without it their weights stay FP32.",
        ),
        click.option(
            "--min-sqnr",
            type=float,
            metavar="DB",
            help="With --bits auto, give 8 bits where the weight reaches this SQNR, else 16.  "
            f"[default: {AutoBits().min_sqnr:g}]",
        ),
        click.option(
            "--target-size",
            type=SizeType(),
            metavar="SIZE",
            help="With --bits auto, choose the smallest total error within this size, "
            "such as 4.2MB or 30% of the input.",
        ),
    )
    return _applied(command, options)


def plan_options(command: Command) -> Command:
    """`--plan` and `--plan-out`."""
    return _applied(
        command,
        (
            click.option(
                "--plan-out",
                type=click.Path(path_type=Path, dir_okay=False),
                metavar="FILE",
                help="Write the plan as JSON, to be edited.",
            ),
            click.option(
                "--plan",
                "plan_file",
                type=click.Path(path_type=Path, dir_okay=False),
                metavar="FILE",
                help="Apply a plan that --plan-out has written.",
            ),
        ),
    )


def gate_options(command: Command) -> Command:
    """What the result must reach."""
    return _applied(
        command,
        (
            click.option(
                "--max-size",
                type=SizeType(),
                metavar="SIZE",
                help="Exit with 1 and write nothing where the result would be larger.",
            ),
            click.option(
                "--min-quantized",
                type=float,
                metavar="PERCENT",
                help="Exit with 1 and write nothing where less of the weights' bytes would be "
                "quantized.",
            ),
        ),
    )


def quantize_options(options: dict[str, Any]) -> QuantizeOptions:
    """The core's options.

    Raises:
        OptionError: options that contradict each other or are out of range.
    """
    kind = options["weight_quantize_type"]
    chosen = tuple(dict.fromkeys(name for names in options["op_types"] for name in names))
    return QuantizeOptions(
        bits=_bits(options["bits"], options["min_sqnr"], options["target_size"]),
        weight_quantize_type=None if kind is None else WeightQuantizeType(kind),
        threshold_rate=options["threshold_rate"],
        op_types=chosen or DEFAULT_OP_TYPES,
        exclude=options["exclude"],
        bits_for=options["bits_for"],
        rewrite=options["rewrite"],
    )


def gates(options: dict[str, Any]) -> Gates:
    """The gates; OptionError where one is out of range."""
    return Gates(options["max_size"], options["min_quantized"])


def read_plan_file(path: Path, context: click.Context) -> object:
    """The JSON document in a plan file.

    Raises:
        OptionError: not readable, not JSON, or given together with options that it decides.
    """
    for name in DECIDED_BY_PLAN:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            option = next(param.opts[-1] for param in context.command.params if param.name == name)
            raise OptionError(
                f"--plan and {option} contradict each other", remedy="edit the plan instead"
            )
    from ..output import json_output

    return json_output.read_file(path, "plan")


def _bits(bits: int | str, min_sqnr: float | None, target_size: Size | None) -> int | AutoBits:
    if isinstance(bits, int):
        for option, value in (("--min-sqnr", min_sqnr), ("--target-size", target_size)):
            if value is not None:
                raise OptionError(f"{option} goes with --bits {AUTO} only")
        return bits
    if min_sqnr is not None and target_size is not None:
        raise OptionError("--min-sqnr and --target-size contradict each other: give one")
    return AutoBits(AutoBits().min_sqnr if min_sqnr is None else min_sqnr, target_size)


def _applied(command: Command, options: tuple[Any, ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command

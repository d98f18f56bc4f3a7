"""`weightquant inspect`: parse, summarize, render."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import OptionError
from .commands import Command
from .console import Console
from .options.shared import (
    MODEL_DIR,
    common_options,
    json_option,
    model_file_options,
)

if TYPE_CHECKING:
    from ..core.inspect.summary import ModelSummary, WeightSummary
    from ..core.model.model import Model

EPILOG = """\b
Examples:
  weightquant inspect model/
  weightquant inspect -q model/ | sort -k5 -n | tail
  weightquant inspect --sort sqnr --histogram model/
  weightquant inspect --json model/ | jq '.weights[] | select(.bytes > 100000) | .name'
"""


@click.command(
    "inspect",
    cls=Command,
    epilog=EPILOG,
    short_help="Show a model's ports, operators, weights, sizes.",
)
@click.argument("model_dir", type=MODEL_DIR)
@click.option(
    "--sort",
    type=click.Choice(["size", "name", "sqnr"]),
    default="size",
    show_default=True,
    help="List the largest first, by name, or the worst first by the SQNR that INT8 would give, "
    "which reads the weights.",
)
@click.option(
    "--histogram", is_flag=True, help="Draw the distribution of every weight, which reads it."
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "csv", "markdown"]),
    default="table",
    show_default=True,
    help="List the weights as a table, as Markdown, or as CSV and nothing else.",
)
@model_file_options
@json_option
@common_options
def command(
    console: Console,
    model_dir: Path,
    sort: str,
    histogram: bool,
    form: str,
    model_filename: str | None,
    params_filename: str | None,
    as_json: bool,
) -> None:
    """Show what MODEL_DIR is, FP32 or quantized: inputs, operators, every weight, sizes.

    With --quiet only the list of the weights.
    """
    from ..core.inspect.summary import Order, ordered, summarize
    from ..core.model.model import Model
    from .output import inspect_json, json_output
    from .output.inspect_view import BINS, Format

    if as_json and Format(form) is not Format.TABLE:
        raise OptionError(f"--json and --format {form} contradict each other")
    model = Model.load(model_dir, model_filename, params_filename)
    summary = summarize(model)
    by_sqnr = Order(sort) is Order.SQNR
    if by_sqnr or histogram:
        summary = _measured(console, model, summary, by_sqnr, BINS if histogram else 0)
    weights = ordered(summary.weights, Order(sort))
    if as_json:
        console.write(json_output.dumps(inspect_json.inspect_document(summary, weights)))
        return
    extra = [name for name, on in (("sqnr", by_sqnr), ("distribution", histogram)) if on]
    _render(console, summary, weights, extra, Format(form))


def _measured(
    console: Console, model: Model, summary: ModelSummary, sqnr: bool, bins: int
) -> ModelSummary:
    import threading

    from ..core.inspect.measure import measure
    from ..core.inspect.summary import Verdict

    if sqnr and summary.of(Verdict.QUANTIZED):
        raise OptionError(
            "--sort sqnr needs FP32 weights, and these are quantized already",
            path=model.files.folder,
            remedy="weightquant dequantize-check --reference FP32_DIR compares with the original",
        )
    lock = threading.Lock()
    total = sum(weight.record.data_size for weight in summary.weights)
    with console.progress(total, "measure") as bar:

        def step(size: int) -> None:
            if bar is not None:
                with lock:
                    bar.update(size)

        return measure(model, summary, sqnr=sqnr, bins=bins, step=step)


def _render(
    console: Console,
    summary: ModelSummary,
    weights: tuple[WeightSummary, ...],
    extra: list[str],
    form: object,
) -> None:
    from .output import inspect_view as view

    if form is view.Format.CSV:
        console.write(view.weights_csv(weights))
        return
    if form is view.Format.MARKDOWN:
        if not console.quiet:
            console.write(view.markdown_heading(summary))
        console.write(view.weights_markdown(weights, extra))
        return
    if not console.quiet:
        console.print(view.heading(console, summary))
        console.print("")
    console.print(view.weights_table(console, weights, extra))
    if not console.quiet:
        console.print("")
        console.print(view.totals(console, summary))

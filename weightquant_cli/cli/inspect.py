"""`weightquant inspect`: parse, summarize, render."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import OptionError
from .console import Console
from .options.click_command import command as cli_command
from .options.inspect import InspectArguments
from .options.types import ALL
from .reading import load_model

if TYPE_CHECKING:
    from ..core.inspect.summary import ModelSummary
    from ..core.model.model import Model
    from ..core.plan.options import QuantizeOptions

EXAMPLES = (
    "weightquant inspect model/",
    "weightquant inspect model/ | sort -k5 -n | tail",
    "weightquant inspect --sort sqnr --histogram model/",
    "weightquant inspect --json model/ | jq '.weights[] | select(.bytes > 100000) | .name'",
)


@cli_command(
    "inspect",
    InspectArguments,
    brief="Show a model's inputs, outputs, operators, weights, sizes.",
    examples=EXAMPLES,
)
def command(console: Console, arguments: InspectArguments) -> None:
    """Show what MODEL_DIR is, FP32 or quantized: inputs, operators, every weight, sizes."""
    from ..core.inspect.summary import Order, ordered, summarize
    from ..core.plan.options import QuantizeOptions
    from .output import inspect_json, json_output

    if arguments.as_json and arguments.table_format != "table":
        raise OptionError(f"--json and --format {arguments.table_format} contradict each other")
    model = load_model(console, arguments, arguments.model_dir, unknown_operators=True)
    wanted = QuantizeOptions(op_types=(ALL,))
    summary = summarize(model, wanted, arguments.lite_version)
    order = Order(arguments.sort)
    if order is Order.SQNR or arguments.histogram:
        summary = _measured(console, model, summary, order is Order.SQNR, arguments.histogram)
    if arguments.compressed:
        summary = _compressed(console, model, summary, wanted)
    weights = ordered(summary.weights, order)
    if arguments.as_json:
        console.write(json_output.dumps(inspect_json.inspect_document(summary, weights)))
        return
    from .output.inspect_view import Format, Listing, show

    shown = Listing(order is Order.SQNR, arguments.histogram, arguments.show_all)
    show(console, summary, weights, shown, Format(arguments.table_format))


def _compressed(
    console: Console, model: Model, summary: ModelSummary, wanted: QuantizeOptions
) -> ModelSummary:
    """The summary with compressed sizes, with a progress bar."""
    from ..core.inspect.measure import measure_compressed
    from ..core.plan.options import MAX_BITS, MIN_BITS

    runs = MAX_BITS - MIN_BITS + 1 if summary.expected else 0
    with console.progress((1 + runs) * summary.params_size, "compress") as advance:
        return measure_compressed(model, summary, wanted, step=advance)


def _measured(
    console: Console, model: Model, summary: ModelSummary, sqnr: bool, histogram: bool
) -> ModelSummary:
    """The summary with what only the weights' values can tell."""
    from ..core.inspect.measure import measure
    from ..core.inspect.summary import Verdict
    from .output.bars import BINS

    if sqnr and summary.of(Verdict.QUANTIZED):
        raise OptionError(
            "--sort sqnr needs FP32 weights, and these are quantized already",
            path=model.files.folder,
            remedy="weightquant dequantize-check --reference FP32_DIR compares with the original",
        )
    total = sum(weight.record.data_size for weight in summary.weights)
    with console.progress(total, "measure") as advance:
        return measure(model, summary, sqnr=sqnr, bins=BINS if histogram else 0, step=advance)

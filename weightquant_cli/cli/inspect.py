"""`weightquant inspect`: parse, summarize, render."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import OptionError
from .console import Console
from .options.click_command import command as cli_command
from .options.inspect import InspectArguments
from .options.shared import refuse_inputs, sample_options
from .options.types import ALL
from .reading import load_model

if TYPE_CHECKING:
    from ..core.inspect.summary import ModelSummary, WeightSummary
    from ..core.model.model import Model
    from ..core.plan.options import QuantizeOptions
    from ..core.run.inputs import SampleOptions

EXAMPLES = (
    "weightquant inspect model/",
    "weightquant inspect model/ | sort -k5 -n | tail",
    "weightquant inspect --sort sqnr --histogram model/",
    "weightquant inspect --recommend model/",
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
    from ..core.inspect.summarize import summarize
    from ..core.inspect.summary import Order, ordered
    from ..core.plan.options import QuantizeOptions
    from .output import inspect_json, json_output

    _refuse_contradictions(arguments)
    given = sample_options(arguments.inputs, arguments.input_shape) if arguments.recommend else None
    unknown = not arguments.recommend
    model = load_model(console, arguments, arguments.model_dir, unknown_operators=unknown)
    wanted = QuantizeOptions(op_types=(ALL,))
    summary = summarize(model, wanted, arguments.lite_version)
    order = Order(arguments.sort)
    if order is Order.SQNR or arguments.histogram:
        summary = _measured(console, model, summary, order is Order.SQNR, arguments.histogram)
    if arguments.compressed:
        summary = _compressed(console, model, summary, wanted)
    weights = ordered(summary.weights, order)
    if given is not None:
        _recommend(console, model, summary, weights, given, arguments)
        return
    if arguments.as_json:
        console.write(json_output.dumps(inspect_json.inspect_document(summary, weights)))
        return
    from .output.inspect_view import Format, Listing, show

    shown = Listing(order is Order.SQNR, arguments.histogram, arguments.show_all)
    show(console, summary, weights, shown, Format(arguments.table_format))


def _refuse_contradictions(arguments: InspectArguments) -> None:
    if arguments.as_json and arguments.table_format != "table":
        raise OptionError(f"--json and --format {arguments.table_format} contradict each other")
    if not arguments.recommend:
        refuse_inputs(arguments.given, "--recommend")
        return
    for name, spelling in (("sort", "--sort"), ("histogram", "--histogram"), ("show_all", "--all")):
        if name in arguments.given and getattr(arguments, name):
            raise OptionError(
                f"--recommend and {spelling} contradict each other",
                remedy="call inspect twice: --recommend does not list the weights",
            )


def _recommend(
    console: Console,
    model: Model,
    summary: ModelSummary,
    weights: Sequence[WeightSummary],
    given: SampleOptions,
    arguments: InspectArguments,
) -> None:
    """Compare settings, with a progress bar, and print them in place of the weights."""
    from ..core.inspect.summary import Verdict
    from ..core.recommend.recommend import compare_settings
    from ..core.recommend.rule import choose
    from ..core.recommend.settings import SETTINGS
    from .output import inspect_json, json_output, recommend_view
    from .output.inspect_view import heading_lines, markdown_heading

    if summary.of(Verdict.QUANTIZED):
        raise OptionError(
            "--recommend needs an FP32 model, and this one is quantized already",
            path=model.files.folder,
            remedy="give the FP32 model that it was made from",
        )
    total = None if given.inputs is not None else len(SETTINGS) * (1 + given.count)
    with console.counting("compare settings", total) as step:
        found = compare_settings(model, given, step=step)
    choice = choose(found)
    if arguments.as_json:
        document = inspect_json.inspect_document(summary, weights)
        document["recommend"] = recommend_view.documents(found, choice, arguments)
        document["left_out"] = recommend_view.left_out(found)
        console.write(json_output.dumps(document))
    elif arguments.table_format == "csv":
        console.write(recommend_view.as_csv(found, choice, arguments))
    elif arguments.table_format == "markdown":
        text = recommend_view.as_markdown(found, choice, arguments)
        console.write(markdown_heading(summary) + text)
    elif not console.quiet:
        console.print(heading_lines(console, summary))
        console.print("")
        recommend_view.show(console, found, choice, arguments)


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

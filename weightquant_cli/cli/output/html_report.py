"""The check as one self-contained page: text drawn by rich, in a minimal frame of HTML.

No script, no network, no images; the reader's own colours; narrow enough for a phone.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ...errors import printable
from . import units
from .bars import bars
from .check_view import failure_text, finding_text, verdict
from .drift_chart import chart, drift
from .outputs_view import measures, notes

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.terminal_theme import TerminalTheme
    from rich.text import Text

    from ...core.check.check import CheckResult
    from ...core.check.compare_outputs import ComparedOutputs
    from ...core.check.weight_comparison import WeightComparison

WIDTH = 46
"""Columns that fit on a phone of 360 pixels."""

QUIET_DB = 100.0
"""SQNR at which an error's bar has no length; INT16 reaches about 95 dB."""

# Filled by rich's export: the escaped text, and its styles. Doubled braces are CSS's own.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="generator" content="weightquant">
<title>weightquant dequantize-check</title>
<style>
{stylesheet}
:root {{ color-scheme: light dark; }}
body {{ margin: 0 auto; padding: 1rem; max-width: 26rem; background: Canvas; color: CanvasText; }}
pre {{ margin: 0; font: min(2.9vw, 0.85rem)/1.3 ui-monospace, Menlo, Consolas, monospace;
  white-space: pre-wrap; overflow-wrap: anywhere; }}
pre code {{ font: inherit; }}
</style>
</head>
<body>
<pre><code>{code}</code></pre>
</body>
</html>
"""


def page(result: CheckResult, output_gate: float | None = None) -> str:
    """The page's text.

    Args:
        result: what was found.
        output_gate: the SQNR in dB that outputs must reach, or None.
    """
    console = _recorder()
    console.print(verdict(result))
    console.print(_quoted(str(result.model.files.folder), "dim"))
    for finding in result.findings:
        console.print(_quoted("\n" + finding_text(finding)))
    for failure in result.failures:
        console.print(_quoted("\n" + failure_text(failure)))
    for line in result.changed:
        console.print(_quoted(f"\nchanged: {line}"))
    if result.outputs is not None:
        _draw_outputs(console, result.outputs)
    weights = result.comparison.weights if result.comparison else ()
    if weights:
        console.print(_quoted("\nError of each weight, the worst first", "bold"))
    for weight in weights:
        _draw_weight(console, weight)
    drawn = [weight for weight in weights if weight.before and weight.after]
    if drawn:
        console.print(_quoted("\nDistribution of the worst, before and after", "bold"))
    for weight in drawn:
        _draw_distribution(console, weight)
    exported = console.export_html(theme=_theme(), code_format=PAGE)
    styles, end, body = exported.partition("</style>")
    for placeholder, color in (("#010203", "CanvasText"), ("#fdfeff", "Canvas")):
        styles = styles.replace(placeholder, color)
    picture = "" if result.outputs is None else chart(drift(result.outputs, output_gate))
    return styles + end + body.replace("<body>\n", f"<body>\n{picture}", 1)


def _theme() -> TerminalTheme:
    """Colours that show on light and dark; text and page have the reader's own."""
    from rich.terminal_theme import TerminalTheme

    gray, red, green = (128, 128, 128), (214, 72, 72), (34, 139, 84)
    shades = [gray, red, green, gray, gray, gray, gray, gray]
    return TerminalTheme((0xFD, 0xFE, 0xFF), (0x01, 0x02, 0x03), shades, shades)


def _recorder() -> RichConsole:
    from rich.console import Console as RichConsole

    return RichConsole(
        record=True,
        file=io.StringIO(),
        width=WIDTH,
        force_terminal=True,
        color_system="standard",
        highlight=False,
        markup=False,
        emoji=False,
    )


def _quoted(text: str, style: str = "") -> Text:
    from rich.text import Text

    lines = (printable(line) for line in text.split("\n"))
    return Text("\n".join(lines), style=style, overflow="fold")


def _draw_outputs(console: RichConsole, compared: ComparedOutputs) -> None:
    inputs = units.count(compared.samples, "input")
    console.print(_quoted(f"\nOutputs beside the reference's, on {inputs}", "bold"))
    for output in compared.outputs:
        _, change, cosine, agreement = measures(output)
        told = f"{units.decibel(output.sqnr_db)}  change {change}  cosine {cosine}"
        console.print(_quoted(f"\n{printable(output.name)}"))
        console.print(_quoted(f"{told}  agreement {agreement}", "dim"))
    for line in notes(compared):
        console.print(_quoted(f"\n{line}"))


def _draw_weight(console: RichConsole, weight: WeightComparison) -> None:
    from rich.bar import Bar

    console.print()
    console.print(_quoted(printable(weight.name)))
    error = QUIET_DB - min(max(weight.sqnr, 0.0), QUIET_DB)
    console.print(Bar(QUIET_DB, 0, error, width=WIDTH))
    console.print(
        _quoted(
            f"{weight.dtype}  {units.decibel(weight.sqnr)}  error {weight.max_abs:.2g} = "
            f"{weight.max_in_scales:.2f} scale",
            "dim",
        )
    )


def _draw_distribution(console: RichConsole, weight: WeightComparison) -> None:
    console.print(_quoted(f"\n{printable(weight.name)}"))
    for counts in (weight.before, weight.after):
        console.print(_quoted(bars(counts or ())))
    console.print(_quoted(f"-{weight.limit:.3g} to {weight.limit:.3g}", "dim"))

"""The picture of the README: a real session on a terminal, drawn as SVG.

`python -m tests.picture` draws it again; `tests/test_picture.py` compares its text with a new run.
"""

from __future__ import annotations

import io
import re
import shutil
import tempfile
from html import unescape
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.cli.helpers import run_terminal

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / ".docs" / "session.svg"
COLUMNS = 92
COMMANDS = (
    ("quantize", "digits", "digits_int8"),
    ("dequantize-check", "--reference", "digits", "--min-sqnr", "40", "digits_int8"),
)

# rich's own, but for the fonts that it would fetch from a server.
_FORMAT = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<title>weightquant quantizes a model, and checks the result</title>
<style>
.{unique_id}-matrix {{
  font-family: "Fira Code", "DejaVu Sans Mono", Menlo, Consolas, monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
  font-variant-east-asian: full-width;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def session() -> Text:
    """What a terminal shows of the commands on the model that the repository carries."""
    shown = Text()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "tests" / "models" / "digits", folder / "digits")
        for arguments in COMMANDS:
            result = run_terminal(*arguments, columns=COLUMNS, cwd=folder).ok()
            shown.append("$ ", "bold green")
            shown.append(" ".join(("weightquant", *arguments)) + "\n", "bold")
            shown.append_text(Text.from_ansi(result.stdout))
            shown.append("\n")
    shown.rstrip()
    return shown.append("\n")  # below the last line, which would be cut at its underscores


def svg(text: Text) -> str:
    """The session as a picture that needs nothing from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(text)
    return console.export_svg(title="weightquant", code_format=_FORMAT, unique_id="session")


def lines_of(picture: str) -> list[str]:
    """The lines of text in a picture, without the spaces between."""
    rows: dict[str, str] = {}
    for row, piece in re.findall(r'<text [^>]*clip-path="url\(#(.*?)\)">(.*?)</text>', picture):
        rows[row] = rows.get(row, "") + unescape(piece)
    plain = ("".join(text.split()) for text in rows.values())
    return [line for line in plain if line]


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(svg(session()), encoding="utf-8")

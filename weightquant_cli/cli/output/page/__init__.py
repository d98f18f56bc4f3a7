"""The check as one self-contained page: `page.html` filled with sections, tables and charts.

No network and no images. The one script sorts and filters the table of weights; the page's own
policy lets no other run. Without it everything is there as well.

May import `core` (its results), `errors` and the other modules of `cli/output`.
"""

from __future__ import annotations

import base64
import hashlib
import string
from pathlib import Path

from .... import __version__
from . import pictures, sections, weights_table
from .facts import PageFacts
from .markup import joined, quoted

__all__ = ["PageFacts", "page"]

PARTS = (
    sections.head,
    sections.findings,
    sections.tiles,
    sections.answers,
    pictures.pictures,
    sections.kept,
    weights_table.weights_table,
)


def page(facts: PageFacts) -> str:
    """The page's text."""
    here = Path(__file__).parent
    script = (here / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    folder = facts.result.model.files.folder
    return string.Template((here / "page.html").read_text(encoding="utf-8")).substitute(
        version=__version__,
        title=quoted(f"weightquant: {folder.name or folder}"),
        script=script,
        script_hash=f"sha256-{digest}",
        body=joined((part(facts) for part in PARTS), "\n"),
    )

"""What Paddle Lite demands of a program, measured: will opt take it, and what can be mended.

Gives `findings` (what speaks against a program, by version of Paddle Lite), `missing_attributes`
and `mend` (what can be put right without changing an answer). Pure functions over a `Program`; the
facts are data (`measured.json`), written by the audit in `tests/oracles/lite_demands`. Imports
`formats` and `errors` alone. DEMANDS.md, one folder up, tells what was measured and how.
"""

from __future__ import annotations

from .attributes import Missing, missing_attributes
from .demand import Demand, Effect
from .judge import findings
from .measured import NEWEST, VERSIONS
from .mend import Mended, mend
from .place import Place

__all__ = [
    "NEWEST",
    "VERSIONS",
    "Demand",
    "Effect",
    "Mended",
    "Missing",
    "Place",
    "findings",
    "mend",
    "missing_attributes",
]

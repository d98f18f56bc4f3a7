"""Under which heading of the help and of the man pages an option stands, and in which order.

An option is named by its first long spelling; `COMMAND --option` is that command's alone and
comes before the general entry.
"""

from __future__ import annotations

GROUPS: dict[str, tuple[str, ...]] = {
    "What to quantize": (
        "--op-type",
        "--exclude",
        "--rewrite",
        "--plan",
        "--plan-out",
    ),
    "Bits and scales": (
        "--bits",
        "--bits-for",
        "quantize --min-sqnr",
        "--target-size",
        "--weight-quantize-type",
        "--threshold-rate",
    ),
    "What to show": (
        "--sort",
        "--histogram",
        "--format",
    ),
    "What to check": (
        "--reference",
        "--reference-model-filename",
        "--reference-params-filename",
        "--save-dequantized",
    ),
    "Conversion": (
        "--optimize-out",
        "--optimize-out-type",
    ),
    "Files": (
        "--model-filename",
        "--params-filename",
        "--save-model-filename",
        "--save-params-filename",
        "--separate-params",
        "--strip-callstack",
        "--output",
        "--force",
    ),
    "Gates": (
        "--max-size",
        "--min-quantized",
        "--min-sqnr",
        "--max-abs-error",
        "--min-cosine",
    ),
    "Output": (
        "--dry-run",
        "--json",
        "--report",
        "--html",
        "--quiet",
        "--verbose",
        "--color",
    ),
    "General": (
        "--jobs",
        "--debug",
        "--version",
        "--help",
    ),
}

# Where an option stands that nobody has put into the table; a test says so.
UNGROUPED = "Other options"

_PLACES = {
    name: (heading, place) for heading, names in GROUPS.items() for place, name in enumerate(names)
}


def place_of(command: str, option: str) -> tuple[str, int]:
    """The heading under which a command's option stands, and its place there."""
    return _PLACES.get(f"{command} {option}") or _PLACES.get(option) or (UNGROUPED, 0)

"""Glob patterns of weight names: which names they match, and what they were meant to match."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from ...errors import OptionError, listed


def match_names(option: str, patterns: Iterable[str], names: Sequence[str]) -> set[str]:
    """The names that one of the glob patterns matches.

    Args:
        option: the field that holds the patterns, for the message.
        patterns: as `fnmatch` knows them, case and all.
        names: of the weights.

    Raises:
        OptionError: a pattern that matches nothing; it suggests the nearest names.
    """
    matched: set[str] = set()
    for pattern in patterns:
        found = {name for name in names if fnmatchcase(name, pattern)}
        if not found:
            import difflib

            near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4)
            raise OptionError(
                f"the pattern {pattern!r} matches no weight",
                option=option,
                remedy=f"the nearest names are {listed(near)}"
                if near
                else "`weightquant inspect` lists the names",
            )
        matched |= found
    return matched

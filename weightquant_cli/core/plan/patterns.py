"""Patterns of weight names, globs or regular expressions: what they match, and what was meant.

A regular expression begins with `re:` and must match the whole name, as a glob must. Python's
engine backtracks, so `re:(a+)+b` can take for ever on a name that is made for it. The pattern is
the user's own, and Ctrl-C ends the search; expressions and names are bounded here.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from ...errors import OptionError, listed

REGEX = "re:"

MAX_REGEX = 1000
"""Characters of a regular expression."""

MAX_NAME = 1000
"""Characters of a name that a regular expression is tried on; real names have some dozens."""


def match_names(option: str, patterns: Iterable[str], names: Sequence[str]) -> set[str]:
    """The names that one of the patterns matches.

    Args:
        option: the field that holds the patterns, for the message.
        patterns: globs as `fnmatch` knows them, case and all, or ``re:`` and a regular expression.
        names: of the weights.

    Raises:
        OptionError: a regular expression that is none, with the position, or one for names that are
            too long; a pattern that matches nothing, with the nearest names.
    """
    matched: set[str] = set()
    for pattern in patterns:
        matches = matcher(option, pattern)
        found = {name for name in names if matches(name)}
        if not found:
            raise OptionError(
                f"the pattern '{pattern}' matches no weight",
                option=option,
                remedy=_meant(pattern, names),
            )
        matched |= found
    return matched


def matcher(option: str, pattern: str) -> Callable[[str], bool]:
    """Whether a name matches the pattern; OptionError where that is no regular expression."""
    if not pattern.startswith(REGEX):
        return lambda name: fnmatchcase(name, pattern)
    expression = _compiled(option, pattern.removeprefix(REGEX))

    def matches(name: str) -> bool:
        if len(name) > MAX_NAME:
            raise OptionError(
                f"a name of {len(name)} characters is too long for a regular expression",
                option=option,
                tensor=f"{name[:40]}...",
                expected=f"at most {MAX_NAME}",
                remedy="use glob patterns for this model",
            )
        return expression.fullmatch(name) is not None

    return matches


def _compiled(option: str, text: str) -> re.Pattern[str]:
    if len(text) > MAX_REGEX:
        raise OptionError(
            "the regular expression is too long",
            option=option,
            expected=f"at most {MAX_REGEX} characters",
            found=len(text),
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a later Python may read otherwise
            return re.compile(text)
    except re.error as error:
        where = "" if error.pos is None else f" at its character {error.pos + 1}"
        raise OptionError(
            f"'{text}' is no regular expression: {error.msg}{where}", option=option
        ) from error
    except (OverflowError, RecursionError) as error:
        raise OptionError(f"the regular expression '{text}' is too large", option=option) from error


def _meant(pattern: str, names: Sequence[str]) -> str:
    """What to do about a pattern that matches nothing."""
    import difflib

    if not pattern.startswith(REGEX):
        if any(fnmatchcase(name, part) for part in pattern.split(",") for name in names):
            return "give the option once for each pattern"
        glob = _as_glob(pattern)
        if glob != pattern and any(fnmatchcase(name, glob) for name in names):
            return f"patterns are globs, such as '{glob}'; regular expressions begin with {REGEX}"
    near = difflib.get_close_matches(pattern.removeprefix(REGEX), names, n=3, cutoff=0.4)
    return (
        f"the nearest names are {listed(near)}" if near else "`weightquant inspect` lists the names"
    )


def _as_glob(pattern: str) -> str:
    """What the simple ones among regular expressions are as a glob."""
    loose = re.sub(r"\\d[+*]?|\\w[+*]?|\.[+*]", "*", pattern.removeprefix("^").removesuffix("$"))
    return re.sub(r"\*+", "*", loose.replace("\\.", "."))

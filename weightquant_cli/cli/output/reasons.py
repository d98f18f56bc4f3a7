"""Why weights stay as they are, as people read it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..option_names import as_options
from . import units

if TYPE_CHECKING:
    from ...core.plan.reasons import Reason


def words(reason: Reason) -> str:
    """The reason in a word or two, for a table."""
    return units.words(reason.code)


def text(reason: Reason) -> str:
    """The reason as a clause."""
    return as_options(reason.text)


def remedy(reason: Reason) -> str | None:
    """The option that would change it."""
    return None if reason.remedy is None else as_options(reason.remedy)


def grouped(weights: Iterable[tuple[Reason, int]]) -> list[str]:
    """A line per reason with the number of its weights and their bytes, the most bytes first."""
    groups: dict[str, list[int]] = defaultdict(list)
    for reason, size in weights:
        option = remedy(reason)
        groups[text(reason) + (f" ({option})" if option else "")].append(size)
    ranked = sorted(groups.items(), key=lambda item: (-sum(item[1]), item[0]))
    return [f"{len(sizes)} ({units.size(sum(sizes))}): {line}" for line, sizes in ranked]

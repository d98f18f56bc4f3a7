"""From the bytes of a `.json` to a `Program`, in one call."""

from __future__ import annotations

import enum
from collections import Counter
from pathlib import Path

from ...errors import UnsupportedModelError, listed
from ..program import Program
from ..unknown_operators import UnknownOperators
from . import handlers, reader, tables
from .translator import Translator
from .writer import TooLarge

TARGET_VERSION = 2_006_002
"""The version that is written into the program: Paddle 2.6.2, whose spelling it has."""


class Unknown(enum.Enum):
    """What to do with operations that are not known here."""

    REFUSE = "refuse"
    KEEP = "keep"
    """Keep them as operators under their PIR names, with slots Input0, Output0 and so on. Such a
    program is for looking at; nothing can run it."""


def translate(data: bytes, path: Path, unknown: Unknown = Unknown.REFUSE) -> Program:
    """The program in the spelling of Paddle 2.6.

    Args:
        data: the whole `.json`.
        path: its name, for messages.
        unknown: what to do with operations that are not known here.

    Raises:
        ProgramError: not a PIR program, or a damaged one.
        UnsupportedModelError: a newer version, operations that are not known (all are named), or
            more of anything than any model has.
    """
    main = reader.read(data, path)
    translator = Translator(main, len(data))
    try:
        translator.operations(main.operations)
        found = _counted(translator.unknown)
        if found and unknown is Unknown.REFUSE:
            raise _refusal(found, path)
        desc = translator.writer.finish()
    except TooLarge as error:
        raise UnsupportedModelError(
            "the translated program would be larger than any program", path=path
        ) from error
    desc.version.version = TARGET_VERSION
    return Program(desc, found)


def _counted(found: list[tuple[str, str]]) -> tuple[UnknownOperators, ...]:
    """What was not translated, by name and reason, the most frequent first."""
    return tuple(
        UnknownOperators(name, count, reason or None)
        for (name, reason), count in Counter(found).most_common()
    )


def _refusal(found: tuple[UnknownOperators, ...], path: Path) -> UnsupportedModelError:
    """All that was not translated, each with how often and why."""
    return UnsupportedModelError(
        f"operations of Paddle 3 that are not known here: {listed(map(str, found), MAX_NAMED)}",
        path=path,
        remedy="export the model with FLAGS_enable_pir_api=0, which writes a .pdmodel, "
        "or ask for these operations; `weightquant inspect` shows the rest of the model",
    )


MAX_NAMED = 200
"""Kinds of operations that one message names."""


def supported_operations() -> list[str]:
    """The names of all PIR operations that are translated, in order."""
    named = {f"pd_op.{name}" for name in tables.RULES} | set(handlers.names())
    return sorted(named)

"""The JSON document of an error: what `--json` prints where there is no result."""

from __future__ import annotations

import re

from ... import __version__
from ...errors import OptionError, WeightQuantError
from ..exit_codes import ExitCode
from ..option_names import OPTIONS, as_options
from .json_output import Document

ERROR_SCHEMA = "weightquant.error"
ERROR_VERSION = 1

USAGE = "usage"

# What ends a command and is no WeightQuantError.
OTHER_KINDS = {
    ExitCode.USAGE: USAGE,
    ExitCode.INTERNAL_ERROR: "internal",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "terminated",
}


def error_document(error: WeightQuantError) -> Document:
    """An error of the core's, with all that it knows."""
    return _document(
        kind_of(type(error)),
        error.message(OPTIONS),
        error.exit_code,
        path=error.path,
        tensor=error.tensor,
        offset=error.offset,
        expected=_plain(error.expected),
        found=_plain(error.found),
        remedy=None if error.remedy is None else as_options(error.remedy),
    )


def other_document(message: str, code: int, kind: str | None = None) -> Document:
    """An error that is told in one line, and nothing more: usage, a signal, a fault of ours."""
    return _document(kind or OTHER_KINDS[ExitCode(code)], message, code)


def kind_of(error: type[WeightQuantError]) -> str:
    """The name of an error's class in small letters, without "Error"; `usage` for OptionError."""
    if error is OptionError:
        return USAGE
    return re.sub(r"(?<=.)(?=[A-Z])", "_", error.__name__.removesuffix("Error")).lower()


def _document(kind: str, message: str, code: int, **known: object) -> Document:
    fields = ("path", "tensor", "offset", "expected", "found", "remedy")
    return {
        "schema": ERROR_SCHEMA,
        "version": ERROR_VERSION,
        "tool_version": __version__,
        "error": {
            "kind": kind,
            "message": message,
            **{field: known.get(field) for field in fields},
            "exit_code": int(code),
        },
    }


def _plain(value: object) -> str | None:
    return None if value is None else str(value)

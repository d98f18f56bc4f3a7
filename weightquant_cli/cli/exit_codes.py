"""The process's exit codes, as README and the man pages document them."""

from __future__ import annotations

import enum


class ExitCode(enum.IntEnum):
    """What the caller may rely on."""

    DONE = 0
    CHECK_SAYS_NO = 1
    USAGE = 2
    INVALID_MODEL = 3
    OUTPUT_NOT_WRITTEN = 4
    INTERNAL_ERROR = 70
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.CHECK_SAYS_NO: "the check, or a gate, says no",
    ExitCode.USAGE: "usage: an option or argument is wrong",
    ExitCode.INVALID_MODEL: "the model is invalid or unsupported",
    ExitCode.OUTPUT_NOT_WRITTEN: "the output could not be written",
    ExitCode.INTERNAL_ERROR: "an error in weightquant itself; please report it",
    ExitCode.INTERRUPTED: "interrupted (SIGINT)",
    ExitCode.TERMINATED: "terminated (SIGTERM)",
}

"""`python -m weightquant_cli`, and the console script `weightquant`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from contextlib import suppress


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with these arguments (default: the process's); the exit code."""
    try:
        from .cli.main import run

        return run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:  # before or after the time in which `run` sees to signals
        sys.stderr.write("weightquant: error: interrupted\n")
        return 130


def script() -> None:
    """The console script: `main` in a process of its own, which is left without tidying up.

    To take apart all modules object by object, numpy's among them, costs as much as a tenth of a
    whole run. Nothing is left to do by then: every file is closed and `main` has flushed.
    """
    # The threads are ours: those of numpy's BLAS would only be in their way, and start with it.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()  # hardly a cycle is ever made, and each search goes through all that was imported
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    script()

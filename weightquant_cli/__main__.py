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
    except KeyboardInterrupt:  # before `run` handles signals, or after
        sys.stderr.write("weightquant: error: interrupted\n")
        return 130
    except MemoryError:  # while importing, or while reporting another one
        sys.stderr.write("weightquant: error: out of memory\n")
        return 70


def script() -> None:
    """The console script: runs `main`, then ends the process without tearing down the modules.

    The teardown takes up to a tenth of a run, and nothing is left to do by then: every file is
    closed and `main` has flushed.
    """
    # The worker threads are ours; numpy's BLAS would start more of its own.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.disable()  # few cycles are made, and each search visits everything that was imported
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    script()

"""`python -m weightquant_cli`, and the console script `weightquant`."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line with these arguments (default: the process's); the exit code."""
    try:
        from .cli.main import run

        return run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:  # before or after the time in which `run` sees to signals
        sys.stderr.write("weightquant: error: interrupted\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())

"""Settings of every test: hypothesis finds the same examples in every run, and none is timed.

`pytest --hypothesis-profile=search` looks for new examples, and for more of them.
"""

from __future__ import annotations

import gc
import os
import signal
import sys

# pytest-xdist keeps every core busy: threads of BLAS beside it only wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Without their compiled modules each of hundreds of processes would compile the package again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

import pytest  # noqa: E402
from hypothesis import settings  # noqa: E402

from tests.in_memory import move_temporary_files  # noqa: E402

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # inherited, as from a job in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("steady", deadline=None, derandomize=True, database=None, max_examples=60)
settings.register_profile("search", deadline=None, database=None, max_examples=2000)
settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The leg that CI runs on a part of the tests: see on_macos.py."""
    parser.addoption("--as-on-macos", action="store_true", help="take away what macOS lacks")


def pytest_configure(config: pytest.Config) -> None:
    """Before any test module, and so the package, is imported; and before xdist starts workers."""
    if not hasattr(config, "workerinput"):
        config.add_cleanup(move_temporary_files())
    if config.getoption("--as-on-macos"):
        from tests.on_macos import take_away

        take_away()


def pytest_collection_finish() -> None:
    """What was imported and collected lives to the end: no garbage collection walks it again."""
    gc.collect()
    gc.freeze()

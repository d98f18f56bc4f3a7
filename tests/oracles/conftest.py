"""Figures that oracle tests want people to see, printed after the run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Tell = Callable[[str], None]

PROPERTY = "figure"


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Print a line in the summary at the end of the run."""
    return lambda line: record_property(PROPERTY, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests had to tell."""
    lines = [
        str(value)
        for report in terminalreporter.getreports("passed")
        for name, value in report.user_properties
        if name == PROPERTY
    ]
    if lines:
        terminalreporter.section("measured against the real programs")
        for line in sorted(lines):
            terminalreporter.write_line(line)

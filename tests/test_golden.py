"""The same bytes on every machine, with every Python, every numpy and any number of threads."""

from __future__ import annotations

import json

import pytest

from tests import golden


@pytest.mark.parametrize("jobs", [1, 2, 5])
def test_the_bytes_are_the_golden_ones(jobs: int) -> None:
    assert golden.digests(jobs) == json.loads(golden.FILE.read_text())

"""How much memory a run may take."""

from __future__ import annotations

import os
from pathlib import Path

from weightquant_cli.core.run.available_memory import available_memory

MACHINE = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def test_a_container_s_limit_counts_where_it_is_lower(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("1048576\n")
    assert available_memory([limit]) == 1 << 20


def test_no_limit_is_the_machine_s_memory(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("max\n")
    assert 0 < available_memory([limit, tmp_path / "missing"]) <= MACHINE

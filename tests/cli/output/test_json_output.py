"""JSON documents: numbers that JSON cannot hold, text that a terminal would obey, files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from weightquant_cli import OptionError
from weightquant_cli.cli.output.json_output import dumps, encoded, finite, read_file, sqnr_fields


@pytest.mark.parametrize(
    ("sqnr", "fields"),
    [
        (41.5, {"sqnr_db": 41.5, "lossless": False}),
        (math.inf, {"sqnr_db": None, "lossless": True}),
        (-math.inf, {"sqnr_db": None, "lossless": False}),
        (math.nan, {"sqnr_db": None, "lossless": False}),
    ],
)
def test_no_error_is_told_from_everything_lost(sqnr: float, fields: dict[str, object]) -> None:
    assert sqnr_fields(sqnr) == fields


def test_numbers_are_rounded_and_what_json_cannot_hold_is_none() -> None:
    assert (finite(1.23456), finite(1.23456, None), finite(math.nan)) == (1.2346, 1.23456, None)


def test_what_does_not_print_is_escaped_and_reads_back_the_same() -> None:
    document = {"name": "a\x1b[2J\x9b\udcff量\u202e"}
    text = dumps(document)
    assert all(line.isprintable() for line in text.splitlines())
    assert json.loads(text) == document


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000])
def test_a_file_that_is_not_json_is_an_option_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "plan").write_bytes(content)
    with pytest.raises(OptionError, match="the plan is not JSON"):
        read_file(tmp_path / "plan", "plan")
    with pytest.raises(OptionError, match="cannot read the plan"):
        read_file(tmp_path, "plan")


def test_a_document_is_written_and_read(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(encoded({"a": [1]}))
    assert read_file(tmp_path / "x.json", "report") == {"a": [1]}


def test_a_file_without_an_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weightquant_cli.cli.output.json_output.MAX_BYTES", 1 << 16)
    with pytest.raises(OptionError, match="the plan has more than 65536 bytes"):
        read_file(Path("/dev/zero"), "plan")

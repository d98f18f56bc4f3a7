"""Sizes before the first byte is written, of whatever program can be read."""

from __future__ import annotations

from pathlib import Path

from tests.builders import ModelBuilder, normal
from weightquant_cli import Model, OutputOptions, QuantizeOptions, make_plan, preview, quantize


def test_a_newer_type_of_variable_is_carried_along_and_counted(tmp_path: Path) -> None:
    """An enumeration value that this schema does not know leaves a required field empty."""
    builder = ModelBuilder()
    builder.mul("x", "w", normal(9, 9))
    builder.main.var("later", (2,))
    folder = builder.write(tmp_path / "in")
    tensor = b"\x08\x05\x10\x02"  # data_type 5, dims 2
    program = builder.program.bytes()
    assert program.count(tensor) == 1
    (folder / "__model__").write_bytes(program.replace(tensor, b"\x08\x77\x10\x02"))
    model = Model.load(folder)
    plan = make_plan(model, QuantizeOptions())
    planned = preview(model, plan, OutputOptions(tmp_path / "out"))
    quantize(model, plan, OutputOptions(tmp_path / "out"))
    assert planned.sizes.program_after == (tmp_path / "out" / "__model__").stat().st_size

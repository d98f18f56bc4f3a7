"""Where a result is written, and under which names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import (
    COMBINED,
    LAYOUTS,
    PDMODEL,
    SEPARATE,
    Layout,
    small_model,
)
from weightquant_cli import (
    Existing,
    OptionError,
    OutputError,
    OutputOptions,
)


@pytest.mark.parametrize(
    ("source", "options", "expected"),
    [
        (SEPARATE, {}, SEPARATE),
        (COMBINED, {}, COMBINED),
        (PDMODEL, {}, PDMODEL),
        (SEPARATE, {"params": "all"}, Layout("__model__", "all")),
        (PDMODEL, {"separate": True}, Layout("inference.pdmodel", None)),
        (PDMODEL, {"program": "net"}, Layout("net", "inference.pdiparams")),
        (COMBINED, {"program": "a", "params": "b"}, Layout("a", "b")),
    ],
)
def test_names_and_layout_are_kept_unless_others_are_given(
    source: Layout, options: dict[str, Any], expected: Layout, tmp_path: Path
) -> None:
    model = small_model().load(tmp_path / "in", source)
    assert OutputOptions(tmp_path / "out", **options).layout(model.files) == expected


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/a", "a\0"])
@pytest.mark.parametrize("option", ["program", "params"])
def test_a_name_that_is_a_path_is_refused(option: str, name: str) -> None:
    arguments: dict[str, Any] = {option: name}
    with pytest.raises(OptionError, match=r"`(program|params)` is the name of a file"):
        OutputOptions(Path("out"), **arguments)


def test_one_file_and_separate_files_contradict_each_other() -> None:
    with pytest.raises(OptionError, match="contradict each other"):
        OutputOptions(Path("out"), params="all", separate=True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"program": "all", "params": "all"}, "cannot have the same file name"),
        ({"program": "conv.w", "separate": True}, "also a parameter's name"),
        ({"program": "x" * 256}, "the file name is too long"),
    ],
)
def test_names_that_collide_are_refused(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    model = small_model().load(tmp_path / "in", COMBINED)
    with pytest.raises(OptionError, match=message):
        OutputOptions(tmp_path / "out", **options).validate(model.stored)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_only_a_folder_that_holds_a_quantized_model_is_replaced(
    layout: Layout, tmp_path: Path
) -> None:
    model = small_model().load(tmp_path / "in", layout)
    output = OutputOptions(tmp_path / "out", existing=Existing.REPLACE)
    assert output.validate(model.stored) == layout
    (tmp_path / "out").mkdir()
    assert output.validate(model.stored) == layout
    (tmp_path / "out" / layout.program).write_text("a thesis")
    with pytest.raises(OutputError, match="does not hold a model that weightquant wrote"):
        output.validate(model.stored)

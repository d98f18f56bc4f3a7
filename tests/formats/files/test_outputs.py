"""One guard for every path: outputs that are in the way of something are refused beforehand."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.builders import tree
from weightquant_cli.errors import OptionError, OutputError
from weightquant_cli.formats.files import places as places_module
from weightquant_cli.formats.files.outputs import Outputs, refuse_overlap


@pytest.fixture
def places(tmp_path: Path) -> Path:
    (tmp_path / "models" / "net" / "sub").mkdir(parents=True)
    (tmp_path / "models" / "net" / "__model__").write_text("precious")
    (tmp_path / "link").symlink_to("models/net")
    (tmp_path / "up").symlink_to("models")
    return tmp_path


@pytest.mark.parametrize(
    ("source", "target", "relation"),
    [
        ("models/net", "models/net", "is the input folder"),
        ("models/net", "models/net/", "is the input folder"),
        ("models/net", "models/../models/net", "is the input folder"),
        ("models/net", "link", "is the input folder"),
        ("link", "models/net", "is the input folder"),
        ("up/net", "link", "is the input folder"),
        ("models/net", "models/net/sub", "lies inside the input folder"),
        ("models/net", "models/net/new/deeper", "lies inside the input folder"),
        ("models/net", "link/new", "lies inside the input folder"),
        ("link", "models/net/new", "lies inside the input folder"),
        ("models/net", "models", "contains the input folder"),
        ("link", "up", "contains the input folder"),
        ("models/net", "/", "contains the input folder"),
        ("models/net/missing", "models/net/missing", "is the input folder"),
    ],
)
def test_overlapping_folders_are_refused(
    source: str, target: str, relation: str, places: Path
) -> None:
    with pytest.raises(OptionError, match=f"the output folder {relation}"):
        refuse_overlap(places / source, places / target)


@pytest.mark.parametrize(
    "target", ["models/net2", "models/ne", "models/net-int8", "other", "link2", "../elsewhere"]
)
def test_folders_that_do_not_overlap_are_accepted(target: str, places: Path) -> None:
    before = tree(places)
    refuse_overlap(places / "models" / "net", places / target)
    assert tree(places) == before


def test_folders_are_compared_from_the_working_folder(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(places / "models")
    with pytest.raises(OptionError, match="is the input folder"):
        refuse_overlap(Path("net"), places / "models" / "net")
    with pytest.raises(OptionError, match="contains the input folder"):
        refuse_overlap(Path("net"), Path("."))


@pytest.mark.parametrize(
    ("report", "message"),
    [
        ("models/net/__model__", "the report lies inside the reference"),
        ("link/__model__", "the report lies inside the reference"),
        ("models/net/report.json", "the report lies inside the reference"),
        ("hard", "the report is a file of the reference"),
        ("linked", "the report lies inside the reference"),
        ("models/net/leads_out", "the report lies inside the reference"),
        ("models/net/folder_out/new.json", "the report lies inside the reference"),
        ("out/report.json", "the report lies inside the output folder"),
        ("out", "the report is the output folder"),
        ("plan.json", "the report is also the plan"),
        ("./up/../plan.json", "the report is also the plan"),
    ],
)
def test_a_file_in_the_way_of_something_is_refused_before_anything_is_made(
    report: str, message: str, places: Path
) -> None:
    (places / "hard").hardlink_to(places / "models" / "net" / "__model__")
    (places / "linked").symlink_to("models/net/__model__")
    (places / "elsewhere").mkdir()
    (places / "elsewhere" / "notes").write_bytes(b"years of work")
    (places / "models" / "net" / "leads_out").symlink_to("../../elsewhere/notes")
    (places / "models" / "net" / "folder_out").symlink_to("../../elsewhere")
    before = tree(places)
    with Outputs() as outputs:
        outputs.reads(places / "models" / "net", "the reference")
        outputs.writes_folder(places / "out", "the output folder")
        outputs.writes_file(places / "plan.json", "the plan")
        outputs.writes_file(places / report, "the report")
        with pytest.raises(OptionError, match=message):
            outputs.open()
    assert tree(places) == before


@pytest.mark.parametrize("ignored", [True, False])
def test_names_that_differ_in_case_are_one_where_the_file_system_says_so(
    ignored: bool, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places_module, "_ignores_case", lambda *_: ignored)
    outputs = Outputs()
    outputs.writes_file(places / "plan.json", "the plan")
    outputs.writes_file(places / "PLAN.json", "the report")
    with pytest.raises(OptionError, match="is also") if ignored else nullcontext():
        outputs.check()


@pytest.mark.skipif(sys.platform == "darwin", reason="names ignore case there, or are made to")
def test_whether_a_file_system_ignores_case_is_found_out(places: Path) -> None:
    before = tree(places)
    assert not places_module._ignores_case(places, "plan", "PLAN")
    assert not places_module._ignores_case(places, "same", "same")
    assert tree(places) == before


def test_a_place_that_cannot_be_written_is_refused_before_the_work(places: Path) -> None:
    outputs = Outputs()
    outputs.writes_file(places / "plan.json", "the plan")
    outputs.writes_file(places / "nowhere" / "report.json", "the report")
    with pytest.raises(OutputError, match="cannot write the report: No such file"), outputs:
        outputs.open()
    assert "plan.json" not in tree(places)
    assert not [name for name in os.listdir(places) if name.startswith(".")]


def test_files_are_written_one_by_one_and_what_is_not_written_is_as_it_was(places: Path) -> None:
    with Outputs() as outputs:
        plan = outputs.writes_file(places / "plan.json", "the plan")
        outputs.writes_file(places / "report.json", "the report")
        assert outputs.writes_file(None, "the page") is None
        outputs.reads(None, "the plan file")
        outputs.open()
        assert plan is not None
        plan.write(b"plan")
    assert (places / "plan.json").read_bytes() == b"plan"
    assert sorted(os.listdir(places)) == ["link", "models", "plan.json", "up"]


def test_two_outputs_may_go_to_one_terminal_or_to_dev_null(places: Path) -> None:
    with Outputs() as outputs:
        outputs.writes_file(Path("/dev/null"), "the plan")
        outputs.writes_file(Path("/dev/null"), "the report")
        outputs.open()


def test_where_the_current_folder_was_deleted_a_relative_output_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    outputs = Outputs()
    outputs.writes_folder(Path("out"), "the output folder")
    with pytest.raises(OutputError, match="cannot write the output folder: No such file"):
        outputs.check()

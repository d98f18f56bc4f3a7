"""What opt is given, and what counts as a result: a `.nb` with its header, nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.builders import COMBINED, SEPARATE, Layout, small_model, tree
from tests.core.opt.fakes import GOOD, fake_opt
from weightquant_cli.core.model.model import Model
from weightquant_cli.core.opt.convert import Conversion, convert
from weightquant_cli.errors import ModelError, OutputError


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go; nothing may stay there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Model:
    """A small model in separate files."""
    return small_model().load(tmp_path / "model")


def converted(model: Model, tmp_path: Path, body: str, seconds: float = 60) -> Conversion:
    """What an opt with this body makes of the model; and nothing of it stays."""
    found = convert(model, fake_opt(tmp_path / "bin" / "opt", body), seconds=seconds)
    assert list((tmp_path / "temporary").iterdir()) == []
    return found


def test_a_model_that_converts_has_size_and_version(model: Model, tmp_path: Path) -> None:
    found = converted(model, tmp_path, GOOD)
    opt = tmp_path / "bin" / "opt"
    assert found == Conversion(opt, ("arm",), 37, "2.12", None, "")
    assert found.ok


@pytest.mark.parametrize("layout", [SEPARATE, COMBINED])
def test_opt_is_given_the_program_and_every_parameter(layout: Layout, tmp_path: Path) -> None:
    model = small_model().load(tmp_path / "model", layout)
    copy = (
        f'printf "%s\\n" "$@" >{tmp_path}/arguments\ncp -RL "${{out%/*}}/model" {tmp_path}/seen\n'
    )
    assert converted(model, tmp_path, copy + GOOD).ok
    seen = tree(tmp_path / "seen")
    assert seen.pop("__model__") == model.program.serialize()
    original = tree(tmp_path / "model")
    original.pop(model.files.program)
    assert sorted(seen.values()) == sorted(original.values())
    arguments = (tmp_path / "arguments").read_text().split()
    places = ["--model_dir"] if layout == SEPARATE else ["--model_file", "--param_file"]
    names = [*places, "--optimize_out_type", "--optimize_out", "--valid_targets"]
    assert [argument.partition("=")[0] for argument in arguments] == names
    assert arguments[-1] == "--valid_targets=arm"


@pytest.mark.parametrize(
    "body",
    [
        "exit 0",
        ': >"$out.nb"',
        'echo "something that is no header, but long enough" >"$out.nb"',
        'mkdir "$out.nb"',
        'mkfifo "$out.nb"',
        f'{GOOD}mv "$out.nb" "$out"; ln -s "$out" "$out.nb"',
        f'{GOOD}head -c 26 "$out.nb" >"$out"; mv "$out" "$out.nb"',
        'ln -s /dev/zero "$out.nb"',
        f'{GOOD}mv "$out.nb" "$out"',
    ],
    ids=["none", "empty", "text", "folder", "fifo", "link", "header only", "device", "no suffix"],
)
def test_an_exit_code_of_0_proves_nothing(model: Model, tmp_path: Path, body: str) -> None:
    found = converted(model, tmp_path, f"echo 'all is well'\n{body}")
    assert not found.ok
    assert (found.size, found.version) == (None, None)
    assert found.failure == "wrote no model, though its exit code was 0"
    assert found.said == "all is well"


def test_a_crash_counts_though_there_is_a_file(model: Model, tmp_path: Path) -> None:
    found = converted(model, tmp_path, f"{GOOD}kill -ABRT $$")
    assert (found.ok, found.size, found.failure) == (False, None, "aborted (SIGABRT)")


def test_the_fatal_line_of_the_log_is_told_without_its_head(model: Model, tmp_path: Path) -> None:
    log = "echo '[F 11/24 17:24: 3.502 x.h:118 GetAttr] Check failed: no threshold'; echo bye"
    assert converted(model, tmp_path, f"{log}; exit 134").said == "Check failed: no threshold"


def test_a_line_without_end_is_cut(model: Model, tmp_path: Path) -> None:
    said = converted(model, tmp_path, "yes | tr -d '\\n' | head -c 5000; exit 1").said
    assert (len(said), said[-4:]) == (300, "y...")


def test_what_never_ends_is_stopped(model: Model, tmp_path: Path) -> None:
    found = converted(model, tmp_path, f"{GOOD}sleep 600", 0.3)
    assert found.failure == "was stopped: it took more than 0.3 seconds"


def test_a_model_that_changes_meanwhile_is_no_result(model: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        converted(model, tmp_path, f"{GOOD}echo more >>{tmp_path}/model/conv.w")


def test_the_model_is_left_as_it_is(model: Model, tmp_path: Path) -> None:
    before = tree(tmp_path / "model")
    converted(model, tmp_path, GOOD)
    assert tree(tmp_path / "model") == before


def test_no_place_for_the_temporary_folder_is_an_output_error(
    model: Model, tmp_path: Path, temporary: Path
) -> None:
    shutil.rmtree(temporary)
    with pytest.raises(OutputError, match="cannot make a temporary folder: No such file"):
        convert(model, fake_opt(tmp_path / "bin" / "opt", GOOD))

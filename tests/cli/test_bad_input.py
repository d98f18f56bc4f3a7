"""Bad input: the documented exit code, one clear line, and nothing written."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests import builders
from tests.cli.helpers import Result, run

DIGITS = Path(__file__).resolve().parents[1] / "models" / "digits"
COMBINED = DIGITS.with_name("digits_combined")


@pytest.fixture
def separate(tmp_path: Path) -> Path:
    """A copy of the model with one file per parameter."""
    return shutil.copytree(DIGITS, tmp_path / "model")


@pytest.fixture
def combined(tmp_path: Path) -> Path:
    """A copy of the model with one file for all parameters."""
    return shutil.copytree(COMBINED, tmp_path / "model")


def refused(model: Path, code: int, *words: str, options: tuple[str | Path, ...] = ()) -> Result:
    """Quantizing fails with this code and one line that holds these words; nothing is written."""
    out = model.parent / "out"
    before = builders.tree(model) if model.is_dir() else None
    result = run("quantize", *options, model, out)
    assert result.code == code, result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr
    assert not out.exists()
    assert not list(model.parent.glob(".weightquant*"))
    if before is not None:
        assert builders.tree(model) == before
    return result


def test_no_such_folder(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", 3, "there is no such folder", "nowhere")


def test_a_file_that_is_no_program_in_place_of_the_folder(separate: Path) -> None:
    output = separate.parent / "out"
    result = run("quantize", separate / "conv2d_0.w_0", output)
    assert result.code == 3
    assert "holds parameters, not a program" in result.stderr
    assert not output.exists()


def test_no_model_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", 3, "no model in the folder", "__model__")


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 131098\n"


def test_the_parameter_file_of_a_program_is_missing(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    shutil.copy(COMBINED / "__model__", model / "x.pdmodel")
    words = ("the file that belongs to x.pdmodel is missing: x.pdiparams", "--params-filename")
    assert "conv2d" not in refused(model, 3, *words).stderr


def test_the_program_of_a_parameter_file_is_missing(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    shutil.copy(COMBINED / "__params__", model / "x.pdiparams")
    refused(model, 3, "the program that belongs to x.pdiparams is missing: x.pdmodel or .json")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("model.nb", ["converted by opt already", "give the folder that it was converted from"]),
        ("model.onnx", ["is a model of ONNX", "x2paddle"]),
        ("model.pdparams", ["checkpoint of a training run", "paddle.jit.save"]),
    ],
)
def test_what_people_have_instead_of_a_model(name: str, words: list[str], tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / name).write_bytes(b"\x00something else")
    refused(model, 3, "no model in the folder", name, *words)
    by_file = run("inspect", model / name)
    assert by_file.code == 3
    assert all(word in by_file.stderr for word in words)


def test_the_models_are_in_the_folders_below(tmp_path: Path) -> None:
    models = tmp_path / "models"
    for name in ("a", "b", "c"):
        shutil.copytree(COMBINED, models / name)
    (models / "empty").mkdir()
    (models / "deeper" / "model").mkdir(parents=True)
    (models / "notes.txt").write_text("no model")
    words = ("no model here, but 3 below: a, b, c", f"such as {models / 'a'}")
    refused(models, 3, *words)


@pytest.mark.parametrize("name", ["__model__", "fc_0.w_0"])
def test_a_pointer_of_git_lfs_in_place_of_a_file(name: str, separate: Path) -> None:
    (separate / name).write_bytes(LFS)
    refused(separate, 3, "a Git LFS pointer stands here", name, "git lfs pull")


@pytest.mark.parametrize("name", ["x.json", "x.pdiparams"])
def test_a_pointer_of_git_lfs_in_place_of_a_file_of_paddle_3(name: str, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    shutil.copy(COMBINED / "__model__", model / "x.pdmodel")
    shutil.copy(COMBINED / "__params__", model / "x.pdiparams")
    if name.endswith(".json"):
        (model / "x.pdmodel").unlink()
    (model / name).write_bytes(LFS)
    refused(model, 3, "a Git LFS pointer stands here", name, "git lfs pull")


def test_a_result_larger_than_allowed_says_by_how_much_and_what_would_help(separate: Path) -> None:
    words = ("--max-size 10% allows 23.42 KiB", "the result has 67.45 KiB", "28.8% of the input")
    given = ("--max-size", "10%")
    told = (
        "what is quantized has 8 bits already; 2.16 KiB",
        "weights stay FP32: --dry-run says why",
    )
    refused(separate, 1, *words, *told, options=given)
    wide = ("at 8 bits 6 weights would save 51.", "--max-size allows 19.53 KiB")
    refused(separate, 1, *wide, options=("--max-size", "20KB", "--bits", "16"))


def test_the_plan_of_another_model_names_three_weights_and_a_count(separate: Path) -> None:
    plan = separate.parent / "plan.json"
    run("quantize", "-nq", "--plan-out", plan, separate, separate.parent / "x").ok()
    plan.write_text(plan.read_text().replace('"name": "', '"name": "other_'))
    result = refused(separate, 2, "the plan does not fit", "and 45 more", options=("--plan", plan))
    assert result.stderr.count("is not in the") == 3


@pytest.mark.parametrize("op_type", ["relu", "batch_norm"])
def test_an_operator_type_without_a_weight_that_can_be_quantized(
    op_type: str, separate: Path
) -> None:
    words = (f"unknown operator type '{op_type}'", "Paddle Lite dequantizes the weights of conv2d")
    refused(separate, 2, *words, options=("--op-type", op_type))


def test_a_warning_has_the_program_s_name_too(separate: Path) -> None:
    result = run("quantize", "--include", "fc_0.b_0", separate, separate.parent / "out")
    assert result.code == 1
    assert result.stderr.startswith("weightquant: error: no weight would be quantized")
    result = run("export-opt", separate)
    assert result.stderr.splitlines()[-1].startswith("weightquant: warning: ")


def test_two_candidates(separate: Path) -> None:
    shutil.copy(separate / "__model__", separate / "other.pdmodel")
    refused(separate, 3, "__model__", "other.pdmodel", "--model-filename")
    run(
        "quantize", "-q", "--model-filename", "__model__", separate, separate.parent / "chosen"
    ).ok()


def test_program_and_parameters_swapped(combined: Path) -> None:
    swapped = ("--model-filename", "__params__", "--params-filename", "__model__")
    refused(combined, 3, "swapped", "__params__", options=swapped)


def test_a_separate_model_given_a_combined_name(separate: Path) -> None:
    given = ("--params-filename", "fc_0.w_0")
    refused(separate, 3, "fc_0.w_0", "leave out --params-filename", options=given)


def test_a_combined_model_whose_name_is_not_given(combined: Path) -> None:
    (combined / "__params__").rename(combined / "values.bin")
    refused(combined, 3, "no file for 24 of 24 parameters", "--params-filename")
    run("quantize", "-q", "--params-filename", "values.bin", combined, combined.parent / "out").ok()


def test_a_combined_name_that_is_not_there(separate: Path) -> None:
    refused(separate, 3, "no such parameter file", options=("--params-filename", "nothing"))


@pytest.mark.parametrize("lost", [1, 1000, 211000])
def test_a_truncated_combined_file(lost: int, combined: Path) -> None:
    path = combined / "__params__"
    os.truncate(path, path.stat().st_size - lost)
    refused(combined, 3, "__params__", "offset")


def test_an_over_long_combined_file(combined: Path) -> None:
    with (combined / "__params__").open("ab") as stream:
        stream.write(b"\0")
    refused(combined, 3, "bytes are left after the program's 24 parameters", "212101")


def test_a_truncated_and_an_over_long_separate_file(separate: Path) -> None:
    path = separate / "fc_0.w_0"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    refused(separate, 3, "fc_0.w_0", "too short", "131072", "131071")
    path.write_bytes(whole + b"\0")
    refused(separate, 3, "fc_0.w_0", "bytes are left after the parameter's record")


def test_shapes_that_differ_from_the_program_s(separate: Path) -> None:
    (separate / "fc_1.w_0").write_bytes(builders.record(builders.normal(10, 32)))
    refused(separate, 3, "fc_1.w_0", "shape differs", "expected [32, 10]", "found [10, 32]")


def test_missing_parameter_files_are_all_listed(separate: Path) -> None:
    missing = ["conv2d_0.w_0", "fc_0.b_0", "fc_1.w_0"]
    for name in missing:
        (separate / name).unlink()
    refused(separate, 3, "no file for 3 of 24 parameters", *missing)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("jobs", ["1", "4"])
def test_a_value_that_is_not_finite(value: float, jobs: str, separate: Path) -> None:
    weight = builders.read_arrays(separate)["conv2d_2.w_0"].copy()
    weight[3, 5, 1, 2] = value
    (separate / "conv2d_2.w_0").write_bytes(builders.record(weight))
    refused(
        separate, 3, "conv2d_2.w_0", "not finite", "index [3, 5, 1, 2]", options=("--jobs", jobs)
    )
    run("quantize", "-q", "--exclude", "conv2d_2.w_0", separate, separate.parent / "without").ok()


def test_an_already_quantized_model(separate: Path) -> None:
    run("quantize", "-q", separate, separate.parent / "once").ok()
    refused(separate.parent / "once", 3, "quantized already", "6 of 24 weights")


def test_a_damaged_json_program_of_paddle_3(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "inference.json").write_text('{"base_code": {"magic": "pir"}}')
    (model / "inference.pdiparams").write_bytes(b"")
    refused(model, 3, "inference.json", "not a Paddle program (PIR)")
    given = ("--model-filename", "inference.json")
    refused(model, 3, "inference.json", "not a Paddle program (PIR)", options=given)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x12\xff", b"\x0a\x02\x08\x05"])
def test_a_program_that_is_none(content: bytes, separate: Path) -> None:
    (separate / "__model__").write_bytes(content)
    refused(separate, 3, "__model__")


@pytest.mark.parametrize(
    ("place", "relation"),
    [("model", "is the input folder"), ("model/out", "lies inside"), (".", "contains")],
)
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_an_output_that_overlaps_the_input(
    place: str, relation: str, force: tuple[str, ...], separate: Path
) -> None:
    before = builders.tree(separate.parent)
    result = run("quantize", *force, separate, separate.parent / place)
    assert result.code == 2
    assert relation in result.stderr
    assert builders.tree(separate.parent) == before


def test_an_existing_output_without_force(separate: Path) -> None:
    out = separate.parent / "out"
    out.mkdir()
    (out / "file").write_text("precious")
    result = run("quantize", separate, out)
    assert result.code == 4
    assert "exists already" in result.stderr
    assert builders.tree(out) == {"file": b"precious"}


def test_an_output_that_is_a_file(separate: Path) -> None:
    out = separate.parent / "out"
    out.write_text("precious")
    assert run("quantize", "--force", separate, out).code == 4
    assert out.read_text() == "precious"


def test_an_output_where_nothing_can_be_written(separate: Path) -> None:
    out = separate.parent / "file"
    out.write_text("precious")
    result = run("quantize", separate, out / "below")
    assert result.code == 4
    assert len(result.stderr.splitlines()) == 1


def test_names_in_messages_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    model = builders.ModelBuilder()
    x = model.input("x", (-1, 4))
    model.mul(x, "w\x1b]0;title\x07\x9b2J\n", np.full((4, 4), np.nan, "float32"))
    folder = model.write(tmp_path / "model", builders.COMBINED)
    result = run("quantize", folder, tmp_path / "out")
    assert result.code == 3
    assert "\x1b" not in result.stderr
    assert "\x9b" not in result.stderr
    assert len(result.stderr.splitlines()) == 1
    listed = run("quantize", "-n", folder, tmp_path / "out")
    assert not set("\x1b\x07\x9b") & set(listed.stdout)


def test_an_unknown_command_or_option_is_a_usage_error() -> None:
    for arguments in (["quantise"], ["quantize"], ["quantize", "--bitz", "8", "a", "b"]):
        result = run(*arguments)
        assert result.code == 2
        assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("name", ["out.tar", "out.pdmodel", "out.NB"])
def test_a_file_s_name_in_place_of_the_output_folder(name: str, separate: Path) -> None:
    result = run("quantize", separate, separate.parent / name)
    assert result.code == 2
    assert "OUTPUT_DIR is a folder, and this is the name of a file" in result.stderr
    assert result.stderr.endswith("/out\n")
    (separate.parent / name).mkdir()
    assert run("quantize", "-n", separate, separate.parent / name).code in (0, 4)


def test_patterns_separated_by_commas(separate: Path) -> None:
    options = ("--exclude", "fc_0*,fc_1.w_0")
    refused(separate, 2, "matches no weight; give the option once for each", options=options)


def test_biases_and_norms_are_called_that_in_a_pipe(separate: Path) -> None:
    for call in (("inspect",), ("inspect", "--format", "csv"), ("quantize", "-n")):
        out = [separate.parent / "out"] if "-n" in call else []
        told = run(*call, separate, *out).ok().stdout
        assert told.count("it is a bias or norm (batch_norm)") == 16
        assert "no weight that can be" not in told

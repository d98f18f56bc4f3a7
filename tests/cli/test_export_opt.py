"""`weightquant export-opt`: what it writes where, what it refuses, what it says."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.builders import ModelBuilder, normal
from tests.cli.helpers import run, run_process, shell
from tests.core.opt_script.script_runs import listing, place_opt

DIGITS = Path(__file__).parents[1] / "models" / "digits"
SCRIPT = "convert_to_lite.sh"
OUTPUT = "save_infer_model/scale_0.tmp_0"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quantized model."""
    folder = tmp_path_factory.mktemp("quantized") / "digits"
    run("quantize", "-q", DIGITS, folder).ok()
    return folder


@pytest.fixture
def model(original: Path, tmp_path: Path) -> Path:
    """A quantized model of this test's own."""
    return Path(shutil.copytree(original, tmp_path / "digits"))


def test_writes_an_executable_script_beside_the_model(model: Path) -> None:
    before = listing(model)
    result = run("export-opt", model).done()
    assert result.stdout == f"wrote {model}/{SCRIPT}, which makes digits.nb\n"
    assert listing(model) == {*before, SCRIPT}
    assert os.access(model / SCRIPT, os.X_OK)


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o755), (0o077, 0o700), (0, 0o755)])
def test_the_umask_is_obeyed(model: Path, mask: int, mode: int) -> None:
    with _umask(mask):
        run("export-opt", model).done()
    assert stat.S_IMODE((model / SCRIPT).stat().st_mode) == mode


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def test_quiet_says_nothing(model: Path) -> None:
    assert run("export-opt", "-q", model).ok().stdout == ""


def test_a_dash_prints_the_same_script(model: Path) -> None:
    before = listing(model)
    shown = run("export-opt", "-o", "-", model).done()
    assert listing(model) == before
    run("export-opt", model).done()
    assert (model / SCRIPT).read_bytes() == shown.out


def test_the_script_in_a_pipe_is_for_the_models_own_folder(model: Path, tmp_path: Path) -> None:
    opt = place_opt(tmp_path / "opt")
    result = shell(f"weightquant export-opt -o - . | OPT={opt} sh", cwd=model)
    assert (result.code, result.stdout.startswith(f"wrote {model}/digits.nb (")) == (0, True)


def test_quantize_export_and_convert_in_one_line(tmp_path: Path) -> None:
    opt = place_opt(tmp_path / "opt")
    line = (
        f'weightquant quantize "$1" out && weightquant export-opt out && OPT={opt} sh out/{SCRIPT}'
    )
    result = shell(line, DIGITS, cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert "out.nb" in listing(tmp_path / "out")


def test_json_says_what_was_written(model: Path) -> None:
    document = run("export-opt", "--json", "--optimize-out", "lite/x", model).ok().json
    assert document == {
        "schema": "weightquant.export-opt",
        "version": 1,
        "tool_version": document["tool_version"],
        "script": f"{model}/{SCRIPT}",
        "input": {
            "folder": str(model),
            "program": "__model__",
            "params": None,
            "layout": "separate",
            "quantized_weights": 6,
        },
        "optimize_out": "lite/x.nb",
        "optimize_out_type": "naive_buffer",
        "valid_targets": ["arm"],
        "inputs": [{"name": "image", "dtype": "FP32", "shape": [-1, 1, 8, 8]}],
        "outputs": [{"name": OUTPUT, "dtype": "FP32", "shape": [-1, 10]}],
    }


def test_warns_of_a_model_that_is_not_quantized_and_exports_it(tmp_path: Path) -> None:
    result = run("export-opt", "-o", tmp_path / "x.sh", DIGITS)
    assert result.code == 0
    assert result.stderr.splitlines()[2] == (
        "weightquant: warning: the model holds no quantized weights; "
        "the script converts it as it is"
    )
    assert listing(tmp_path) == {"x.sh"}
    assert run("export-opt", "-q", "-o", tmp_path / "x.sh", DIGITS).ok()


def test_inputs_and_outputs_are_told_on_stderr_and_in_the_script(model: Path) -> None:
    result = run("export-opt", "-o", "-", model)
    ports = ["input image FP32 ?x1x8x8", f"output {OUTPUT} FP32 ?x10"]
    assert [" ".join(line.split()) for line in result.stderr.splitlines()] == ports
    comments = [" ".join(line.split()) for line in result.lines if line.startswith("#")]
    assert [line for line in comments if "FP32" in line] == [f"# {port}" for port in ports]


def test_the_name_of_an_input_is_a_comment_whatever_it_is(tmp_path: Path) -> None:
    builder = ModelBuilder()
    name = "x\ntouch hacked\n\x1b[31m'"
    builder.fetch(builder.mul(builder.input(name, (-1, 4)), "w", normal(4, 4)))
    builder.write(tmp_path / "model")
    script = run("export-opt", "-o", "-", tmp_path / "model").stdout
    assert r"x\ntouch hacked\n\x1b[31m' FP32 ?x4" in script
    subprocess.run(["sh", "-c", script], cwd=tmp_path, check=False)
    assert listing(tmp_path) == {"model"}


def test_replaces_its_own_script(model: Path) -> None:
    run("export-opt", model).done()
    run("export-opt", "--optimize-out", "other", model).done()
    assert b"other.nb" in (model / SCRIPT).read_bytes()


def test_refuses_to_replace_another_file_unless_forced(model: Path) -> None:
    (model / SCRIPT).write_text("#!/bin/sh\n# mine\n")
    before = listing(model)
    result = run("export-opt", model)
    assert result.code == 4
    assert "--force" in result.stderr
    assert (model / SCRIPT).read_text() == "#!/bin/sh\n# mine\n"
    assert listing(model) == before
    run("export-opt", "--force", model).done()
    assert b"weightquant export-opt" in (model / SCRIPT).read_bytes()


def test_replaces_a_link_and_not_what_it_leads_to(model: Path, tmp_path: Path) -> None:
    (tmp_path / "target").write_text("mine")
    (model / SCRIPT).symlink_to(tmp_path / "target")
    assert run("export-opt", model).code == 4
    run("export-opt", "-f", model).done()
    assert (tmp_path / "target").read_text() == "mine"
    assert not (model / SCRIPT).is_symlink()


def test_refuses_what_is_no_file_even_when_forced(model: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for place in (tmp_path, tmp_path / "fifo", Path("/dev/null")):
        result = run("export-opt", "--force", "-o", place, model)
        assert (result.code, "not a file" in result.stderr) == (4, True)
    assert stat.S_ISFIFO((tmp_path / "fifo").stat().st_mode)


@pytest.mark.parametrize("name", ["__model__", "fc_0.w_0"])
def test_never_overwrites_the_model(model: Path, name: str) -> None:
    before = (model / name).read_bytes()
    result = run("export-opt", "--force", "-o", model / name, model)
    assert (result.code, "file of the model" in result.stderr) == (2, True)
    assert (model / name).read_bytes() == before


def test_says_that_the_scripts_folder_is_missing(model: Path, tmp_path: Path) -> None:
    result = run("export-opt", "-o", tmp_path / "no" / "x.sh", model)
    assert result.code == 4
    assert len(result.stderr.splitlines()) == 1
    assert "cannot write the script: No such file or directory" in result.stderr


def test_stdout_cannot_hold_both_script_and_json(model: Path) -> None:
    result = run("export-opt", "-o", "-", "--json", model)
    assert (result.code, result.json["schema"]) == (2, "weightquant.error")
    assert "would both write to stdout" in result.json["error"]["message"]


@pytest.mark.parametrize("name", ["", ".nb", "folder/", "..", "x\0y", "x" * 253])
def test_refuses_an_output_without_a_name(model: Path, name: str) -> None:
    result = run("export-opt", "--optimize-out", name, model)
    assert (result.code, result.stdout) == (2, "")
    assert SCRIPT not in listing(model)


def test_a_model_that_is_none_is_refused(tmp_path: Path) -> None:
    result = run("export-opt", tmp_path)
    assert (result.code, listing(tmp_path)) == (3, set())


def test_names_that_are_not_utf8_keep_their_bytes(original: Path, tmp_path: Path) -> None:
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copytree(original, folder)
    result = run_process("export-opt", folder).done()
    assert b"caf\\udce9" in result.out
    assert rb"caf\351.nb.')" in (folder / SCRIPT).read_bytes()
    assert rb"caf\351.nb.')" in run_process("export-opt", "-o", "-", folder).done().out


def test_the_printed_script_does_not_depend_on_the_locale(model: Path) -> None:
    shown = run("export-opt", "-o", "-", "--optimize-out", "中文", model, encoding="ascii").done()
    assert "name='中文.nb'\n".encode() in shown.out


def test_a_script_without_a_model_to_convert_says_so(model: Path, tmp_path: Path) -> None:
    """As when stdout was saved elsewhere."""
    opt = place_opt(tmp_path / "opt")
    script = tmp_path / "lost.sh"
    script.write_bytes(run("export-opt", "-o", "-", model).done().out)
    done = subprocess.run(
        ["sh", script], env={"PATH": os.environ["PATH"], "OPT": str(opt)}, capture_output=True
    )
    assert done.returncode == 1
    assert f"no model: there is no {tmp_path}/__model__" in done.stderr.decode()


def test_the_targets_are_those_asked_for_in_their_order(model: Path) -> None:
    told = ("export-opt", "--valid-targets", "opencl,arm", "-o", "-", model)
    script = run(*told).stdout
    assert "--valid_targets=opencl,arm >&2" in script
    assert "(for opencl,arm)" in script
    assert "prefer_int8" not in script


@pytest.mark.parametrize("targets", ["", "ARM", "arm, opencl", "arm;id", "metal", "arm,arm"])
def test_targets_that_opt_does_not_take_are_usage_errors(model: Path, targets: str) -> None:
    result = run("export-opt", "--valid-targets", targets, model)
    assert result.code == 2
    assert "--valid-targets" in result.stderr
    assert not (model / "convert_to_lite.sh").exists()

"""The script that `export-opt` writes, run by dash, bash and busybox with a fake opt."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.cli.helpers import run
from tests.core.opt.test_process import assert_gone
from tests.core.opt_script.script_runs import (
    FAKE_OPT,
    SHELLS,
    SHELLS_THAT_STOP,
    interruptible,
    listing,
    place_opt,
    run_script,
    shell_command,
    toolbox,
)
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    make_plan,
    quantize,
)

DIGITS = Path(__file__).parents[2] / "models" / "digits"

NAMES = (
    "plain",
    "with  blanks ",
    "it's",
    'double"quote',
    "$(touch owned)",
    "$HOME and ${x}",
    "`touch owned`",
    "back\\slash\\",
    "line\nbreak\n",
    "-n",
    "--model_dir=x",
    "*?[a]",
    "量化模型",
    "“引号”",
    "a;b&c|d<e>f(g)",
    "~",
    "#",
    "%s%n",
)


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> list[str]:
    """One of the shells."""
    return shell_command(request.param)


@pytest.fixture(params=[*SHELLS, *SHELLS_THAT_STOP])
def any_shell(request: pytest.FixtureRequest) -> list[str]:
    """One of the shells, also with the option to stop at the first failure."""
    return shell_command(request.param)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A folder for PATH with the fake opt in it."""
    return toolbox(tmp_path / "toolbox", "paddle_lite_opt")


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Quantized models: combined, separate, and separate beside a program of another name."""
    home = tmp_path_factory.mktemp("quantized")
    model = Model.load(DIGITS)
    plan = make_plan(model, QuantizeOptions())
    for output in (
        OutputOptions(home / "combined", "det.pdmodel", "det.pdiparams"),
        OutputOptions(home / "separate", "__model__", separate=True),
        OutputOptions(home / "renamed", "inference.pdmodel", separate=True),
    ):
        quantize(model, plan, output)
    return home


@pytest.fixture
def combined(originals: Path, tmp_path: Path) -> Path:
    """A combined model of this test's own."""
    return Path(shutil.copytree(originals / "combined", tmp_path / "model"))


def export(*arguments: str | Path, cwd: Path | None = None) -> None:
    run("export-opt", "-q", *arguments, cwd=cwd).ok()


@pytest.mark.parametrize("name", NAMES)
def test_converts_in_a_folder_of_any_name(
    shell: list[str], path: Path, originals: Path, tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "here" / name
    shutil.copytree(originals / "separate", folder)
    export("--", name, cwd=folder.parent)
    result = run_script(shell, folder / "convert_to_lite.sh", path=path, cwd=tmp_path)
    nb = folder / f"{name}.nb"
    assert result.code == 0, result.stderr
    assert nb.read_bytes() == (folder / "__model__").read_bytes()
    assert result.stdout == f"wrote {nb} ({nb.stat().st_size} bytes)\n"
    assert not list(tmp_path.rglob("owned"))
    assert listing(folder) == {
        *listing(originals / "separate"),
        "convert_to_lite.sh",
        nb.name,
    }


@pytest.mark.parametrize("layout", ["combined", "separate", "renamed"])
@pytest.mark.parametrize("kind", ["naive_buffer", "protobuf"])
def test_converts_every_layout(
    any_shell: list[str], path: Path, originals: Path, tmp_path: Path, layout: str, kind: str
) -> None:
    folder = Path(shutil.copytree(originals / layout, tmp_path / "m"))
    export("--optimize-out-type", kind, "--optimize-out", "lite/x", folder)
    result = run_script(any_shell, folder / "convert_to_lite.sh", path=path)
    assert result.code == 0, result.stderr
    program = {"combined": "det.pdmodel", "separate": "__model__", "renamed": "inference.pdmodel"}
    if kind == "naive_buffer":
        written = folder / "lite" / "x.nb"
    else:
        written = folder / "lite" / "x" / "model"
        assert listing(folder / "lite" / "x") == {"model", "params"}
    assert len(listing(folder / "lite")) == 1
    assert written.read_bytes() == (folder / program[layout]).read_bytes()


@pytest.mark.parametrize(
    ("layout", "model"),
    [
        ("combined", ["--model_file=./det.pdmodel", "--param_file=./det.pdiparams"]),
        ("separate", ["--model_dir=."]),
    ],
)
def test_gives_opt_these_arguments_and_no_others(
    path: Path, originals: Path, tmp_path: Path, layout: str, model: list[str]
) -> None:
    folder = Path(shutil.copytree(originals / layout, tmp_path / "m"))
    log = tmp_path / "log"
    export(folder)
    run_script(
        shell_command("dash"),
        folder / "convert_to_lite.sh",
        path=path,
        env={"FAKE_OPT_LOG": str(log)},
    )
    _, where, *arguments = log.read_text().splitlines()
    assert Path(where).resolve() == folder.resolve()
    out = arguments.pop(-2)
    assert out.startswith("--optimize_out=./.convert_to_lite.")
    assert out.endswith("/model")
    assert arguments == [
        *model,
        "--optimize_out_type=naive_buffer",
        "--valid_targets=arm",
    ]


@pytest.mark.parametrize("how", ["absolute", "relative", "inside", "from below"])
def test_is_called_from_anywhere(
    shell: list[str], path: Path, combined: Path, tmp_path: Path, how: str
) -> None:
    export(combined)
    script, cwd = {
        "absolute": (combined / "convert_to_lite.sh", Path("/")),
        "relative": (Path("model/convert_to_lite.sh"), tmp_path),
        "inside": (Path("convert_to_lite.sh"), combined),
        "from below": (Path("../model/convert_to_lite.sh"), path),
    }[how]
    env = {"CDPATH": f"{tmp_path}:/tmp"}
    result = run_script(shell, script, path=path, cwd=cwd, env=env)
    assert (result.code, result.stdout) == (
        0,
        f"wrote {combined}/det.nb ({_size(combined)} bytes)\n",
    )


def _size(folder: Path) -> int:
    return (folder / "det.nb").stat().st_size


def test_is_run_as_a_program(path: Path, combined: Path) -> None:
    export(combined)
    assert run_script([], combined / "convert_to_lite.sh", path=path).code == 0


def test_is_moved_together_with_its_model(
    shell: list[str], path: Path, combined: Path, tmp_path: Path
) -> None:
    export(combined)
    moved = tmp_path / "some where" / "else"
    moved.parent.mkdir()
    combined.rename(moved)
    assert run_script(shell, moved / "convert_to_lite.sh", path=path, cwd=Path("/")).code == 0
    assert "det.nb" in listing(moved)


def test_finds_the_model_from_another_folder(
    shell: list[str], path: Path, combined: Path, tmp_path: Path
) -> None:
    (tmp_path / "tools").mkdir()
    export("-o", "tools/lite.sh", "--optimize-out", "../out/x.nb", "model", cwd=tmp_path)
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("tools", "model"):
        (tmp_path / name).rename(moved / name)
    result = run_script(shell, moved / "tools" / "lite.sh", path=path, cwd=Path("/"))
    assert result.code == 0, result.stderr
    assert listing(moved / "out") == {"x.nb"}


def test_writes_to_an_absolute_place(
    shell: list[str], path: Path, combined: Path, tmp_path: Path
) -> None:
    export("--optimize-out", str(tmp_path / "far" / "away"), combined)
    result = run_script(shell, combined / "convert_to_lite.sh", path=path)
    assert result.stdout.startswith(f"wrote {tmp_path}/far/away.nb (")


def test_follows_links_to_itself(
    shell: list[str], path: Path, combined: Path, tmp_path: Path
) -> None:
    export(combined)
    links = tmp_path / "links\n"
    links.mkdir()
    (links / "one\n").symlink_to("two")
    (links / "two").symlink_to(combined / "convert_to_lite.sh")
    result = run_script(shell, "one\n", path=path, cwd=links)
    assert (result.code, result.stderr.count("error")) == (0, 0), result.stderr
    assert "det.nb" in listing(combined)


def test_is_found_through_a_link_to_its_folder(
    shell: list[str], path: Path, combined: Path, tmp_path: Path
) -> None:
    (tmp_path / "tools").mkdir()
    export("-o", tmp_path / "tools" / "x.sh", combined)
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "link").symlink_to(tmp_path / "tools")
    result = run_script(shell, tmp_path / "deep/er/link/x.sh", path=path)
    assert result.code == 0, result.stderr


@pytest.mark.parametrize("name", ["opt", "paddle_lite_opt"])
def test_finds_opt_on_the_path(shell: list[str], combined: Path, tmp_path: Path, name: str) -> None:
    export(combined)
    path = toolbox(tmp_path / "tools", name)
    assert run_script(shell, combined / "convert_to_lite.sh", path=path).code == 0


def test_prefers_the_name_that_no_other_program_has(
    shell: list[str], path: Path, combined: Path
) -> None:
    """`opt` is also the name of LLVM's optimizer."""
    export(combined)
    (path / "opt").write_text("#!/bin/sh\nexit 1\n")
    (path / "opt").chmod(0o755)
    assert run_script(shell, combined / "convert_to_lite.sh", path=path).code == 0


def test_takes_no_opt_that_is_another_program(
    any_shell: list[str], combined: Path, tmp_path: Path
) -> None:
    export(combined)
    path = toolbox(tmp_path / "tools")
    llvm = path / "opt"
    llvm.write_text("#!/bin/sh\necho 'OVERVIEW: llvm .bc -> .bc modular optimizer'\n")
    llvm.chmod(0o755)
    result = run_script(any_shell, combined / "convert_to_lite.sh", path=path)
    assert (result.code, result.stdout) == (127, "")
    assert result.stderr.endswith(
        f"{llvm} is not Paddle Lite's: set OPT to the path of Paddle Lite's opt\n"
    )


@pytest.mark.parametrize("how", ["absolute", "relative", "on PATH", "relative PATH"])
def test_takes_opt_from_the_environment(
    shell: list[str], combined: Path, tmp_path: Path, how: str
) -> None:
    export(combined)
    tools = toolbox(tmp_path / "tools")
    opt = place_opt(tmp_path / "my $opt's" / "opt 2.12")
    value, path = {
        "absolute": (str(opt), str(tools)),
        "relative": ("./my $opt's/opt 2.12", str(tools)),
        "on PATH": (opt.name, f"{tools}:{opt.parent}"),
        "relative PATH": (opt.name, f"{tools}:my $opt's"),
    }[how]
    result = run_script(
        shell, combined / "convert_to_lite.sh", path=path, env={"OPT": value}, cwd=tmp_path
    )
    assert result.code == 0, result.stderr


@pytest.mark.parametrize("opt", ["", "nowhere", "/nowhere/opt", "/", "data"])
def test_says_that_there_is_no_opt(
    shell: list[str], combined: Path, tmp_path: Path, opt: str
) -> None:
    export(combined)
    tools = toolbox(tmp_path / "tools")
    (tmp_path / "data").write_text("no program")
    value = str(tmp_path / opt) if opt == "data" else opt
    result = run_script(shell, combined / "convert_to_lite.sh", path=tools, env={"OPT": value})
    assert result.code == 127
    assert len(result.stderr.splitlines()) == 1
    assert "OPT" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("failure", ["silent", "empty", "abort"])
@pytest.mark.parametrize("kind", ["naive_buffer", "protobuf"])
def test_leaves_an_old_output_alone_when_opt_fails(
    any_shell: list[str], path: Path, combined: Path, failure: str, kind: str
) -> None:
    export("--optimize-out-type", kind, combined)
    script = combined / "convert_to_lite.sh"
    assert run_script(any_shell, script, path=path).code == 0
    before = _contents(combined)
    result = run_script(any_shell, script, path=path, env={"FAKE_OPT": failure})
    assert result.code == 1
    assert result.stdout == ""
    assert "opt wrote no model" in result.stderr.splitlines()[-1]
    assert str(path) in result.stderr
    assert _contents(combined) == before


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_leaves_nothing_behind_when_stopped(
    any_shell: list[str], path: Path, combined: Path, tmp_path: Path, number: signal.Signals
) -> None:
    export(combined)
    before = _contents(combined)
    log = tmp_path / "log"
    with subprocess.Popen(
        interruptible([*any_shell, combined / "convert_to_lite.sh"]),
        env={"PATH": str(path), "FAKE_OPT": "hang", "FAKE_OPT_LOG": str(log)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        opt = _wait_for_number(log)
        process.send_signal(number)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert out == b""
    assert _contents(combined) == before
    assert_gone(opt)


def _wait_for_number(path: Path) -> int:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if path.exists() and (text := path.read_text()).endswith("\n"):
            return int(text)
        time.sleep(0.01)
    raise AssertionError("opt was not started")


def test_replaces_an_old_output(shell: list[str], path: Path, combined: Path) -> None:
    export(combined)
    (combined / "det.nb").write_text("old")
    assert run_script(shell, combined / "convert_to_lite.sh", path=path).code == 0
    assert (combined / "det.nb").read_bytes() == (combined / "det.pdmodel").read_bytes()


@pytest.mark.parametrize("name", ["x", "x.nb"])
def test_the_suffix_is_there_once(shell: list[str], path: Path, combined: Path, name: str) -> None:
    export("--optimize-out", name, combined)
    run_script(shell, combined / "convert_to_lite.sh", path=path)
    assert "x.nb" in listing(combined)


@pytest.mark.parametrize(("kind", "occupied"), [("naive_buffer", "x.nb/"), ("protobuf", "x")])
def test_refuses_an_output_of_another_kind(
    shell: list[str], path: Path, combined: Path, kind: str, occupied: str
) -> None:
    export("--optimize-out", "x", "--optimize-out-type", kind, combined)
    if occupied.endswith("/"):
        (combined / occupied).mkdir()
    else:
        (combined / occupied).write_text("a file")
    before = _contents(combined)
    result = run_script(shell, combined / "convert_to_lite.sh", path=path)
    assert result.code == 1
    assert "in the output's place" in result.stderr
    assert _contents(combined) == before


@pytest.mark.parametrize("missing", ["det.pdmodel", "det.pdiparams"])
def test_says_which_file_of_the_model_is_missing(
    any_shell: list[str], path: Path, combined: Path, missing: str
) -> None:
    export(combined)
    (combined / missing).unlink()
    result = run_script(any_shell, combined / "convert_to_lite.sh", path=path)
    assert result.code == 1
    assert result.stderr.endswith(f"no model: there is no {combined}/{missing}\n")


def test_cannot_make_a_folder_where_there_is_a_file(
    shell: list[str], path: Path, combined: Path
) -> None:
    export("--optimize-out", "file/x", combined)
    (combined / "file").write_text("in the way")
    result = run_script(shell, combined / "convert_to_lite.sh", path=path)
    assert result.code == 1
    assert result.stderr.endswith(f"cannot make the folder of {combined}/file/x.nb\n")


def test_takes_no_arguments(shell: list[str], path: Path, combined: Path) -> None:
    export(combined)
    result = run_script(shell, combined / "convert_to_lite.sh", "x.nb", path=path)
    assert result.code == 2
    assert "takes no arguments" in result.stderr


def test_prints_one_line_and_passes_on_what_opt_says(
    shell: list[str], path: Path, combined: Path
) -> None:
    export(combined)
    result = run_script(shell, combined / "convert_to_lite.sh", path=path)
    assert len(result.lines) == 1
    assert result.stderr == "Loading topology data from ./det.pdmodel\n"


def test_the_fake_opt_is_one_of_opts_kind() -> None:
    done = subprocess.run([FAKE_OPT, "--prefer_int8_kernel=true"], capture_output=True)
    assert (done.returncode, subprocess.run([FAKE_OPT]).returncode) == (2, 0)

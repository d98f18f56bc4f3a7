"""What users install: sdist and wheel are built, looked into, and installed by pip, pipx and uv.

Needs PyPI, and is no part of the suite: `pytest -m packaging`.
"""

from __future__ import annotations

import email
import email.message
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import weightquant_cli

pytestmark = pytest.mark.packaging

ROOT = Path(__file__).resolve().parents[1]
DIGITS = ROOT / "tests" / "models" / "digits"
VERSION = weightquant_cli.__version__
SHARED = f"weightquant-{VERSION}.data/data/share/"
TOPS = ("weightquant_cli/", "tests/", "completions/", "man/", ".ci/", ".docs/", ".github/")


def call(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command that must succeed, without our source on its path; what it printed."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env={**kept, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ours(folder: str) -> list[str]:
    """The files below `folder` that git tracks or would."""
    options = ("--cached", "--others", "--exclude-standard")
    return call("git", "ls-files", *options, folder, cwd=ROOT).splitlines()


def new_environment(folder: Path) -> Path:
    """The `bin` of a new virtual environment with pip."""
    venv.create(folder, with_pip=True, symlinks=True)
    return folder / "bin"


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an sdist, and of the wheel that was built from it in isolation."""
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> Path:
    (found,) = dist.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def names_in_wheel(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        name = f"weightquant-{VERSION}.dist-info/METADATA"
        return email.message_from_bytes(archive.read(name))


def assert_quantizes(weightquant: Path, folder: Path) -> None:
    """The installed command says its version and quantizes a model, far from our source."""
    folder.mkdir()
    said = call(weightquant, "--version", cwd=folder)
    assert said.split()[-1] == VERSION
    call(weightquant, "quantize", DIGITS, "out", cwd=folder)
    call(weightquant, "dequantize-check", "-q", "--reference", DIGITS, "out", cwd=folder)


def test_both_are_pure_python_and_named_after_the_version(dist: Path) -> None:
    assert {path.name for path in dist.iterdir()} == {
        f"weightquant-{VERSION}.tar.gz",
        f"weightquant-{VERSION}-py3-none-any.whl",
    }


def test_the_wheel_holds_the_whole_package_and_nothing_else(names_in_wheel: set[str]) -> None:
    tracked = ours("weightquant_cli")
    schemas = [path.name for path in (ROOT / "weightquant_cli" / "schemas").iterdir()]
    assert len(schemas) == 6
    for needed in (
        *("py.typed", "formats/framework.proto", "formats/framework_pb2.py"),
        *("cli/output/page/page.html", "cli/output/page/page.js"),
        *(f"schemas/{name}" for name in schemas),
    ):
        assert f"weightquant_cli/{needed}" in tracked
    own = {name for name in names_in_wheel if not name.startswith(f"weightquant-{VERSION}.")}
    assert own == set(tracked)


def test_the_wheel_holds_man_pages_and_completions(names_in_wheel: set[str]) -> None:
    pages = {f"{SHARED}man/man1/{path.name}" for path in (ROOT / "man").glob("*.1")}
    completions = {
        f"{SHARED}bash-completion/completions/weightquant",
        f"{SHARED}zsh/site-functions/_weightquant",
        f"{SHARED}fish/vendor_completions.d/weightquant.fish",
    }
    assert len(pages) == 5
    assert {name for name in names_in_wheel if ".data/" in name} == pages | completions


def test_the_metadata_says_what_is_needed(wheel: Path) -> None:
    found = metadata(wheel)
    assert (found["Name"], found["Version"]) == ("weightquant", VERSION)
    assert found["Requires-Python"] == ">=3.10"
    assert found["License-Expression"] == "Apache-2.0"
    assert found["Description-Content-Type"] == "text/markdown"
    classifiers = found.get_all("Classifier", [])
    assert "Typing :: Typed" in classifiers
    needed = [line for line in found.get_all("Requires-Dist", []) if "extra ==" not in line]
    names = {Requirement(line).name for line in needed}
    assert names == {"click", "numpy", "protobuf", "rich", "tqdm"}


def test_the_sdist_holds_what_is_tracked(dist: Path) -> None:
    with tarfile.open(dist / f"weightquant-{VERSION}.tar.gz") as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames() if "/" in name}
    expected = {name for name in ours(".") if name.startswith(TOPS)}
    assert expected <= names
    assert names - expected == {"PKG-INFO", "README.md", "LICENSE", "pyproject.toml", ".gitignore"}


def test_pip_installs_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    tools = new_environment(tmp_path / "env")
    call(tools / "pip", "install", "-q", wheel, cwd=tmp_path)
    assert_quantizes(tools / "weightquant", tmp_path / "work")
    share = tmp_path / "env" / "share"
    assert (share / "man/man1/weightquant.1").read_text() == (
        ROOT / "man/weightquant.1"
    ).read_text()
    installed = call(tools / "pip", "list", "--format=freeze", cwd=tmp_path).lower()
    assert "pytest" not in installed
    call(tools / "pip", "check", cwd=tmp_path)


def test_pip_installs_the_sdist(dist: Path, tmp_path: Path) -> None:
    tools = new_environment(tmp_path / "env")
    sdist = dist / f"weightquant-{VERSION}.tar.gz"
    call(tools / "pip", "install", "-q", sdist, cwd=tmp_path)
    assert_quantizes(tools / "weightquant", tmp_path / "work")


def test_pipx_installs_the_wheel(wheel: Path, tmp_path: Path) -> None:
    tools = new_environment(tmp_path / "env")
    call(tools / "pip", "install", "-q", "pipx", cwd=tmp_path)
    places = {name: str(tmp_path / name) for name in ("PIPX_HOME", "PIPX_BIN_DIR", "PIPX_MAN_DIR")}
    call(tools / "pipx", "install", wheel, cwd=tmp_path, **places)
    assert_quantizes(tmp_path / "PIPX_BIN_DIR" / "weightquant", tmp_path / "work")
    assert (tmp_path / "PIPX_MAN_DIR" / "man1" / "weightquant.1").exists()


def test_uv_installs_the_wheel_as_a_tool(wheel: Path, tmp_path: Path) -> None:
    tools = new_environment(tmp_path / "env")
    call(tools / "pip", "install", "-q", "uv", cwd=tmp_path)
    places = {name: str(tmp_path / name) for name in ("UV_TOOL_DIR", "UV_TOOL_BIN_DIR")}
    cache = str(tmp_path / "cache")
    call(
        *(tools / "uv", "tool", "install", "--python", sys.executable, wheel),
        cwd=tmp_path,
        UV_CACHE_DIR=cache,
        **places,
    )
    assert_quantizes(tmp_path / "UV_TOOL_BIN_DIR" / "weightquant", tmp_path / "work")

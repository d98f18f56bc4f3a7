"""The public door: what `__all__` promises is there, and opening it costs nothing."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import weightquant_cli
from weightquant_cli import errors

SOURCE = Path(weightquant_cli.__file__)
ALIASES = {"WeightPlan"}  # of a union, which has no name
NAMES = [name for name in weightquant_cli.__all__ if name != "__version__"]


def loaded_after(code: str) -> list[str]:
    """The modules that a fresh Python has loaded after running `code`."""
    path = os.pathsep.join(filter(None, (str(SOURCE.parents[1]), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    command = [sys.executable, "-W", "error", "-c", script]
    done = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
    loaded: list[str] = json.loads(done.stdout)
    return loaded


def imports_for_type_checkers() -> dict[str, str]:
    """Name -> module of the imports that only type checkers see."""
    found: dict[str, str] = {}
    for node in ast.parse(SOURCE.read_text()).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            for statement in node.body:
                assert isinstance(statement, ast.ImportFrom) and statement.module
                found |= {alias.name: statement.module for alias in statement.names}
    return found


@pytest.mark.parametrize("name", NAMES)
def test_every_promised_name_is_there(name: str) -> None:
    value = getattr(weightquant_cli, name)
    if name not in ALIASES:
        assert value.__name__ == name
        assert value.__doc__


def test_type_checkers_see_the_same_names_from_the_same_modules() -> None:
    expected = imports_for_type_checkers()
    assert sorted(expected) == sorted(NAMES)
    for name, module in expected.items():
        home = importlib.import_module(f".{module}", "weightquant_cli")
        assert getattr(weightquant_cli, name) is getattr(home, name)


def test_no_name_is_promised_twice() -> None:
    assert len(set(weightquant_cli.__all__)) == len(weightquant_cli.__all__)


def test_a_star_import_gives_the_promised_names() -> None:
    namespace: dict[str, object] = {}
    exec("from weightquant_cli import *", namespace)
    assert namespace.keys() - {"__builtins__"} == set(weightquant_cli.__all__)


def test_dir_lists_the_promised_names() -> None:
    assert dir(weightquant_cli) == sorted(weightquant_cli.__all__)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'quantise'"):
        weightquant_cli.quantise  # noqa: B018
    assert not hasattr(weightquant_cli, "os")


def test_the_version_is_one() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+([ab]\d+|rc\d+)?", weightquant_cli.__version__)


def test_every_error_is_reached_from_the_base_through_the_door() -> None:
    assert issubclass(weightquant_cli.ModelError, weightquant_cli.WeightQuantError)
    assert weightquant_cli.WeightQuantError is errors.WeightQuantError


@pytest.mark.parametrize(
    "code",
    [
        "import weightquant_cli",
        "import weightquant_cli; weightquant_cli.__version__; dir(weightquant_cli)",
        "import weightquant_cli.errors",
        "from weightquant_cli import ModelError, WeightQuantError",
    ],
)
def test_the_door_and_the_errors_need_neither_numpy_nor_protobuf(code: str) -> None:
    tops = {name.split(".")[0] for name in loaded_after(code)}
    assert not tops & {"numpy", "google", "click", "rich", "tqdm"}


def test_a_name_brings_what_it_needs_and_no_command_line() -> None:
    tops = {name.split(".")[0] for name in loaded_after("from weightquant_cli import quantize")}
    assert "numpy" in tops
    assert not tops & {"click", "rich", "tqdm"}


def test_the_package_says_that_it_is_typed() -> None:
    assert (SOURCE.parent / "py.typed").is_file()

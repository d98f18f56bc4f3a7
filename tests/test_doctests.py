"""The examples in docstrings are run, and the public functions and classes all have one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
import shutil
from pathlib import Path

import pytest

import weightquant_cli
from tests.cli.helpers import working_directory

DIGITS = Path(__file__).resolve().parent / "models" / "digits"
MODULES = [
    "weightquant_cli",
    *(
        found.name
        for found in pkgutil.walk_packages(weightquant_cli.__path__, "weightquant_cli.")
        if not found.name.endswith(("__main__", "framework_pb2"))
    ),
]


def doctests(module: str) -> list[doctest.DocTest]:
    """The examples of a module's docstrings."""
    found = doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
    return [test for test in found if test.examples]


@pytest.mark.parametrize("module", [name for name in MODULES if doctests(name)])
def test_the_examples_give_what_they_say(module: str, tmp_path: Path) -> None:
    shutil.copytree(DIGITS, tmp_path / "model")
    said: list[str] = []
    with working_directory(tmp_path):
        for test in doctests(module):
            runner = doctest.DocTestRunner()
            runner.run(test, out=said.append)
    assert not said, "".join(said)


def test_the_tour_uses_every_public_function_and_every_class_one_makes() -> None:
    source = "".join(
        example.source for test in doctests("weightquant_cli") for example in test.examples
    )
    for name in weightquant_cli.__all__:
        value = getattr(weightquant_cli, name)
        if inspect.isfunction(value) or name.endswith(("Options", "Error", "Quantization")):
            assert name == "Quantization" or re.search(rf"\b{name}\b", source), name


def test_an_example_that_is_wrong_is_found() -> None:
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, 0)
    said: list[str] = []
    assert doctest.DocTestRunner().run(test, out=said.append).failed == 1
    assert "Expected" in "".join(said)

"""What the package never does: run code that it was handed, load pickles, or start programs.

One program may be started, and only where the user asks for it: Paddle Lite's `opt`.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import weightquant_cli

HOME = Path(weightquant_cli.__file__).parent
MODULES = sorted(path.relative_to(HOME) for path in HOME.rglob("*.py"))

NAMES = {"eval", "exec", "compile", "__import__"}
MODULES_NEVER = {
    "pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal",
    "subprocess", "pty", "code", "codeop", "runpy", "multiprocessing", "socket", "ssl", "http",
    "urllib", "ftplib", "smtplib", "webbrowser", "tempfile", "zipfile", "tarfile", "xml",
}  # fmt: skip
ATTRIBUTES = {
    "os": {"system", "popen", "fork", "forkpty", "kill", "chmod", "chown", "symlink", "link",
           "execv", "execve", "execvp", "execvpe", "execl", "execle", "execlp", "execlpe",
           "spawnl", "spawnv", "spawnve", "spawnvp", "posix_spawn", "posix_spawnp", "startfile"},
    "numpy": {"load", "save", "savez", "fromregex", "loadtxt", "genfromtxt", "memmap"},
    "click": {"edit", "launch", "echo_via_pager"},
    "np": {"load", "save", "savez", "fromregex", "loadtxt", "genfromtxt", "memmap"},
}  # fmt: skip

# Paddle Lite's `opt`, which --with-opt asks for, runs in a temporary folder of links.
OPT = {
    ("core/opt/process.py", "subprocess"),
    ("core/opt/scratch.py", "tempfile"),
    ("core/opt/convert.py", "os.symlink"),
}

# `renameat2`, which Python does not have; and the lazy imports, of names from tables of our own.
ALLOWED = {
    ("formats/files/exchange.py", "ctypes"),
    ("cli/main.py", "importlib"),
    ("cli/options/config_file.py", "importlib"),  # tomllib or tomli, whichever there is
    ("core/lite/demands/measured.py", "importlib"),  # importlib.resources, for a table
    ("__init__.py", "importlib"),
}


def found(tree: ast.AST, module: str) -> list[str]:
    """What a module does that it may not, and where."""
    wrong = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in NAMES:
                wrong.append(f"line {node.lineno}: {name}")
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (
                name in (ATTRIBUTES.get(owner, ())) and (module, f"{owner}.{name}") not in OPT
            ):
                wrong.append(f"line {node.lineno}: {owner}.{name}")
            case ast.Import(names=names):
                tops = [alias.name.split(".")[0] for alias in names]
                wrong += [f"line {node.lineno}: import {t}" for t in tops if _never(t, module)]
            case ast.ImportFrom(module="google.protobuf", names=names) if any(
                alias.name == "json_format" for alias in names
            ):
                wrong.append(f"line {node.lineno}: json_format")
            case ast.ImportFrom(module=owner, level=0) if owner:
                if _never(owner.split(".")[0], module):
                    wrong.append(f"line {node.lineno}: from {owner}")
            case ast.keyword(arg="shell" | "allow_pickle"):
                wrong.append(f"line {node.value.lineno}: {node.arg}=")
    return wrong


def test_the_lowest_versions_that_ci_installs_are_the_lower_bounds() -> None:
    root = HOME.parent
    listed = (root / "pyproject.toml").read_text().partition("\ndependencies = [\n")[2]
    bounds = re.findall(r'"([a-z]+)>=([0-9.]+)', listed.partition("\n]\n")[0])
    lowest = (root / "tests" / "lowest-versions.txt").read_text()
    assert len(bounds) == 5
    assert re.findall(r"^([a-z]+)==([0-9.]+)$", lowest, re.MULTILINE) == bounds


def _never(top: str, module: str) -> bool:
    rare = top in ("ctypes", "importlib") and (module, top) not in ALLOWED
    return (top in MODULES_NEVER and (module, top) not in OPT) or rare


@pytest.mark.parametrize("module", [str(path) for path in MODULES])
def test_nothing_is_unpickled_evaluated_executed_fetched_or_handed_to_a_shell(module: str) -> None:
    assert found(ast.parse((HOME / module).read_text()), module) == []


@pytest.mark.parametrize(
    "line",
    ["import pickle", "from subprocess import run", "eval('1')", "exec('1')", "os.system('x')",
     "f(shell=True)", "np.load('x')", "numpy.load(x, allow_pickle=True)", "import ctypes",
     "import os, socket", "from google.protobuf import json_format", "click.edit('x')",
     "from xml.etree import ElementTree"],
)  # fmt: skip
def test_what_is_forbidden_is_recognized(line: str) -> None:
    assert found(ast.parse(line), "core/model.py")

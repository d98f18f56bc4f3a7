"""Every document of every command is valid against the schema file that the package publishes."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import weightquant_cli
from tests.cli.helpers import run
from tests.pages import COMBINED, DIGITS
from weightquant_cli.core.check.findings import FindingCode
from weightquant_cli.core.lite.demands.demand import DemandCode
from weightquant_cli.core.lite.demands.versions import VERSIONS
from weightquant_cli.core.plan.reasons import ReasonCode

FOLDER = Path(weightquant_cli.__file__).parent / "schemas"
NAMES = ("quantize", "inspect", "dequantize-check", "export-opt", "plan", "error")


def schema(name: str) -> Any:
    """The published schema of one document."""
    return json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name))


def faults(name: str, document: Any) -> list[str]:
    """What the schema objects to, with its place."""
    found = validator(name).iter_errors(document)
    return [f"{error.json_path}: {error.message}" for error in found]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model in both layouts, and one in INT8."""
    place = tmp_path_factory.mktemp("schemas")
    shutil.copytree(DIGITS, place / "model")
    shutil.copytree(COMBINED, place / "combined")
    run("quantize", "-q", "model", "out", cwd=place).ok()
    return place


CALLS = [
    ("quantize", "model", "q1"),
    ("quantize", "combined", "q2"),
    ("quantize", "--dry-run", "model", "none"),
    ("quantize", "--bits", "auto", "--op-type", "all", "model", "q3"),
    ("quantize", "--weight-quantize-type", "abs_max", "--threshold-rate", "0.01", "model", "q4"),
    ("quantize", "--exclude", "fc*", "--bits-for", "conv2d_0*=16", "model", "q5"),
    ("quantize", "--compressed", "--bits", "6", "model", "q6"),
    ("inspect", "--compressed", "model"),
    ("inspect", "--compressed", "out"),
    ("inspect", "model"),
    ("inspect", "--histogram", "combined"),
    ("inspect", "--sort", "sqnr", "model"),
    ("inspect", "--recommend", "combined"),
    ("inspect", "out"),
    ("dequantize-check", "out"),
    ("dequantize-check", "--reference", "model", "out"),
    ("dequantize-check", "--reference", "model", "--min-sqnr", "90", "out"),
    ("dequantize-check", "--reference", "model", "--outputs", "out"),
    ("dequantize-check", "--reference", "model", "--min-output-sqnr", "90", "out"),
    ("dequantize-check", "model"),
    ("dequantize-check", "--reference", "model", "model"),
    ("export-opt", "out"),
    ("export-opt", "--optimize-out-type", "protobuf", "out"),
]


def document(folder: Path, *arguments: str) -> Any:
    """What the command prints with --json; the check may say no."""
    name, *rest = arguments
    force = ["--force"] if name in ("quantize", "export-opt") else []
    result = run(name, "--json", *force, *rest, cwd=folder)
    assert result.code in (0, 1), result.stderr
    return result.json


@pytest.mark.parametrize("arguments", CALLS, ids=" ".join)
def test_what_a_command_prints_is_valid(arguments: tuple[str, ...], folder: Path) -> None:
    found = document(folder, *arguments)
    assert faults(arguments[0], found) == []


def test_a_report_is_valid_and_so_is_a_plan(folder: Path) -> None:
    run(
        *("quantize", "-q", "--report", "report.json", "--plan-out", "plan.json"),
        *("model", "reported"),
        cwd=folder,
    ).ok()
    assert faults("quantize", json.loads((folder / "report.json").read_text())) == []
    assert faults("plan", json.loads((folder / "plan.json").read_text())) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_itself_valid_and_knows_its_document(name: str) -> None:
    Draft202012Validator.check_schema(schema(name))
    properties = schema(name)["properties"]
    assert properties["schema"] == {"const": f"weightquant.{name}"}
    assert schema(name)["$id"] == f"urn:weightquant:schema:{name}:{properties['version']['const']}"


def test_there_is_a_schema_for_every_document_and_no_other_file() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.schema.json" for name in NAMES}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every key in a document, of the first item only where there is a list."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from places(item, (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def parent(document: Any, path: tuple[Any, ...]) -> Any:
    for step in path[:-1]:
        document = document[step]
    return document


# Keys of these objects are data: operator types and reasons. Optional: written when measured.
MAPS = ("operators", "kept_by_reason")
OPTIONAL = {
    "quantize": ("files", "scale_min", "scale_max"),
    "inspect": ("reason", "rewritten_as", "compressed"),
    "plan": ("operator", "reason"),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_an_unknown_or_a_mistyped_key_is_found(name: str, folder: Path) -> None:
    calls = {call[0]: call for call in reversed(CALLS)}
    calls["dequantize-check"] = ("dequantize-check", "--reference", "model", "--layers", "out")
    if name == "plan":
        run("quantize", "-nq", "--plan-out", "plan.json", "model", "x", cwd=folder).ok()
        good = json.loads((folder / "plan.json").read_text())
    elif name == "error":
        good = run("inspect", "--json", "nowhere", cwd=folder).json
    else:
        good = document(folder, *calls[name])
    for many in ("weights", "layers"):
        if many in good:
            del good[many][1:]  # one is enough, and quicker
    for path in places(good):
        if any(step in MAPS for step in path[:-1]):
            continue
        if path[-1] not in OPTIONAL.get(name, ()):
            without = copy.deepcopy(good)
            del parent(without, path)[path[-1]]
            assert faults(name, without), f"{path} may be missing"
        mistyped = copy.deepcopy(good)
        parent(mistyped, path)[path[-1]] = [{"no": "such"}]
        assert faults(name, mistyped), f"{path} may be anything"
        more = copy.deepcopy(good)
        parent(more, path)["unheard_of"] = 1
        assert faults(name, more), f"a key beside {path} may be anything"


def test_the_codes_are_those_of_the_program() -> None:
    findings = schema("dequantize-check")["$defs"]["finding"]["properties"]["code"]["enum"]
    demands = [code.value for code in DemandCode]
    assert findings == [code.value for code in FindingCode] + demands
    assert schema("inspect")["$defs"]["demands"]["properties"]["code"]["enum"] == demands
    lite = schema("inspect")["properties"]["paddle_lite"]["properties"]
    assert lite["version"]["enum"] == list(VERSIONS)
    checked = schema("dequantize-check")["properties"]["lite_version"]
    assert checked["enum"] == list(VERSIONS)
    reasons = [code.value for code in ReasonCode]
    assert schema("quantize")["$defs"]["reason_code"]["enum"] == reasons
    weight = schema("inspect")["$defs"]["weight"]["properties"]
    assert weight["reason"]["properties"]["code"]["enum"] == reasons

"""The house: imports go down only, and every room keeps to its own things.

cli -> core -> formats -> threads, errors; protobuf in `formats/` alone; click, rich and tqdm in
`cli/` alone; no output, environment or exit below `cli/`.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import weightquant_cli

PACKAGE = "weightquant_cli"
HOME = Path(weightquant_cli.__file__).parent
MODULES = {
    ".".join(path.relative_to(HOME.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(HOME.rglob("*.py"))
}
LAYERS = ["errors", "threads", "formats", "core", "cli"]
ROOMS = {
    "formats": ["files", "pir"],
    "core": [
        "model",
        "lite",
        "opt",
        "plan",
        "tensors",
        "run",
        "quantize",
        "check",
        "recommend",
        "inspect",
        "opt_script",
        "weight_quantization",
    ],
}
"""The rooms of a layer in the order in which data goes through them: no arrow goes back up."""

HOMES = {"google": ["formats"], "click": ["cli"], "rich": ["cli"], "tqdm": ["cli"]}

# Generated code, and what may be imported by whoever needs it.
GENERATED = f"{PACKAGE}.formats.framework_pb2"
SHARED = {"numpy", *sys.stdlib_module_names}

inside = pytest.mark.parametrize("module", [name for name in MODULES if name != GENERATED])


@dataclass(frozen=True)
class Import:
    """One imported module, by its whole name."""

    target: str
    line: int
    when_typing: bool


def layer_of(module: str) -> str | None:
    """The layer of a module of the package; None for the public door and `__main__`."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in LAYERS else None


@functools.cache
def imports(module: str) -> tuple[Import, ...]:
    """Everything that a module imports, anywhere in it."""
    return tuple(_imports(ast.parse(MODULES[module].read_text()), module, False))


def _imports(node: ast.AST, module: str, when_typing: bool) -> Iterator[Import]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield Import(alias.name, node.lineno, when_typing)
    elif isinstance(node, ast.ImportFrom):
        base = _absolute(node, module)
        for alias in node.names:
            submodule = f"{base}.{alias.name}"
            target = submodule if submodule in MODULES else base
            yield Import(target, node.lineno, when_typing)
    for child in ast.iter_child_nodes(node):
        test = ast.unparse(node.test) if isinstance(node, ast.If) else ""
        yield from _imports(child, module, when_typing or test == "TYPE_CHECKING")


def _absolute(node: ast.ImportFrom, module: str) -> str:
    if node.level == 0:
        return node.module or ""
    is_package = MODULES[module].name == "__init__.py"
    parts = module.split(".")
    parent = parts[: len(parts) - node.level + is_package]
    return ".".join([*parent, *([node.module] if node.module else [])])


def test_the_modules_and_their_imports_are_found() -> None:
    assert {
        f"{PACKAGE}.{name}" for name in ("errors", "core.plan.plan", "cli.main")
    } <= MODULES.keys()
    targets = {found.target for found in imports(f"{PACKAGE}.core.quantize.weight_quantizer")}
    assert {f"{PACKAGE}.core.tensors.kernels", f"{PACKAGE}.errors", "numpy"} <= targets
    typing = {
        found.target for found in imports(f"{PACKAGE}.core.lite.targets") if found.when_typing
    }
    assert typing == {f"{PACKAGE}.core.model.weights", f"{PACKAGE}.formats.program"}


@inside
def test_imports_go_down_only(module: str) -> None:
    layer = layer_of(module)
    for found in imports(module):
        target = layer_of(found.target)
        if found.target == PACKAGE:
            assert layer == "cli", f"line {found.line} imports the public door"
        if layer is not None and target is not None:
            assert LAYERS.index(target) <= LAYERS.index(layer), f"line {found.line}: {found.target}"


def room_of(module: str) -> tuple[str, str] | None:
    """Layer and room of a module; None for what stands in no room."""
    parts = module.split(".")
    return (parts[1], parts[2]) if len(parts) > 2 and parts[1] in ROOMS else None


@inside
def test_within_a_layer_no_room_imports_one_that_comes_after_it(module: str) -> None:
    here = room_of(module)
    if here is None or here[1] not in ROOMS[here[0]]:
        return
    layer, room = here
    rooms = ROOMS[layer]
    for found in imports(module):
        target = room_of(found.target)
        if target is not None and target[0] == layer and target[1] in rooms:
            assert rooms.index(target[1]) <= rooms.index(room), f"line {found.line}: {found.target}"


def test_every_module_of_the_core_stands_in_a_room() -> None:
    rooms = {room for room in map(room_of, MODULES) if room is not None and room[0] == "core"}
    assert {room for _, room in rooms} <= set(ROOMS["core"])


@pytest.mark.parametrize("path", sorted(HOME.rglob("__init__.py")), ids=str)
def test_every_package_says_what_it_is_for_and_what_it_may_import(path: Path) -> None:
    if path.parent == HOME:
        return
    told = ast.get_docstring(ast.parse(path.read_text())) or ""
    assert "May import " in told


@inside
def test_what_comes_from_outside_is_used_in_its_own_room(module: str) -> None:
    for found in imports(module):
        top = found.target.split(".")[0]
        if top == PACKAGE or top in SHARED:
            continue
        assert top in HOMES, f"line {found.line}: {top} is no dependency"
        assert layer_of(module) in HOMES[top], f"line {found.line}: {top}"


def test_the_kernels_know_arrays_only() -> None:
    targets = {found.target for found in imports(f"{PACKAGE}.core.tensors.kernels")}
    assert targets == {"__future__", "math", "typing", "numpy", "numpy.typing"}


@pytest.mark.parametrize("module", ["errors", "threads"])
def test_the_errors_and_the_threads_know_nothing_of_the_package(module: str) -> None:
    tops = {found.target.split(".")[0] for found in imports(f"{PACKAGE}.{module}")}
    assert tops <= sys.stdlib_module_names


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {
        module: {i.target for i in imports(module) if not i.when_typing and i.target in MODULES}
        for module in MODULES
    }
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join([*above, module])
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*above, module))
            done.add(module)

    for module in graph:
        visit(module, ())


FORBIDDEN_NAMES = {"print", "input", "exit", "quit", "breakpoint", "SystemExit"}
FORBIDDEN_ATTRIBUTES = {
    "os": {"environ", "environb", "getenv", "putenv", "unsetenv", "_exit", "abort", "system"},
    "sys": {"exit", "stdout", "stderr", "stdin", "argv"},
}


def forbidden(tree: ast.AST) -> list[str]:
    """What a library may not do, and where."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) if name in FORBIDDEN_NAMES:
                found.append(f"line {node.lineno}: {name}")
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if name in (
                FORBIDDEN_ATTRIBUTES.get(owner, ())
            ):
                found.append(f"line {node.lineno}: {owner}.{name}")
            case ast.ImportFrom(module=owner) if owner in FORBIDDEN_ATTRIBUTES:
                found.append(f"line {node.lineno}: from {owner} import")
    return found


@pytest.mark.parametrize(
    "line",
    ["print(1)", "os.environ['X']", "os.getenv('X')", "sys.exit(1)", "raise SystemExit",
     "from os import environ", "f = print", "sys.stderr.write('x')"],
)  # fmt: skip
def test_what_a_library_may_not_do_is_recognized(line: str) -> None:
    assert len(forbidden(ast.parse(line))) == 1


@pytest.mark.parametrize(
    "module", [name for name in MODULES if layer_of(name) not in ("cli", None)]
)
def test_nothing_below_the_command_line_prints_exits_or_reads_the_environment(module: str) -> None:
    assert forbidden(ast.parse(MODULES[module].read_text())) == []


OPTION = re.compile(r"(?<![\w-])--[a-z]")


@pytest.mark.parametrize(
    "module",
    # These call opt, whose options they have.
    [name for name in MODULES if layer_of(name) == "core" and ".opt" not in name],
)
def test_the_core_knows_fields_and_the_command_line_options(module: str) -> None:
    lines = MODULES[module].read_text().splitlines()
    assert [line for line in lines if OPTION.search(line)] == []

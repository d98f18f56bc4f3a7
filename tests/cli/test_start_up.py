"""What each command imports: no more than it needs, since every user waits for it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.builders import small_model
from tests.cli.helpers import environment, run

OURS = "weightquant_cli"

# What takes long to import, or what few commands have a use for.
HEAVY = (
    *("rich", "tqdm", "tomllib", "html", "fractions", "decimal", "tarfile", "zlib", "csv"),
    *("tempfile", "subprocess", "numpy", "numpy.typing", "google"),
)

# Rooms of the package, and modules that few runs of a command need.
ROOMS = (
    *("cli.output.help", "cli.output.page", "cli.output.tables", "cli.output.json_output"),
    *("cli.completion.completion", "core.check", "core.inspect", "core.lite.demands.judge"),
    *("core.lite.naive_buffer", "core.model", "core.opt_script", "core.plan", "core.quantize"),
    *("core.quantize.adaptive.adaptive", "core.quantize.auto_bits", "core.quantize.compressed"),
    *("core.quantize.dequantize", "core.run", "core.tensors", "formats.files", "formats.pir"),
    *("formats.files.tar_folder", "formats.program"),
    *("cli.messages", "cli.option_names", "core.plan.size", "formats.files.atomic_file"),
    *("formats.no_model", "formats.own_files", "formats.unknown_operators"),
)

MODEL = {"google", "core.model", "core.plan", "formats.files", "formats.program"}
WEIGHTS = {*MODEL, "numpy", "core.quantize", "core.tensors"}
RICH = {"rich", "fractions", "decimal", "html", "subprocess", "zlib"}
"""rich, and what one or the other of its versions brings with it."""

LINES = {"cli.output.tables", "cli.option_names"}
"""In a pipe labelled lines are text; rich is for terminals, colours and tables."""

TABLES = {*RICH, *LINES}

SCRIPT = {"formats.files.atomic_file", "formats.own_files"}

JUDGED = {"cli.output.json_output", "core.lite.demands.judge"}

# Command -> what it may import of HEAVY and ROOMS.
ALLOWED = {
    "--version": set[str](),
    "--help": {"zlib", "cli.output.help", "core.plan", "core.quantize"},  # shutil brings zlib
    "quantize -q MODEL NEW": WEIGHTS,
    "quantize MODEL NEW": {
        *(WEIGHTS | LINES),
        *("core.lite.demands.judge", "core.lite.naive_buffer"),
    },
    "inspect MODEL": {
        "numpy.typing",
        *(WEIGHTS | TABLES),
        "csv",
        "core.inspect",
        *JUDGED,
        "formats.unknown_operators",
    },
    "dequantize-check OUT": {*(WEIGHTS | TABLES), "core.check", *JUDGED, "numpy.typing"},
    "export-opt OUT": {*(MODEL | RICH), "core.opt_script", "cli.output.json_output", *SCRIPT},
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model, and what quantizing it gives."""
    folder = tmp_path_factory.mktemp("start_up")
    model = small_model().write(folder / "model")
    assert run("quantize", "-q", model, folder / "quantized").code == 0
    return model, folder / "quantized"


@pytest.fixture(scope="module")
def by_click() -> set[str]:
    """What click alone loads; on Python 3.10 subprocess is among it."""
    return loaded_after("import click")


def loaded_by(*arguments: str | Path) -> set[str]:
    """The modules that a fresh Python has loaded after a command."""
    return loaded_after(
        "import sys\nfrom weightquant_cli.__main__ import main\nassert main(sys.argv[1:]) == 0",
        *arguments,
    )


def loaded_after(lines: str, *arguments: str | Path) -> set[str]:
    """The modules that a fresh Python has loaded after these lines."""
    script = (
        f"{lines}\n"
        "import sys\n"
        "loaded = sorted(sys.modules)\n"
        "import json\n"
        "print(json.dumps(loaded), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


def within(loaded: set[str], name: str) -> bool:
    """Whether a module of this name, or one below it, is among those loaded."""
    whole = name if name in HEAVY else f"{OURS}.{name}"
    return any(module == whole or module.startswith(f"{whole}.") for module in loaded)


@pytest.mark.parametrize("command", ALLOWED)
def test_a_command_imports_no_more_than_it_needs(
    command: str, folders: tuple[Path, Path], by_click: set[str], tmp_path: Path
) -> None:
    named = {"MODEL": folders[0], "OUT": folders[1], "NEW": tmp_path / "new"}
    loaded = loaded_by(*(named.get(word, word) for word in command.split())) - by_click
    found = {name for name in (*HEAVY, *ROOMS) if within(loaded, name)}
    assert found - ALLOWED[command] == set()


@pytest.mark.parametrize("name", [*HEAVY, *ROOMS])
def test_the_modules_that_are_looked_for_exist(name: str) -> None:
    if name != "tomllib":  # of Python 3.11
        assert find_spec(name if name in HEAVY else f"{OURS}.{name}") is not None

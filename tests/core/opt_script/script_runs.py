"""Run a generated convert_to_lite.sh: in every shell there is, with a fake opt, with few tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.cli.helpers import Result

FAKE_OPT = Path(__file__).parent / "fake_opt.sh"

SHELLS = {
    "dash": ("dash",),
    "bash": ("bash", "--posix"),
    "busybox": ("busybox", "sh"),
    "mksh": ("mksh",),
}
# As in `sh -e convert_to_lite.sh`.
SHELLS_THAT_STOP = {
    f"{name} -e": (*words, "-e") for name, words in SHELLS.items() if name != "busybox"
}

# Everything that the script calls, and what the fake opt needs beside it.
TOOLS = (
    *("cat", "ln", "mkdir", "mktemp", "mv", "readlink", "rm", "sh", "sleep", "wc"),
    "printf",  # no builtin of mksh
)


def shell_command(name: str) -> list[str]:
    """The shell with its full path; skips the test where it is not installed."""
    program, *arguments = {**SHELLS, **SHELLS_THAT_STOP}[name]
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed: apt-get install {program}")
    return [path, *arguments]


def toolbox(folder: Path, opt: str | None = None) -> Path:
    """A folder for PATH that holds the few tools, and opt under this name."""
    folder.mkdir(parents=True)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (folder / tool).symlink_to(found)
    if opt is not None:
        place_opt(folder / opt)
    return folder


def place_opt(path: Path) -> Path:
    """The fake opt at this path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(FAKE_OPT, path)
    path.chmod(0o755)
    return path


def run_script(
    shell: Sequence[str],
    script: str | Path,
    *arguments: str,
    path: str | Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Result:
    """Run the script with this PATH and nothing else in the environment."""
    done = subprocess.run(
        [*shell, script, *arguments],
        cwd=cwd,
        env={"PATH": str(path), **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def interruptible(command: Sequence[str | Path]) -> list[str | Path]:
    """The command started with the default answers to signals, whatever the test runner has set:
    a shell cannot trap what is ignored when it starts, and `nohup` ignores SIGHUP.
    """
    reset = "[signal.signal(n, signal.SIG_DFL) for n in (1, 2, 15)]"
    start = f"import os, signal, sys; {reset}"
    return [sys.executable, "-c", f"{start}; os.execv(sys.argv[1], sys.argv[1:])", *command]


def listing(folder: Path) -> set[str]:
    """Every name in the folder, hidden ones too."""
    return set(os.listdir(folder))

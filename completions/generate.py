"""Writes the completion scripts for bash, zsh and fish from the templates in the package.

python completions/generate.py            writes the scripts beside this file
python completions/generate.py --check    names the scripts that are out of date; exit code 1
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from weightquant_cli.cli.completion.completion import SCRIPTS
from weightquant_cli.cli.completion.scripts import VARIABLE
from weightquant_cli.cli.main import group
from weightquant_cli.cli.options.option import PROGRAM

FOLDER = Path(__file__).parent


def scripts() -> dict[str, str]:
    """File name and text of every script."""
    return {name: shell(group, {}, PROGRAM, VARIABLE).source() for name, shell in SCRIPTS.items()}


def out_of_date(folder: Path) -> list[str]:
    """The scripts that are missing or differ."""
    paths = {name: folder / name for name in SCRIPTS}
    return [
        name
        for name, text in scripts().items()
        if not paths[name].is_file() or paths[name].read_bytes() != text.encode()
    ]


def main(arguments: Sequence[str], folder: Path = FOLDER) -> int:
    """Write the scripts or, with `--check`, compare them; the exit code."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: generate.py [--check]\n")
        return 2
    if not arguments:
        for name, text in scripts().items():
            (folder / name).write_bytes(text.encode())
        return 0
    stale = out_of_date(folder)
    for name in stale:
        sys.stderr.write(
            f"completions/{name} is out of date: run `python completions/generate.py`\n"
        )
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

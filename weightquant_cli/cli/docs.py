"""Writes `man/` and `completions/` from the click commands; `--check` is for CI.

    python -m weightquant_cli.cli.docs            writes both folders
    python -m weightquant_cli.cli.docs --check    says which file is stale, and exits with 1

A command that is added to `main.COMMANDS` gets its page by itself.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .command_docs import command_doc, commands_of
from .commands import PROGRAM
from .completion.completion import SCRIPTS
from .completion.scripts import VARIABLE
from .exit_codes import ExitCode
from .main import group
from .man_page import man_page, page_name

HOUSE = Path(__file__).resolve().parents[2]
MAN = "man"
COMPLETIONS = "completions"
REGENERATE = "python -m weightquant_cli.cli.docs"


def generated() -> dict[str, str]:
    """Path below the house, and text, of every file that is made from the commands."""
    return {**_man_pages(), **_completions()}


def differences(house: Path) -> list[str]:
    """What is not as it would be generated: one line for each file; none where all is well."""
    wanted = generated()
    found = {
        f"{folder}/{path.name}": path
        for folder in (MAN, COMPLETIONS)
        for path in sorted((house / folder).glob("*"))
    }
    stale = [name for name in wanted if name in found and _text(found[name]) != wanted[name]]
    return [
        *(f"{name} is missing" for name in wanted if name not in found),
        *(f"{name} is stale" for name in stale),
        *(f"{name} belongs to no command" for name in found if name not in wanted),
    ]


def write(house: Path) -> list[str]:
    """Write what differs and take away what belongs to no command; the files that changed."""
    wanted = generated()
    changed = []
    for folder in (MAN, COMPLETIONS):
        (house / folder).mkdir(exist_ok=True)
        for path in sorted((house / folder).glob("*")):
            if f"{folder}/{path.name}" not in wanted:
                path.unlink()
                changed.append(f"{folder}/{path.name}")
    for name, text in wanted.items():
        path = house / name
        if not path.exists() or _text(path) != text:
            path.write_bytes(text.encode("utf-8"))
            changed.append(name)
    return changed


def _man_pages() -> dict[str, str]:
    documents = [
        command_doc(command) for command in (group, *(child for _, child in commands_of(group)))
    ]
    paths = [document.path for document in documents]
    return {
        f"{MAN}/{page_name(document.path)}.1": man_page(
            document, [path for path in paths if path != document.path]
        )
        for document in documents
    }


def _completions() -> dict[str, str]:
    return {
        f"{COMPLETIONS}/{name}": shell(group, {}, PROGRAM, VARIABLE).source()
        for name, shell in SCRIPTS.items()
    }


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "replace")


@click.command()
@click.option("--check", is_flag=True, help="Compare with the files there are, and write nothing.")
@click.option(
    "--house",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=HOUSE,
    help="The folder that holds man/ and completions/.  [default: where this module lies]",
)
def main(check: bool, house: Path) -> None:
    """Write man pages and completions from the click commands."""
    if not (house / "pyproject.toml").is_file():
        click.echo(f"{house} is no checkout of the project", err=True)
        sys.exit(ExitCode.USAGE)
    if not check:
        for name in write(house):
            click.echo(name)
        return
    found = differences(house)
    for line in found:
        click.echo(line, err=True)
    if found:
        click.echo(f"regenerate with `{REGENERATE}`, and commit the result", err=True)
        sys.exit(ExitCode.CHECK_SAYS_NO)


if __name__ == "__main__":
    main()

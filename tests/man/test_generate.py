"""The man pages: made from the commands, committed, no complaint from groff or mandoc."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from man.generate import FOLDER as MAN
from man.generate import main, pages
from tests.cli.helpers import Result, environment
from weightquant_cli.cli.exit_codes import MEANINGS
from weightquant_cli.cli.main import group
from weightquant_cli.cli.options.command_docs import CommandDoc, command_doc, commands_of

SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "ENVIRONMENT"]
PAGES = sorted(MAN.glob("*.1"))
each_page = pytest.mark.parametrize("page", PAGES, ids=[path.stem for path in PAGES])

DOCUMENTS = [command_doc(command) for command in (group, *(c for _, c in commands_of(group)))]
each_command = pytest.mark.parametrize("document", DOCUMENTS, ids=[d.path for d in DOCUMENTS])


def tool(name: str, *arguments: str | Path) -> Result:
    """Run a man page tool; skips the test where it is not installed."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    changes = {"LC_ALL": "C.UTF-8", "MANWIDTH": "80", "MANPAGER": "cat"}
    done = subprocess.run([name, *arguments], env=environment(changes), capture_output=True)
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the committed pages."""
    return Path(shutil.copytree(MAN, tmp_path / "man"))


def test_the_committed_pages_are_those_of_the_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_the_check_names_pages_that_are_stale_missing_or_left_over(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "weightquant.1").write_text("edited by hand\n")
    (folder / "weightquant-inspect.1").unlink()
    (folder / "weightquant-gone.1").write_text("")
    assert main(["--check"], folder) == 1
    assert [line.split()[0] for line in capsys.readouterr().err.splitlines()] == [
        "man/weightquant-gone.1",
        "man/weightquant-inspect.1",
        "man/weightquant.1",
    ]
    assert (folder / "weightquant.1").read_text() == "edited by hand\n"
    assert main([], folder) == 0
    assert main(["--check"], folder) == 0


def test_any_other_argument_is_refused(folder: Path) -> None:
    assert main(["--chekc"], folder) == 2


def test_a_terminal_a_locale_or_an_environment_does_not_change_the_pages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = pages()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    monkeypatch.setenv("WEIGHTQUANT_QUANTIZE_BITS", "16")
    assert pages() == before


@each_page
def test_groff_renders_the_page_without_a_warning(page: Path) -> None:
    rendered = tool("man", "--warnings", "--local-file", page).ok()
    headings = [line for line in rendered.lines if line and not line.startswith(" ")]
    assert set(SECTIONS) < set(headings)


@each_page
def test_mandoc_lints_the_page_without_a_complaint(page: Path) -> None:
    result = tool("mandoc", "-T", "lint", "-W", "all", page)
    assert (result.code, result.stdout, result.stderr) == (0, "", "")


@each_page
def test_groff_and_mandoc_agree_on_the_words(page: Path) -> None:
    def words(result: Result) -> list[str]:
        text = re.sub(".\b", "", result.ok().stdout).replace("\N{HYPHEN}", "-")
        return [word for line in text.splitlines()[1:-1] for word in line.split()]

    ours = words(tool("man", "--local-file", page))
    assert ours == words(tool("mandoc", "-T", "utf8", "-O", "width=78", page))


@each_page
def test_the_page_fits_80_columns_and_breaks_no_name(page: Path) -> None:
    rendered = tool("man", "--local-file", page).ok()
    assert max(map(len, rendered.lines)) <= 80
    assert "\N{HYPHEN}" not in rendered.stdout
    assert not re.search(r"\w-$", rendered.stdout, re.MULTILINE)


@each_page
def test_whatis_would_find_the_page(page: Path) -> None:
    found = tool("lexgrog", page).ok().stdout
    assert f'"{page.stem} - ' in found


@each_command
def test_the_page_tells_every_option_example_and_exit_code(document: CommandDoc) -> None:
    page = MAN / f"{document.path.replace(' ', '-')}.1"
    shown = " ".join(tool("man", "--local-file", page).ok().stdout.split())
    for option in (option for part in document.groups for option in part.options):
        assert f" {', '.join((*option.names, *option.negations))} {option.metavar}" in shown
        assert " ".join(option.text.split()) in shown
    for example in document.examples:
        assert " ".join(example.split()) in shown
    for code in MEANINGS:
        assert f" {int(code)} " in shown


def test_every_page_names_the_others() -> None:
    for page in PAGES:
        related = page.read_text().partition(".SH SEE ALSO")[2].replace("\\-", "-")
        named = re.findall(r"^\.BR (\S+) \(1\)", related, re.MULTILINE)
        assert sorted(named) == sorted(other.stem for other in PAGES if other != page)


def test_the_wheel_installs_every_page_and_script_where_shells_and_man_look() -> None:
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 reads no TOML")
    project = tomllib.loads((MAN.parent / "pyproject.toml").read_text("utf-8"))
    shipped = project["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert shipped == {
        **{f"man/{page.name}": f"share/man/man1/{page.name}" for page in PAGES},
        "completions/weightquant.bash": "share/bash-completion/completions/weightquant",
        "completions/_weightquant": "share/zsh/site-functions/_weightquant",
        "completions/weightquant.fish": "share/fish/vendor_completions.d/weightquant.fish",
    }

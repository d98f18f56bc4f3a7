"""What the Markdown pages name is there: links, headings, files, modules, names of the package."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path

import pytest

from tests.pages import ROOT, pages

PAGES = sorted(pages())
# What a file of ours ends with, where it is named without its folder's first part being ours.
OURS = (".py", ".schema.json", ".proto")
PACKAGE = ROOT / "weightquant_cli"

each_page = pytest.mark.parametrize("page", PAGES)


def prose(text: str) -> str:
    """The page without its code blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)", prose(text))


def slugs(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings."""
    titles = re.findall(r"^#+ (.*)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def words(text: str) -> set[str]:
    """Every word of the inline code, and of the commands of code blocks for the shell."""
    code = re.findall(r"`([^`\n]+)`", prose(text))
    code += re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return {word for span in code for word in span.split()}


def test_the_pages_are_found() -> None:
    assert {"README.md", ".docs/README.zh.md", "tests/README.md"} <= set(PAGES)
    assert {"weightquant_cli/README.md", ".github/SECURITY.md"} <= set(PAGES)


@each_page
def test_every_relative_link_leads_somewhere(page: str) -> None:
    for link in links(pages()[page]):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), link
        if anchor:
            assert anchor in slugs(target.read_text(encoding="utf-8")), link


@each_page
def test_every_file_that_a_page_names_exists(page: str) -> None:
    places = (ROOT, (ROOT / page).parent)
    for word in words(pages()[page]):
        if not re.fullmatch(r"(?!\.\.)[.\w][\w./-]*", word):
            continue
        first = word.split("/")[0]
        known = "/" in word and any((place / first).is_dir() for place in places)
        if (known and first != ".venv") or (word.endswith(OURS) and "/" in word):
            assert any((place / word).exists() for place in places), word


@each_page
def test_every_module_that_a_page_runs_exists(page: str) -> None:
    for module in re.findall(r"python\S* -m ((?:tests|weightquant_cli|man|completions)[\w.]*)",
                             pages()[page]):  # fmt: skip
        assert importlib.util.find_spec(module) is not None, module


@cache
def source() -> str:
    """All of the package's own code."""
    return "\n".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))


@each_page
def test_every_name_in_the_architecture_is_one_of_the_package(page: str) -> None:
    if not page.startswith("weightquant_cli/README"):
        return
    for word in words(pages()[page]):
        if re.fullmatch(r"[A-Za-z_]+", word):
            assert re.search(rf"\b{word}\b", source()), word


def test_every_room_of_the_package_is_in_the_architecture() -> None:
    text = pages()["weightquant_cli/README.md"]
    rooms = {path.parent.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("__init__.py")}
    for room in rooms - {".", "core"}:
        if room.count("/") < 2:
            assert f"`{room}/`" in text, room


def test_the_architecture_fits_on_a_page() -> None:
    assert len(pages()["weightquant_cli/README.md"].splitlines()) <= 120


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    linked = {Path(link.partition("#")[0]).as_posix() for link in links(pages()["README.md"])}
    for page in PAGES:
        if page.startswith((".docs/", ".github/")):
            assert page in linked, page


@each_page
def test_lines_of_prose_are_not_endless(page: str) -> None:
    for line in prose(pages()[page]).splitlines():
        if not line.startswith(("|", "!", "- `", "[")):
            assert len(line) <= 120, line

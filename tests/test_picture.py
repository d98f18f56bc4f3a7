"""The README's picture shows what the program prints today, and fetches nothing."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

from tests.pages import README
from tests.picture import PICTURE, lines_of, session


def test_the_picture_shows_what_a_run_prints_now() -> None:
    expected = ["".join(line.split()) for line in session().plain.splitlines()]
    drawn = lines_of(PICTURE.read_text(encoding="utf-8"))
    assert drawn == [line for line in expected if line], "run `python -m tests.picture`"


def test_the_picture_is_whole_and_fetches_nothing() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    ElementTree.fromstring(text)
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_the_readme_shows_it_and_says_what_is_to_be_seen() -> None:
    assert f"](.docs/{PICTURE.name})" in README
    assert f"![](.docs/{PICTURE.name})" not in README

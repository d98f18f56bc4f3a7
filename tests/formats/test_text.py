"""Text in programs: any bytes come back as they were."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weightquant_cli.formats.text import decode, encode


@given(st.binary())
def test_any_bytes_survive(raw: bytes) -> None:
    assert encode(decode(raw)) == raw


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives(text: str) -> None:
    assert decode(encode(text)) == text


def test_a_name_is_that_of_its_file() -> None:
    assert os.fsencode(decode(b"w\xff\xc3\xa9")) == b"w\xff\xc3\xa9"


def test_text_that_no_bytes_could_have_given_is_refused() -> None:
    with pytest.raises(UnicodeEncodeError):
        encode("\ud800")

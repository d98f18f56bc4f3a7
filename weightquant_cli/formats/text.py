"""Text in programs: bytes on disk, `str` in Python, the same bytes again.

Names are UTF-8 nearly always. The bytes that are not become lone surrogates (PEP 383), as Python
does with file names, so that nothing is lost and `os.fsencode` gives the file's name back.
"""

from __future__ import annotations


def decode(raw: bytes) -> str:
    """The text of `raw`; bytes that are not UTF-8 become surrogates."""
    return raw.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The bytes that `decode` was given.

    Raises:
        UnicodeEncodeError: `text` holds a surrogate that `decode` never makes.
    """
    return text.encode("utf-8", "surrogateescape")

"""Where the files in a tar lie, read from its headers; nothing is unpacked.

The headers are hostile until proven. Python's `tarfile` reads extended headers of any size, takes
negative sizes (until 3.13.6 for ever), and knows no limits; so the format is read here. What would
not be unpacked as it stands is refused rather than guessed: names that lead out, names that stand
twice, data beyond the end. Sources: POSIX.1-2017 `pax`, and the manual of GNU tar, "Tar Internals".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...errors import ModelError, UnsupportedModelError
from ..text import decode
from .input_files import InputFile

BLOCK = 512

MAX_ENTRIES = 100_000
"""A model with one file per parameter has thousands."""

MAX_EXTENDED_BYTES = 1 << 20
"""Limit on one extended header, which holds a long name, or what a file system knows of a file."""

MAX_NAME_BYTES = 4096
MAX_NAMES_BYTES = 16 << 20
"""Limits on one name, as in Linux, and on all names and all folders above them together."""

FILE, FOLDER, SPARSE = "a file", "a folder", "a sparse file"

_KINDS = {
    **{b"0": FILE, b"\0": FILE, b"7": FILE, b"5": FOLDER, b"S": SPARSE},
    **{b"1": "a link", b"2": "a link", b"3": "a device", b"4": "a device", b"6": "a FIFO"},
}
_WITHOUT_DATA = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})
_COMPRESSED = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x04\x22\x4d\x18")
_ZIP = b"PK\x03\x04"

_LONG_NAME, _LONG_LINK, _PAX, _PAX_FOR_ALL = b"L", b"K", (b"x", b"X"), b"g"
_PAX_MEANING = ("path", "size")
_PAX_SPARSE = "GNU.sparse."


@dataclass(frozen=True, slots=True)
class TarEntry:
    """Something in a tar.

    Attributes:
        kind: what it is: `FILE`, `FOLDER`, `SPARSE`, or something that no model has, in words.
        start: where its data begins, in bytes from the start of the tar.
        size: bytes of its data.
    """

    kind: str
    start: int
    size: int


def read_index(tar: InputFile) -> dict[str, TarEntry]:
    """Everything in an open tar by its path, without ``./`` in front.

    Raises:
        UnsupportedModelError: a compressed tar, or more of anything than any model has.
        ModelError: not a tar, a damaged one, or one with names that no honest one has.
    """
    start = tar.read_at(BLOCK, 0)
    if start.startswith((*_COMPRESSED, _ZIP)):
        how = "unzip" if start.startswith(_ZIP) else "tar xf"
        raise UnsupportedModelError(
            "the archive is compressed, so that no weight can be found in it",
            path=tar.path,
            remedy=f"unpack it with `{how}`, and give the folder",
        )
    return _Index(tar).read()


def folders(paths: Iterable[str]) -> dict[str, set[str]]:
    """The names in every folder that has any, by its path; not every tar has its folders in it."""
    found: dict[str, set[str]] = {}
    for path in paths:
        while path:
            path, _, name = path.rpartition("/")
            names = found.setdefault(path, set())
            if name in names:
                break
            names.add(name)
    return found


class _Index:
    """One walk over the headers of a tar."""

    def __init__(self, tar: InputFile) -> None:
        self._tar = tar
        self._entries: dict[str, TarEntry] = {}
        self._names_bytes = 0
        self._at = 0

    def read(self) -> dict[str, TarEntry]:
        """All entries, once their names are known to fit together."""
        for index, (name, entry) in enumerate(self._walk()):
            if index == MAX_ENTRIES:
                raise self._unsupported(f"the tar has more than {MAX_ENTRIES} entries")
            self._add(self._plain(name), entry)
        found = folders(self._entries)
        if len(found) > MAX_ENTRIES:
            raise self._unsupported(f"the tar has more than {MAX_ENTRIES} folders")
        for folder in found:
            kind = self._entries[folder].kind if folder in self._entries else FOLDER
            if kind != FOLDER:
                raise self._bad(f"{_shown(folder)} is a folder and {kind}")
        return self._entries

    def _add(self, name: str, entry: TarEntry) -> None:
        if not name:
            return  # "./", the folder that was packed
        before = self._entries.setdefault(name, entry)
        if before is not entry and {before.kind, entry.kind} != {FOLDER}:
            raise self._bad(f"the name {_shown(name)} stands twice in the tar")

    def _walk(self) -> Iterator[tuple[bytes, TarEntry]]:
        """Every entry with its name as it stands there."""
        long_name: bytes | None = None
        meant: dict[str, bytes] = {}
        while (block := self._header()) is not None:
            kind, size = block[156:157], self._number(block[124:136])
            if kind in (_LONG_NAME, _LONG_LINK, *_PAX, _PAX_FOR_ALL):
                data = self._extended(size)
                if kind == _LONG_NAME:
                    long_name = data.partition(b"\0")[0]
                elif kind in _PAX:
                    meant = self._pax(data)
                elif kind == _PAX_FOR_ALL and self._pax(data):
                    raise self._bad("a header gives all files one name or size")
                continue
            if "size" in meant:
                size = self._decimal(meant["size"])
            name = meant.get("path") or long_name or _own_name(block)
            yield name, self._entry(block, kind, size, name, _PAX_SPARSE in meant)
            long_name, meant = None, {}

    def _header(self) -> bytes | None:
        """The next header; None at the end."""
        block = self._tar.read_at(BLOCK, self._at)
        if not any(block):
            if self._at == 0:
                raise self._bad("the tar is empty" if block else "the file is empty")
            return None
        if len(block) < BLOCK:
            raise self._bad("the file is not a tar" if self._at == 0 else "the tar ends too early")
        if not _has_sum(block, self._number(block[148:156])):
            what = "the file is not a tar" if self._at == 0 else "a header of the tar is damaged"
            raise self._bad(what)
        self._at += BLOCK
        return block

    def _entry(self, block: bytes, kind: bytes, size: int, name: bytes, sparse: bool) -> TarEntry:
        """The entry of a header that was just read; goes on behind its data."""
        if kind in _WITHOUT_DATA and size:
            if kind != b"5":
                raise self._bad(f"{_shown(decode(name))} is {_KINDS[kind]} and has data")
            size = 0  # GNU tar notes there how large a folder may become
        more = kind == b"S" and block[482] != 0
        while more:
            following = self._tar.read_at(BLOCK, self._at)
            self._at += BLOCK
            more = len(following) == BLOCK and following[504] != 0
        what = SPARSE if sparse else _KINDS.get(kind, "something that is no file")
        if what == FILE and name.endswith(b"/"):
            what = FOLDER  # as tar wrote it before POSIX
        entry = TarEntry(what, self._at, size)
        self._skip(size)
        return entry

    def _extended(self, size: int) -> bytes:
        """The data of an extended header."""
        if size > MAX_EXTENDED_BYTES:
            raise self._unsupported("the tar has a header larger than any name")
        start = self._at
        self._skip(size)
        return self._tar.read_at(size, start)

    def _skip(self, size: int) -> None:
        if size > self._tar.size - self._at:
            raise self._bad("the tar ends too early", expected=self._at + size)
        self._at += -(-size // BLOCK) * BLOCK

    def _pax(self, data: bytes) -> dict[str, bytes]:
        """What an extended header of POSIX says of name and size, and whether of holes."""
        found: dict[str, bytes] = {}
        at = 0
        while at < len(data) and data[at]:
            length, space, _ = data[at : at + 12].partition(b" ")
            size = self._decimal(length)
            record = data[at : at + size]
            key, equals, value = record[len(length) + 1 : -1].partition(b"=")
            if not space or not equals or len(record) != size or record[-1:] != b"\n":
                raise self._bad("an extended header of the tar is damaged")
            name = key.decode("ascii", "replace")
            if name in _PAX_MEANING:
                found[name] = value
            elif name.startswith(_PAX_SPARSE):
                found[_PAX_SPARSE] = value
            at += size
        return found

    def _number(self, digits: bytes) -> int:
        """A number of a header: octal, or in base 256 as GNU tar writes large ones."""
        if digits[0] & 0x80:
            if digits[0] != 0x80:
                raise self._bad("a header of the tar has a number below zero or beyond any")
            return int.from_bytes(digits[1:], "big")
        octal = digits.partition(b"\0")[0].strip(b" ")
        if octal.strip(b"01234567"):
            raise self._bad("the file is not a tar" if self._at == 0 else "a header is damaged")
        return int(octal or b"0", 8)

    def _decimal(self, digits: bytes) -> int:
        if not digits.isdigit() or len(digits) > 20:
            raise self._bad("an extended header of the tar is damaged")
        return int(digits)

    def _plain(self, raw: bytes) -> str:
        """A name as a path within the tar."""
        # Each folder above it becomes a path of its own: on average, half as long as the name.
        self._names_bytes += len(raw) * (2 + raw.count(b"/")) // 2
        if len(raw) > MAX_NAME_BYTES or self._names_bytes > MAX_NAMES_BYTES:
            raise self._unsupported("the tar has longer names than any file system")
        name = decode(raw)
        parts = name.split("/")
        if name.startswith("/") or ".." in parts or "\0" in name:
            raise self._bad(f"a name in the tar leads out of it: {_shown(name)}")
        return "/".join(part for part in parts if part not in ("", "."))

    def _bad(self, what: str, expected: int | None = None) -> ModelError:
        return ModelError(
            what,
            path=self._tar.path,
            offset=self._at or None,
            expected=None if expected is None else f"{expected} bytes or more",
            found=None if expected is None else self._tar.size,
            remedy="download it again, or give the model's folder",
        )

    def _unsupported(self, what: str) -> UnsupportedModelError:
        remedy = "unpack it with `tar xf`, and give the model's folder"
        return UnsupportedModelError(what, path=self._tar.path, remedy=remedy)


def _own_name(block: bytes) -> bytes:
    """The name in a header itself, which POSIX splits in two where it is long."""
    name = block[:100].partition(b"\0")[0]
    prefix = block[345:500].partition(b"\0")[0]
    if prefix and block[257:263] == b"ustar\0":  # elsewhere GNU tar has other fields there
        return prefix + b"/" + name
    return name


def _has_sum(block: bytes, wanted: int) -> bool:
    """Whether a header's bytes have this sum; old programs took them to be signed."""
    counted = block[:148] + b" " * 8 + block[156:]
    unsigned = sum(counted)
    return wanted == unsigned or wanted == unsigned - 256 * sum(byte > 127 for byte in counted)


def _shown(name: str) -> str:
    """A name for a message."""
    return repr(name if len(name) <= 100 else name[:100] + "...")

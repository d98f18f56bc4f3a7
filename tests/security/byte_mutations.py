"""Damage a model's bytes, and what lies in the place of its files."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.builders import varint
from tests.security.drafts import Draft, Mutation, Random, nested_fields
from tests.security.hostile import NAMES, NUMBERS
from weightquant_cli.formats.model_writer import Layout
from weightquant_cli.formats.text import encode

# In place of a file. A link's target follows it: "link:TARGET". "sparse:SIZE" adds a hole.
SPECIALS = (
    "directory", "fifo", "socket", "device", "missing", "empty", "unreadable", "sparse",
    "link:/etc/hostname", "link:../../outside", "link:.", "link:self", "link:nowhere",
    "link:/dev/zero", "link:/proc/self/mem", "link:inside",
)  # fmt: skip

FOLDER_SPECIALS = ("fifo", "socket", "device", "missing", "empty", "link:nowhere", "link:.",
                   "link:self", "link:inside", "link:/dev/zero", "link:/proc/self")  # fmt: skip


# ---- wire format and bytes ------------------------------------------------------------------


def nest(draft: Draft, rng: Random) -> None:
    """An unknown field that nests messages, or groups, deeper than any parser should go."""
    deep = nested_fields(rng)
    draft.raw_program.append(lambda data: data + deep)


def append_field(draft: Draft, rng: Random) -> None:
    """A field after the end: unknown, truncated, of a forbidden number, or of a wrong wire type."""
    tag = varint(rng.choice((0, 1, 2, 4, 5, 100, 2**29 - 1, 2**29)) << 3 | rng.randrange(8))
    value = rng.choice((b"", b"\0", varint(2**64 - 1), b"\xff" * 11, varint(2**31), b"\x04abcd"))
    draft.raw_program.append(lambda data: data + tag + value)


def change_length(draft: Draft, rng: Random) -> None:
    """A length prefix inside the program lies."""
    place, number = rng.random(), rng.choice(NUMBERS)

    def change(data: bytes) -> bytes:
        prefixes = [at for at in range(1, len(data)) if data[at - 1] & 7 == 2 and data[at] < 128]
        if not prefixes:
            return data
        at = prefixes[int(place * len(prefixes))]
        return data[:at] + varint(number) + data[at + 1 :]

    draft.raw_program.append(change)


def damage_program(draft: Draft, rng: Random) -> None:
    draft.raw_program.append(_byte_change(rng))


def damage_params(draft: Draft, rng: Random) -> None:
    draft.raw_params.append(_byte_change(rng))


def _byte_change(rng: Random) -> Callable[[bytes], bytes]:
    """Flip, cut, drop, double, insert or overwrite, at a place chosen now."""
    part, place, piece = rng.randrange(8), rng.random(), rng.randbytes(rng.choice((1, 2, 4, 8, 64)))
    bit = 1 << rng.randrange(8)

    def change(data: bytes) -> bytes:
        # Headers and the program's beginning matter most: every other change hits the front.
        at = int(place * len(data)) if bit & 0b01010101 else int(place * min(len(data), 64))
        end = at + len(piece)
        changed = {
            0: lambda: data[:at] + bytes(b ^ bit for b in data[at : at + 1]) + data[at + 1 :],
            1: lambda: data[:at],
            2: lambda: data[:at] + data[end:],
            3: lambda: data[:end] + data[at:],
            4: lambda: data[:at] + piece + data[at:],
            5: lambda: data[:at] + piece + data[end:],
            6: lambda: data[:at] + b"\xff" * len(piece) + data[end:],
            7: lambda: data + piece,
        }
        return changed[part]()

    return change


# ---- files ----------------------------------------------------------------------------------


def _file(draft: Draft, rng: Random) -> str:
    layout = draft.layout
    names = [layout.program, layout.params or rng.choice(list(draft.records))]
    return rng.choice([*names, *draft.carried])


def replace_file(draft: Draft, rng: Random) -> None:
    """Something else in a file's place."""
    name, kind = _file(draft, rng), rng.choice(SPECIALS)
    if kind == "sparse" and name in draft.carried:  # copied whole, hole and all, to memory
        kind = "empty"
    draft.specials[name] = kind


def add_file(draft: Draft, rng: Random) -> None:
    """A file too many: another candidate, junk, a pickle that nobody may load."""
    name = rng.choice((
        "__model__", "model", "other.pdmodel", "params", "weights", "other.pdiparams", "x.json",
        "inference.pdiparams.info", "convert_to_lite.sh", "a\nb", "\x1b[2J", "-rf", "\udcff",
    ))  # fmt: skip
    content = rng.choice((b"", b"{}", b"\x80\x04\x95N.", b"\0" * 64, b"cos\nsystem\n(S'id'\ntR."))
    draft.extra[name] = content
    if rng.random() < 0.2:
        draft.specials[name] = rng.choice(SPECIALS)


def change_layout(draft: Draft, rng: Random) -> None:
    """Files under hostile but possible names."""
    possible = [n for n in NAMES if n not in ("", ".", "..") and not set(n) & set("/\0")]
    program = rng.choice([n for n in possible if len(encode(n)) < 200]) + ".pdmodel"
    draft.layout = Layout(program, program.removesuffix(".pdmodel") + ".pdiparams")


def replace_folder(draft: Draft, rng: Random) -> None:
    """Something else in the place of the model's folder."""
    draft.specials[""] = rng.choice(FOLDER_SPECIALS)


def swap_files(draft: Draft, rng: Random) -> None:
    draft.swapped = True


BYTES: Sequence[Mutation] = (nest, append_field, change_length, damage_program, damage_program,
                             damage_params, damage_params)  # fmt: skip
FILES: Sequence[Mutation] = (replace_file, replace_file, replace_file, add_file, add_file,
                             change_layout, swap_files, replace_folder)  # fmt: skip

"""Read a PIR program from the bytes of a `.json` file.

The bytes are hostile until proven: sizes, nesting and types are checked, and every value is
defined once and before it is read, so whoever walks the program afterwards needs no checks.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ...errors import ProgramError, UnsupportedModelError
from ..other_files import LFS_POINTER, LFS_REMEDY, LFS_START
from ..validation import MAX_JSON_BYTES, MAX_OPERATORS, MAX_VARIABLES
from . import literals
from .ir import ABSENT, Attribute, Block, NoType, Operation, TensorType, Value, VectorType
from .literals import Malformed, field, integer

MAX_DEPTH = 32
"""Regions around a region. A branch in a loop makes two."""

NEWEST_VERSION = 4
"""The newest version of the format that was seen: Paddle 3.3.1 writes it."""

PARAMETER = "builtin.parameter"

# Numbers of the dialects in the file.
_DIALECTS = {"0": "builtin", "1": "pd_op", "2": "cf", "3": "custom_op", "4": "dist"}

# The remedy where a file is damaged.
_EXPORT_AGAIN = "export the model again"


def read(data: bytes, path: Path) -> Block:
    """The main block of the program in `data`.

    Args:
        data: the whole file.
        path: the file's name, for messages.

    Raises:
        ProgramError: not JSON, not PIR, or damaged; the message says where.
        UnsupportedModelError: a newer version that does not parse, or more of anything than
            any model has.
    """
    document = _parse(data, path)
    version = _version(document, path)
    reader = _Reader()
    try:
        program = field(document, "program", dict, "the file")
        regions = field(program, "regions", list, "the program")
        if len(regions) != 1:
            raise Malformed("the program has not one region")
        return reader.block(regions[0], "", 0)
    except Malformed as error:
        if version > NEWEST_VERSION:
            raise UnsupportedModelError(
                f"a program in PIR version {version}, which is not known here: {error}",
                path=path,
                expected=f"version {NEWEST_VERSION} or older",
                remedy="use a newer weightquant, or export the model with Paddle 3.3",
            ) from error
        raise ProgramError(
            f"not a valid PIR program: {error}", path=path, remedy=_EXPORT_AGAIN
        ) from error
    except TooMany as error:
        raise UnsupportedModelError(
            f"the program has more {error} than any model", path=path
        ) from error


class TooMany(Exception):
    """More operators, values or levels than any model has."""


def _parse(data: bytes, path: Path) -> dict[str, Any]:
    if len(data) > MAX_JSON_BYTES:
        raise UnsupportedModelError(
            "the program is larger than any model's",
            path=path,
            expected=f"at most {MAX_JSON_BYTES} bytes",
            found=len(data),
        )
    if data.startswith(LFS_START):
        raise ProgramError(LFS_POINTER, path=path, remedy=LFS_REMEDY)
    try:
        document = json.loads(
            data.decode("utf-8-sig"), parse_constant=_refuse_constant, object_pairs_hook=_object
        )
    except RecursionError as error:
        raise ProgramError(
            "the program's JSON is nested too deeply", path=path, remedy=_EXPORT_AGAIN
        ) from error
    except ValueError as error:  # JSONDecodeError, UnicodeDecodeError, an endless number
        raise ProgramError(
            f"the file is not valid JSON: {error}", path=path, remedy=_EXPORT_AGAIN
        ) from error
    if not isinstance(document, dict) or not isinstance(document.get("base_code"), dict):
        raise _not_pir(path)
    return document


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"an object has a key twice, among {', '.join(sorted(found)[:5])}")
    return found


def _version(document: dict[str, Any], path: Path) -> int:
    """The file's version; one below 1 is refused."""
    base = document["base_code"]
    version = base.get("version")
    if base.get("magic") != "pir" or type(version) is not int:
        raise _not_pir(path)
    if not 1 <= version < 1 << 31:
        raise UnsupportedModelError(
            "a PIR program of a version that no Paddle writes",
            path=path,
            expected=f"1 to {NEWEST_VERSION}",
            found=str(version) if abs(version) < 1 << 64 else "a number of more than 64 bits",
        )
    return version


def _not_pir(path: Path) -> ProgramError:
    return ProgramError(
        "the file is JSON, but not a Paddle program (PIR)",
        path=path,
        remedy="name the program with --model-filename",
    )


class _Reader:
    """Reads blocks, and keeps what is common to them: counts, and the values defined so far."""

    def __init__(self) -> None:
        self._operations = 0
        self._visible: set[int] = {ABSENT}
        self._values = 0

    def block(self, region: Any, outer: str, depth: int) -> Block:
        """The one block of a region; `outer` is the place of the operation that owns it."""
        if depth > MAX_DEPTH:
            raise TooMany("levels of blocks")
        blocks = field(region, "blocks", list, "a region")
        if len(blocks) != 1:
            raise Malformed(f"a region has {len(blocks)} blocks, not one")
        arguments = []
        defined: list[int] = []
        for argument in field(blocks[0], "args", list, "a block"):
            arguments.append(self._value(argument, "#", defined))
        operations: list[Operation] = []
        for json_operation in field(blocks[0], "ops", list, "a block"):
            place = f"{outer}operation {len(operations)}"
            try:
                operations.append(self._operation(json_operation, place, depth, defined))
            except Malformed as error:
                raise Malformed(_within(place, error)) from error
        self._visible.difference_update(defined)
        return Block(tuple(arguments), tuple(operations))

    def _operation(self, found: Any, place: str, depth: int, defined: list[int]) -> Operation:
        self._operations += 1
        if self._operations > MAX_OPERATORS:
            raise TooMany("operators")
        kind = field(found, "#", str, "an operation")
        if kind == "p":
            return self._parameter(found, place, defined)
        name = _operation_name(kind)
        try:
            operands = tuple(self._operand(each) for each in field(found, "I", list, "it"))
            regions = self._regions(found, place, depth)
            results = tuple(
                self._value(each, "%", defined) for each in field(found, "O", list, "it")
            )
            attributes = _attributes(field(found, "A", list, "it"))
        except Malformed as error:
            raise Malformed(_within(name, error)) from error
        return Operation(name, operands, results, attributes, regions, place)

    def _regions(self, found: dict[str, Any], place: str, depth: int) -> tuple[Block, ...]:
        if "regions" not in found:
            return ()
        regions = field(found, "regions", list, "it")
        return tuple(self.block(region, f"{place}, ", depth + 1) for region in regions)

    def _parameter(self, found: dict[str, Any], place: str, defined: list[int]) -> Operation:
        """A parameter, which has a spelling of its own: a list of flags and its name."""
        flags = field(found, "A", list, "a parameter")
        if len(flags) < 4:
            raise Malformed("a parameter has no name")
        name = literals.name(flags[3], "a parameter's name")
        value = self._value(field(found, "O", dict, "a parameter"), "%", defined)
        if not isinstance(value.type, TensorType):
            raise Malformed(f"the parameter {name} is not a tensor")
        attributes: dict[str, Attribute] = {
            "parameter_name": name,
            "persistable": _is_stored(found),
        }
        return Operation(PARAMETER, (), (value,), attributes, (), place)

    def _operand(self, found: Any) -> int:
        number = integer(field(found, "%", int, "an operand"), "an operand")
        if number not in self._visible:
            raise Malformed(f"value {number} is read before it is defined")
        return number

    def _value(self, found: Any, key: str, defined: list[int]) -> Value:
        number = integer(field(found, key, int, "a result"), "a result")
        type = literals.read_type(found.get("TT"))
        if number == ABSENT:
            return Value(ABSENT, NoType())
        if number in self._visible:
            raise Malformed(f"value {number} is defined twice")
        self._values += len(type.elements) if isinstance(type, VectorType) else 1
        if self._values > MAX_VARIABLES:
            raise TooMany("values")
        self._visible.add(number)
        defined.append(number)
        return Value(number, type)


def _is_stored(parameter: dict[str, Any]) -> bool:
    """Whether a parameter is in the file of parameters: the first of its result's flags.

    A recurrent layer has one that is not, and that is never read: the state of its dropout.
    """
    flags = parameter.get("OA")
    return not (type(flags) is list and flags and flags[0] == 0)


def _within(place: str, error: Malformed) -> str:
    """The message with the place before it, unless an inner operation gave its own."""
    said = str(error)
    return said if said.startswith("operation ") else f"{place}: {said}"


def _operation_name(kind: str) -> str:
    number, dot, name = kind.partition(".")
    dialect = _DIALECTS.get(number, number)
    if not dot or not name or len(kind) > literals.MAX_TEXT:
        raise Malformed(f"{kind[:40]!r} is not an operation's name")
    return literals.text(f"{dialect}.{name}", "an operation's name")


def _attributes(found: list[Any]) -> dict[str, Attribute]:
    attributes: dict[str, Attribute] = {}
    for each in found:
        name = literals.name(field(each, "N", str, "an attribute"), "an attribute's name")
        value = literals.read_attribute(each.get("AT"))
        if name in attributes:
            raise Malformed(f"the attribute {name} is there twice")
        if value is not None:
            attributes[name] = value
    return attributes

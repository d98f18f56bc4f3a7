"""Write small PIR programs by hand, as Paddle 3 would store them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.builders import normal, record
from weightquant_cli.formats.pir import Unknown, translate
from weightquant_cli.formats.program import Operator, Program

FILE = Path("m.json")

Json = dict[str, Any]


def tensor(*dims: int, element: str = "f32") -> Json:
    """The type of a tensor."""
    return {"#": "0.t_dtensor", "D": [{"#": f"0.t_{element}"}, list(dims), "NCHW", [], 0]}


def vector(*types: Json) -> Json:
    """The type of several tensors in one value."""
    return {"#": "0.t_vec", "D": list(types)}


def attribute(value: object) -> Json:
    """An attribute in the kind that Paddle uses for such a value; an object is taken as it is."""
    if isinstance(value, dict):
        return value
    if isinstance(value, bool):
        return {"#": "0.a_bool", "D": value}
    if isinstance(value, int):
        return {"#": "0.a_i32", "D": value}
    if isinstance(value, float):
        return {"#": "0.a_f32", "D": value}
    if isinstance(value, str):
        return {"#": "0.a_str", "D": value}
    assert isinstance(value, list | tuple)
    return {"#": "0.a_array", "D": [attribute(each) for each in value]}


def dtype(name: str) -> Json:
    """An attribute that names an element type."""
    return {"#": "1.a_dtype", "D": name}


class Builder:
    """Operations one after another; each gives the numbers of its results."""

    def __init__(self, parent: Builder | None = None) -> None:
        self.operations: list[Json] = []
        self.arguments: list[Json] = []
        self._counter: list[int] = parent._counter if parent else [0, 0]

    def parameter(self, name: str, *dims: int, persistable: int = 1) -> int:
        """A parameter; its value."""
        value = self._value(tensor(*dims))
        flags = [persistable, 1, 1]
        self.operations.append({"#": "p", "A": [0, 1, 1, name], "O": value, "OA": flags})
        return int(value["%"])

    def data(self, name: str, *dims: int, element: str = "f32") -> int:
        """An input; its value."""
        return self.op("1.data", [], tensor(*dims, element=element), name=name)

    def op(
        self,
        kind: str,
        operands: Sequence[int],
        /,
        *results: Json,
        regions: Sequence[Builder] = (),
        **attributes: object,
    ) -> int:
        """An operation; the value of its first result, the others follow it."""
        values = [self._value(type) for type in results]
        operation: Json = {
            "#": kind if "." in kind else f"1.{kind}",
            "I": [{"%": number} for number in operands],
            "O": values,
            "A": [{"N": key, "AT": attribute(value)} for key, value in attributes.items()],
        }
        if regions:
            blocks = [{"args": each.arguments, "ops": each.operations} for each in regions]
            operation["regions"] = [{"blocks": [block]} for block in blocks]
        self.operations.append(operation)
        return int(values[0]["%"]) if values else 0

    def integers(self, *numbers: int) -> int:
        """A constant list of integers."""
        longs = [{"#": "0.a_i64", "D": number} for number in numbers]
        return self.op("full_int_array", [], tensor(len(numbers), element="i64"), value=longs)

    def number(self, value: float, *dims: int, element: str = "f32") -> int:
        """A constant number, with dims [1] unless others are given."""
        return self.op("full", [], tensor(*(dims or (1,)), element=element), value=value)

    def scalar(self, value: float, element: str = "i64") -> int:
        """A constant number without dims."""
        return self.op("full", [], tensor(element=element), value=value)

    def fetch(self, value: int, name: str = "out", column: int = 0) -> None:
        """An output."""
        self.op("1.fetch", [value], tensor(1), name=name, col=column)

    def argument(self, type: Json) -> int:
        """An argument of the block."""
        self._counter[1] -= 1
        self.arguments.append({"#": self._counter[1], "TT": type})
        return self._counter[1]

    def _value(self, type: Json) -> Json:
        if type == {"#": "NULL"}:
            return {"%": 0, "TT": type}
        self._counter[0] += 1
        return {"%": self._counter[0], "TT": type}

    def document(self, version: object = 4) -> Json:
        """The whole file as an object."""
        return {
            "base_code": {"magic": "pir", "trainable": True, "version": version},
            "program": {
                "regions": [{"blocks": [{"args": self.arguments, "ops": self.operations}]}]
            },
        }

    def json(self) -> bytes:
        """The whole file."""
        return json.dumps(self.document()).encode()

    def translated(self, unknown: Unknown = Unknown.REFUSE) -> Program:
        """Our translation of it."""
        return translate(self.json(), FILE, unknown)


def operators(program: Program, block: int = 0) -> list[Operator]:
    """The operators of a block, without feed and fetch."""
    found = program.blocks[block].operators
    return [operator for operator in found if operator.type not in ("feed", "fetch")]


def types(program: Program, block: int = 0) -> list[str]:
    """Their types."""
    return [operator.type for operator in operators(program, block)]


def attributes(operator: Operator) -> Mapping[str, object]:
    """An operator's attributes by name."""
    return {attribute.name: attribute.value for attribute in operator.attributes}


def through(write: Callable[[Builder, int], int], *dims: int) -> Program:
    """The translation of a program of one input `x` and one output `out`."""
    builder = Builder()
    builder.fetch(write(builder, builder.data("x", *dims)))
    return builder.translated()


def write_json_model(folder: Path, name: str = "inference") -> Path:
    """A model of Paddle 3: a convolution of one parameter."""
    builder = Builder()
    image = builder.data("image", 1, 3, 8, 8)
    weight = builder.parameter("conv.w", 4, 3, 3, 3)
    attrs: dict[str, Any] = {"strides": [1, 1], "paddings": [0, 0], "padding_algorithm": "EXPLICIT",
             "dilations": [1, 1], "groups": 1, "data_format": "NCHW"}  # fmt: skip
    builder.fetch(builder.op("conv2d", [image, weight], tensor(1, 4, 6, 6), **attrs))
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_bytes(builder.json())
    (folder / f"{name}.pdiparams").write_bytes(record(normal(4, 3, 3, 3)))
    return folder

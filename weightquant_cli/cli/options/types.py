"""The types of option values: how each argument is parsed and completed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...core.lite.carried import ALL_OP_TYPES
from ...core.plan.options import FLOAT_BITS, MAX_BITS, MIN_BITS
from ...errors import OptionError
from ..completion.weight_names import complete_file, complete_weight

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ...core.plan.size import Size

    ValueType = click.ParamType[Any]
else:  # generic since click 8.4 only
    ValueType = click.ParamType

AUTO = "auto"
ALL = "all"

# Layer names that users may mistake for operator types.
_LAYERS = {
    "linear": "matmul_v2 or mul",
    "dense": "matmul_v2 or mul",
    "embedding": "lookup_table_v2 or lookup_table",
    "conv": "conv2d",
}

# Below this a size without a unit is taken for a mistake: `--target-size 3`.
_LEAST_BYTES = 1024


def _completion(value: str, **attributes: Any) -> CompletionItem:
    from click.shell_completion import CompletionItem  # not needed to run a command

    return CompletionItem(value, **attributes)


class PathType(click.Path):
    """A path, never empty: an unset shell variable must not mean the current folder."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(path_type=Path, **attributes)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path; a usage error where it is empty."""
        if value == "":
            self.fail("the path is empty", param, ctx)
        return super().convert(value, param, ctx)


class ModelFolder(PathType):
    """A model's folder. The core reports what is wrong with it."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Folders, as the shell finds them."""
        return [_completion(incomplete, type="dir")]


class FilePath(PathType):
    """A file, not a folder."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False)


# click asks gettext for the name of each path's type, a search of its own in the file system.
PATH, MODEL_FOLDER, FILE = PathType(), ModelFolder(), FilePath()


class FileName(ValueType):
    """The name of a file in a folder; the core checks that it is not a path.

    Args:
        existing: whether the model's files complete it.
    """

    name = "name"

    def __init__(self, existing: bool) -> None:
        self.existing = existing

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name; a usage error where it is empty."""
        if value == "":
            self.fail("the name is empty", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The files in the model's folder."""
        return complete_file(ctx, param, incomplete) if self.existing else []


class OpTypes(ValueType):
    """Operator types separated by commas."""

    name = "types"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The types named in `value`; the core checks that they exist."""
        if isinstance(value, tuple):
            return value
        types = tuple(part.strip() for part in str(value).split(",") if part.strip())
        if not types:
            self.fail("no operator type is named", param, ctx)
        for op_type in types:
            if op_type.lower() in _LAYERS:
                meant = _LAYERS[op_type.lower()]
                self.fail(f"{op_type} is a layer; its operator type is {meant}", param, ctx)
        return types

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The types that can follow the last comma."""
        done, comma, last = incomplete.rpartition(",")
        names = set(ALL_OP_TYPES).difference(done.split(",")) if done else {*ALL_OP_TYPES, ALL}
        return [_completion(done + comma + name) for name in sorted(names) if name.startswith(last)]


class Bits(ValueType):
    """4 to 16, `auto`, or 32."""

    name = "bits"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | str:
        """The number, or ``auto``."""
        if isinstance(value, int):
            return value
        if value == AUTO:
            return AUTO
        try:
            return int(str(value))
        except ValueError:
            self.fail(
                f"{value!r} is neither a number from {MIN_BITS} to {MAX_BITS}, nor auto, nor 32",
                param,
                ctx,
            )

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The possible values."""
        values = (AUTO, *map(str, range(MIN_BITS, MAX_BITS + 1)), str(FLOAT_BITS))
        return [_completion(value) for value in values if value.startswith(incomplete)]


class BitsFor(ValueType):
    """A pattern of weight names with the bits for them."""

    name = "pattern"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Pattern and bits; a weight's name may contain a ``=``."""
        if isinstance(value, tuple):
            return value
        pattern, equals, bits = str(value).rpartition("=")
        if not (equals and pattern and bits.isdecimal()):
            self.fail(f"{value!r} is not PATTERN=BITS, such as 'fc_*=16'", param, ctx)
        return pattern, int(bits)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The weights' names up to the ``=``, then the bits."""
        pattern, equals, _ = incomplete.rpartition("=")
        if equals:
            values = [f"{pattern}={bits}" for bits in range(MIN_BITS, MAX_BITS + 1)]
            return [_completion(value) for value in values if value.startswith(incomplete)]
        return [
            _completion(f"{item.value}=", help=item.help)
            for item in complete_weight(ctx, param, incomplete)
        ]


class InputShape(ValueType):
    """An input's name and its shape, such as ``x=1,3,48,320``."""

    name = "shape"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[int, ...]]:
        """Name and dims; OptionError where they are none."""
        from ...core.run.inputs.sizes import parse_shape  # numpy, which few commands need

        return value if isinstance(value, tuple) else parse_shape(str(value))


class SizeType(ValueType):
    """Bytes with a unit, or percent of the input."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        """The size; a usage error where it is none, or where a unit is missing."""
        from ...core.plan.size import Size  # few runs have a size to keep to

        if isinstance(value, Size):
            return value
        size = self.parse(str(value), param, ctx)
        if not size.relative and size.number < _LEAST_BYTES and not str(value)[-1:].isalpha():
            self.fail(f"{value!r} has no unit: write {value}MB, or a share such as 30%", param, ctx)
        return size

    def parse(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> Size:
        """The size, with a unit or without; a usage error where it is none."""
        from ...core.plan.size import Size

        try:
            return Size.parse(text)
        except OptionError as error:
            self.fail(str(error), param, ctx)


class ByteCount(SizeType):
    """Bytes, with or without a unit."""

    name = "bytes"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number of bytes; a usage error where it is none, or a share."""
        if str(value) == "0":
            return 0
        size = self.parse(str(value), param, ctx)
        if size.relative:
            self.fail(f"{value!r} is a share: write a size such as 64KiB", param, ctx)
        return size.of(0)

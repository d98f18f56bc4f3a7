"""Everything that can go wrong and that a user can mend, one class each.

    WeightQuantError
    ├── GateError                   the result is not as good as was asked for     exit code 1
    ├── OptionError                 contradictory, unknown or unmatched options    exit code 2
    ├── ModelError                  the model is invalid or unsupported            exit code 3
    │   ├── ModelNotFoundError      no program in the folder, or not the one named
    │   ├── AmbiguousModelError     several programs or parameter files to choose from
    │   ├── UnsupportedModelError   a valid model of a kind that is not handled
    │   ├── ProgramError            the program's bytes are not a valid ProgramDesc
    │   ├── ParameterError          a parameter's record is damaged or does not fit the program
    │   ├── MissingParameterError   parameter files are missing
    │   ├── NonFiniteWeightError    NaN or infinity in a weight that is to be quantized
    │   ├── AlreadyQuantizedError   the weights are integers already
    │   └── core.run.RunError       the model cannot be run on these inputs
    └── OutputError                 the result could not be written                exit code 4

Every message is one line in three parts: what happened, where, what to do next. Low-level errors
(OSError, protobuf's DecodeError) are wrapped once, where they arise, with `from`.

Below the command line no option is known by its spelling there. A message names the field or the
argument that a Python caller would set, in backquotes: "leave out `threshold_rate`". The command
line spells it as its own option, with `spelled` or `WeightQuantError.message`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

_FIELD = re.compile(r"`([a-z_]+)`")
_AS_FIELDS: Mapping[str, str] = {}


def printable(text: str) -> str:
    """Text from a model or a file name, made safe for one line on a terminal.

    Control characters, line breaks, bidirectional marks and bytes that are not UTF-8 (kept as
    surrogates) are shown as backslash escapes; everything that prints stays as it is.
    """
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def listed(names: Iterable[str], limit: int = 5) -> str:
    """Names for a message: the first few, then how many more."""
    all_names = [printable(name) for name in names]
    shown = ", ".join(all_names[:limit])
    hidden = len(all_names) - limit
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def counted(number: int, what: str, of: int | None = None) -> str:
    """A number of things for a message: ``1 weight``, ``2 weights``, ``1 of 2 weights``."""
    some = f"{number}" if of is None else f"{number} of {of}"
    return f"{some} {what}" + ("" if (number if of is None else of) == 1 else "s")


def readable(size: int) -> str:
    """A number of bytes for a message, such as ``1.92 MiB (2010000 bytes)``: as `ls -h` counts."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size >= 1024**power:
            return f"{size / 1024**power:.2f} {unit} ({size} bytes)"
    return counted(size, "byte")


def spelled(text: str, options: Mapping[str, str]) -> str:
    """A message's text with the fields in backquotes spelled as options.

    Args:
        text: such as "leave it FP32: `exclude`".
        options: what to write for a field, such as ``{"exclude": "--exclude"}``; what is not in it
            stays as it is.
    """
    return _FIELD.sub(lambda field: options.get(field[1], field[0]), text)


class WeightQuantError(Exception):
    """Base of all errors that the package raises on purpose.

    Attributes:
        what: what happened.
        path: the file or folder concerned.
        tensor: the variable concerned.
        offset: bytes from the start of the file.
        expected, found: the two sides of a mismatch.
        remedy: what the user can do next.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        what: str,
        *,
        path: str | os.PathLike[str] | None = None,
        tensor: str | None = None,
        offset: int | None = None,
        expected: object = None,
        found: object = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.path = None if path is None else os.fspath(path)
        self.tensor = tensor
        self.offset = offset
        self.expected = expected
        self.found = found
        self.remedy = remedy

    def __str__(self) -> str:
        return self.message()

    def message(self, options: Mapping[str, str] = _AS_FIELDS) -> str:
        """The error in one line, with the fields it names spelled as in `options` (`spelled`)."""
        where = self._where()
        what = spelled(self.what, options)
        remedy = None if self.remedy is None else spelled(self.remedy, options)
        mismatch = [
            f"{label} {value}"
            for label, value in (("expected", self.expected), ("found", self.found))
            if value is not None
        ]
        parts = [f"{what} ({where})" if where else what, ", ".join(mismatch), remedy]
        return printable("; ".join(part for part in parts if part))

    def _where(self) -> str:
        places = (
            ("", self.path),
            ("tensor ", self.tensor),
            ("offset ", self.offset),
        )
        return ", ".join(f"{label}{value}" for label, value in places if value is not None)


class GateError(WeightQuantError):
    """The result would not be as small, or as good, as was asked for; nothing was written."""

    exit_code = 1


class OptionError(WeightQuantError):
    """Options that contradict each other, are out of range, or match nothing.

    Attributes:
        option: the field or argument that is wrong, or None where it is no single one. The message
            begins with it: "`exclude`: the pattern 'x*' matches no weight".
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        option: str | None = None,
        path: str | os.PathLike[str] | None = None,
        tensor: str | None = None,
        expected: object = None,
        found: object = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(
            f"`{option}`: {what}" if option else what,
            path=path,
            tensor=tensor,
            expected=expected,
            found=found,
            remedy=remedy,
        )
        self.option = option


class ModelError(WeightQuantError):
    """The model is invalid or unsupported."""

    exit_code = 3


class ModelNotFoundError(ModelError):
    """There is no program in the folder, or not the one that was named."""


class AmbiguousModelError(ModelError):
    """Several files could be the program or the parameters."""


class UnsupportedModelError(ModelError):
    """A valid model of a kind that Paddle Lite or this project does not handle."""


class ProgramError(ModelError):
    """The program's bytes are not a valid ProgramDesc."""


class ParameterError(ModelError):
    """A parameter's record is damaged, or does not fit the program."""


class MissingParameterError(ModelError):
    """The program names parameters for which there is no file."""


class NonFiniteWeightError(ModelError):
    """A weight that is to be quantized holds NaN or infinity."""


class AlreadyQuantizedError(ModelError):
    """The model's weights are quantized already."""


class OutputError(WeightQuantError):
    """The result could not be written; nothing was changed."""

    exit_code = 4

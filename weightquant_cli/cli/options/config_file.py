"""`--config`: options from a TOML file, with a table for each command.

They become click's `default_map`, which the environment and the command line overrule. Only a file
that is named is read: otherwise a line would do something else in another folder. Relative paths
start at the file's own folder, so that the line works from everywhere.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import OptionError
from .option import Option

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 1 << 20
MAX_WORK = 1 << 26
"""The file's bytes times those of its longest line: for a dotted key the parser takes time and
memory by the square of its parts, and a key ends with its line."""

MAX_NUMBER = (1 << 63) - 1
"""The largest integer that TOML asks of every parser."""

# Types whose value may be a number in the file.
_NUMBERS = ("float", "integer", "integer range", "bits", "bytes", "size")

# Options that are about the call, not about what it does.
_NOT_IN_A_FILE = ("--config", "--help", "--version")


def use_config(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:
    """Let the file's table for this command stand in for options that are not given.

    Raises:
        OptionError: the file cannot be read, is not TOML, or names an option or value that the
            command does not have; it says which.
    """
    if path is None or ctx.resilient_parsing:
        return path
    table = _table(_read(path), ctx, path)
    options = {
        option.long_name[2:]: option
        for option in ctx.command.params
        if isinstance(option, Option) and option.long_name not in _NOT_IN_A_FILE
    }
    values = {}
    for key, value in table.items():
        where = f"[{ctx.command.name}] {key}"
        option = _option(options, key, where, path)
        values[option.name] = _value(ctx, option, value, where, path)
    ctx.default_map = values
    return path


def _read(path: Path) -> Mapping[str, Any]:
    toml = _toml()
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise _wrong(f"cannot read the file: {error.strerror}", path) from error
    if len(content) > MAX_BYTES:
        raise _wrong(f"the file has more than {MAX_BYTES} bytes", path)
    longest = max(map(len, content.split(b"\n")))
    if len(content) * longest > MAX_WORK:
        raise _wrong(
            "a line is too long for a file of this size",
            path,
            expected=f"at most {MAX_WORK // len(content)} bytes",
            found=longest,
            remedy="write a long list on several lines",
        )
    try:
        document: Mapping[str, Any] = toml.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _wrong(f"the file is not TOML: {error}", path) from error
    return document


def _toml() -> Any:
    """The parser: Python's own since 3.11, before that the package that it was made from."""
    for name in ("tomllib", "tomli"):
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            continue
    raise OptionError(
        "TOML files need Python 3.11 or the package tomli",
        option="config",
        remedy="pip install tomli, or give the options on the command line",
    )


def _table(document: Mapping[str, Any], ctx: click.Context, path: Path) -> Mapping[str, Any]:
    """The command's own table; the other ones are the other commands' affair."""
    group = ctx.parent.command if ctx.parent else None
    commands = group.list_commands(ctx) if isinstance(group, click.Group) else list(document)
    for name, table in document.items():
        if name not in commands:
            raise _wrong(
                f"there is no command {name!r}",
                path,
                remedy=_near(name, commands)
                or f"the tables are {', '.join(f'[{command}]' for command in commands)}",
            )
        if not isinstance(table, dict):
            raise _wrong(f"{name} is no table", path, remedy=f"write it as [{name}]")
    found: Mapping[str, Any] = document.get(ctx.command.name or "", {})
    return found


def _option(options: Mapping[str, Option], key: str, where: str, path: Path) -> Option:
    """The option that a key names, with dashes or underscores."""
    name = key.replace("_", "-")
    if name in options:
        return options[name]
    for positive, option in options.items():
        if f"--{name}" in option.secondary_opts:
            raise _wrong(f"{where} is no option", path, remedy=f"write {positive} = false")
    raise _wrong(f"{where} is no option", path, remedy=_near(name, options))


def _value(ctx: click.Context, option: Option, value: object, where: str, path: Path) -> object:
    """What click's `default_map` holds for the option, once it is known to be valid."""
    if option.is_flag:
        if not isinstance(value, bool):
            raise _wrong(f"{where} is wrong", path, "true or false", value)
        return value
    if not option.multiple:
        return _scalar(ctx, option, value, where, path)
    if isinstance(value, dict):
        value = [f"{name}={_joined(one)}" for name, one in value.items()]
    texts = value if isinstance(value, list) else [value]
    return [_scalar(ctx, option, text, where, path) for text in texts]


def _scalar(ctx: click.Context, option: Option, value: object, where: str, path: Path) -> object:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str) and not (number and option.type.name in _NUMBERS):
        kind = "text or a number" if option.type.name in _NUMBERS else "text"
        raise _wrong(f"{where} is wrong", path, kind, value)
    if isinstance(value, int) and abs(value) > MAX_NUMBER:  # Python shows no number of any length
        raise _wrong(f"{where} is wrong", path, f"at most {MAX_NUMBER}", "a larger number")
    value = str(value)
    if "\0" in value:  # which the command line cannot hold, so that no type expects it
        raise _wrong(f"{where} has a NUL in it", path)
    if isinstance(option.type, click.Path) and value not in ("", "-"):
        value = os.path.join(path.parent, value)
    try:
        option.type.convert(value, option, ctx)
    except click.BadParameter as error:
        raise _wrong(f"{where}: {error.message.rstrip('.')}", path) from error
    except OptionError as error:
        raise _wrong(f"{where}: {error}", path) from error
    return value


def _joined(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def _near(word: str, words: Iterable[str]) -> str | None:
    from ..messages import most_similar

    similar = most_similar(word, words)
    return f"did you mean {similar}?" if similar else None


def _wrong(
    what: str,
    path: Path,
    expected: str | None = None,
    found: object = None,
    remedy: str | None = None,
) -> OptionError:
    shown = None if found is None else repr(found)[:80]
    return OptionError(
        what, option="config", path=path, expected=expected, found=shown, remedy=remedy
    )

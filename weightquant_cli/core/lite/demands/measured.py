"""What the audit has measured of every opt, read from `measured.json` when it is first asked for.

The file is written by ``python -m tests.oracles.lite_demands.audit``; DEMANDS.md explains it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ....errors import OptionError
from ....formats.program import AttributeValue, AttrType
from .versions import VERSIONS

_EVERY = "*"


class Default(NamedTuple):
    """A value that Paddle itself takes for an attribute that a program lacks.

    Attributes:
        type: the attribute's type.
        value: the value.
        source: the Paddle that registers it, such as ``PaddlePaddle 2.6.2``.
    """

    type: AttrType
    value: AttributeValue
    source: str


class Measured(NamedTuple):
    """What one version of Paddle Lite accepts and demands, for ARM.

    Attributes:
        version: the version.
        operators: operators with a kernel for ARM or the host.
        attributes: attributes that opt reads without asking whether they are there, by operator.
        types: the only type in which opt reads an attribute, by operator and attribute.
        outputs: output slots that opt insists on, by operator.
        without_booleans: operators that abort where their first input is BOOL.
    """

    version: str
    operators: frozenset[str]
    attributes: Mapping[str, frozenset[str]]
    types: Mapping[str, Mapping[str, AttrType]]
    outputs: Mapping[str, frozenset[str]]
    without_booleans: frozenset[str]


@functools.cache
def of_version(version: str) -> Measured:
    """The facts about one version.

    Raises:
        OptionError: a version that was not measured.
    """
    if version not in VERSIONS:
        raise OptionError(
            "this version of Paddle Lite has not been measured",
            expected=f"one of {', '.join(VERSIONS)}",
            found=version,
        )
    stored = _stored()

    def named(table: Mapping[str, str]) -> frozenset[str]:
        return frozenset(name for name, versions in table.items() if _holds(versions, version))

    return Measured(
        version,
        frozenset(
            name
            for group in stored["operators"]
            if version in group["versions"]
            for name in group["names"].split()
        ),
        {operator: named(table) for operator, table in stored["attributes"].items()},
        {
            operator: {
                name: AttrType[type_name]
                for name, (type_name, versions) in table.items()
                if _holds(versions, version)
            }
            for operator, table in stored["types"].items()
        },
        {operator: named(table) for operator, table in stored["outputs"].items()},
        named(stored["without_booleans"]),
    )


@functools.cache
def defaults() -> Mapping[tuple[str, str], Default]:
    """Paddle's own defaults, by operator and attribute, of what some opt demands."""
    found = {}
    for operator, table in _stored()["defaults"].items():
        for name, (type_name, value, source) in table.items():
            kept = tuple(value) if isinstance(value, list) else value
            found[operator, name] = Default(AttrType[type_name], kept, f"PaddlePaddle {source}")
    return found


@functools.cache
def _stored() -> dict[str, Any]:
    text = Path(__file__).with_name("measured.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def _holds(versions: str, version: str) -> bool:
    return versions == _EVERY or version in versions.split()

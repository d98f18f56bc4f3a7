"""From what opt did to what the package knows: the tables of `measured.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from weightquant_cli.core.lite.demands.outputs import UNREAD
from weightquant_cli.formats.program import AttrType

from .. import envs
from . import lab
from .ablation import IGNORED, Defaults, Trial

Aborted = Mapping[str, Sequence[Trial]]
"""The trials that made opt abort, by version."""

_DEFAULTS_FROM = {"1.8.5": envs.PADDLE_18, "2.6.2": envs.PADDLE_26}
_NO_DEFAULT = {
    "is_test": "whether it is one is for the export to say",
    "pooling_type": "the default is no type at all",
    "interp_method": "the default is that of another operator",
}
"""Attributes whose registered default is not taken, and why."""

_BOOLEAN = re.compile(r"Can't find a (?:'calib'|Cast) kernel .*bool.*:(\w+)$")


def paddle_defaults(folder: Path) -> dict[str, Defaults]:
    """What each Paddle registers, by version, operator and attribute."""
    found: dict[str, Defaults] = {}
    for version, environment in _DEFAULTS_FROM.items():
        out = folder / f"defaults-{version}.json"
        lab.run_in(environment, "paddle_defaults.py", out)
        found[version] = {
            operator: {
                name: (AttrType(kind), tuple(value) if isinstance(value, list) else value)
                for name, (kind, value) in table.items()
                if name not in IGNORED
            }
            for operator, table in json.loads(out.read_text()).items()
        }
    return found


def merged(defaults: Mapping[str, Defaults]) -> Defaults:
    """The newest Paddle's default of everything."""
    result: dict[str, dict[str, Any]] = {}
    for version in _DEFAULTS_FROM:
        for operator, table in defaults[version].items():
            result.setdefault(operator, {}).update(table)
    return result


def measured(
    operators: Mapping[str, set[str]],
    aborted: Aborted,
    plain: Mapping[str, Sequence[lab.Outcome]],
    defaults: Mapping[str, Defaults],
) -> dict[str, Any]:
    """The contents of `measured.json`.

    Args:
        operators: those that each opt has a kernel for.
        aborted: the trials that failed.
        plain: what each opt made of the unchanged cases, for ARM.
        defaults: what each Paddle registers.
    """
    attributes = _attributes(aborted)
    return {
        "about": "written by python -m tests.oracles.lite_demands.audit; see DEMANDS.md",
        "operators": _grouped(operators),
        "attributes": attributes,
        "types": _types(aborted),
        "outputs": _outputs(aborted),
        "without_booleans": _without_booleans(plain),
        "defaults": _defaults(attributes, defaults),
    }


def write(path: Path, facts: Mapping[str, Any]) -> None:
    """One line for each operator, sorted: a difference between two audits can be read."""
    lines = []
    for key, table in facts.items():
        if isinstance(table, dict):
            rows = [
                f"  {json.dumps(k)}: {json.dumps(v, sort_keys=True)}"
                for k, v in sorted(table.items())
            ]
            lines.append(f"{json.dumps(key)}: {{\n" + ",\n".join(rows) + "\n}")
        elif isinstance(table, list):
            rows = [f"  {json.dumps(row)}" for row in table]
            lines.append(f"{json.dumps(key)}: [\n" + ",\n".join(rows) + "\n]")
        else:
            lines.append(f"{json.dumps(key)}: {json.dumps(table)}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def _grouped(operators: Mapping[str, set[str]]) -> list[dict[str, Any]]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name in sorted(set().union(*operators.values())):
        versions = tuple(v for v in lab.LITE if name in operators[v])
        groups.setdefault(versions, []).append(name)
    return [
        {"versions": list(versions), "names": " ".join(names)}
        for versions, names in sorted(groups.items())
    ]


def _spelled(versions: Sequence[str]) -> str:
    return "*" if len(versions) == len(lab.LITE) else " ".join(versions)


def _by_version(aborted: Aborted, kind: str) -> dict[Trial, list[str]]:
    found: dict[Trial, list[str]] = {}
    for version in lab.LITE:
        for trial in aborted[version]:
            if trial.kind == kind:
                found.setdefault(trial, []).append(version)
    return found


def _attributes(aborted: Aborted) -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = {}
    for trial, versions in _by_version(aborted, "attribute").items():
        table.setdefault(trial.operator, {})[trial.name] = _spelled(versions)
    return table


def _types(aborted: Aborted) -> dict[str, dict[str, list[str]]]:
    table: dict[str, dict[str, list[str]]] = {}
    for trial, versions in _by_version(aborted, "type").items():
        wanted = trial.detail.split()[0]
        table.setdefault(trial.operator, {})[trial.name] = [wanted, _spelled(versions)]
    return table


def _outputs(aborted: Aborted) -> dict[str, dict[str, str]]:
    table: dict[str, dict[str, str]] = {}
    for trial, versions in _by_version(aborted, "output").items():
        if trial.name in UNREAD.get(trial.operator, ()):
            table.setdefault(trial.operator, {})[trial.name] = _spelled(versions)
    return table


def _without_booleans(plain: Mapping[str, Sequence[lab.Outcome]]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for version in lab.LITE:
        for outcome in plain[version]:
            match = _BOOLEAN.search(outcome.said)
            if match and version not in found.setdefault(match.group(1), []):
                found[match.group(1)].append(version)
    return {operator: _spelled(versions) for operator, versions in found.items()}


def _defaults(
    attributes: Mapping[str, Mapping[str, str]], defaults: Mapping[str, Defaults]
) -> dict[str, dict[str, list[Any]]]:
    """Of what some opt demands: the default, where all Paddles that register one agree."""
    table: dict[str, dict[str, list[Any]]] = {}
    for operator, names in attributes.items():
        for name in names:
            known = {
                version: defaults[version][operator][name]
                for version in reversed(_DEFAULTS_FROM)
                if name in defaults[version].get(operator, {})
            }
            if name in _NO_DEFAULT or len({repr(value) for value in known.values()}) != 1:
                continue
            version, (kind, value) = next(iter(known.items()))
            table.setdefault(operator, {})[name] = [kind.name, value, version]
    return table

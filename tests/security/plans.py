"""Plan files for `quantize --plan`: one that fits the damaged model, and then damaged itself."""

from __future__ import annotations

import json
import random
from typing import Any, TypeAlias

from tests.security.hostile import FLOATS, NAMES, NUMBERS
from weightquant_cli.core.plan.plan_file import SCHEMA, VERSION

Random: TypeAlias = random.Random

TYPES = ("channel_wise_abs_max", "abs_max")
DEPTH = 3000


def plan_bytes(shapes: dict[str, list[int]], rng: Random) -> bytes:
    """A plan for weights of these names and dims, as it should be or with one or two changes."""
    document: dict[str, Any] = {
        "schema": SCHEMA,
        "version": VERSION,
        "weight_quantize_type": rng.choice(TYPES),
        "threshold_rate": 0.0,
        "rewrite": rng.random() < 0.8,
        "weights": [
            {"name": name, "shape": dims, "bits": rng.choice((None, 8, 9, 12, 16))}
            for name, dims in shapes.items()
        ],
    }
    for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
        _change(document, rng)
    # Names may hold surrogates, which JSON writes as escapes.
    data = json.dumps(document, ensure_ascii=rng.random() < 0.8).encode("utf-8", "surrogatepass")
    return _damage(data, rng) if rng.random() < 0.1 else data


def _change(document: Any, rng: Random) -> None:
    """Something else in the place of any one value; a key or an element too many or too few."""
    places = list(_places(document))
    holder, key = rng.choice(places)
    part = rng.randrange(5)
    if part == 0:
        del holder[key]
    elif part == 1 and isinstance(holder, list):
        holder.append(holder[key])
    elif part == 1:
        holder[rng.choice(NAMES)] = holder[key]
    else:
        holder[key] = _value(rng)


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    keys = value.keys() if isinstance(value, dict) else range(len(value))
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], (dict, list)):
            found += _places(value[key])
    return found


def _value(rng: Random) -> Any:
    return rng.choice((
        None, True, False, [], {}, [[]], "8", 8.0, 7, 17, 10**400, -(10**30),
        rng.choice(NUMBERS), rng.choice(FLOATS), rng.choice(NAMES), [rng.choice(NUMBERS)] * 3,
        {rng.choice(NAMES): rng.choice(NAMES)},
    ))  # fmt: skip


def _damage(data: bytes, rng: Random) -> bytes:
    at = rng.randrange(len(data))
    return rng.choice((
        data[:at],
        data[:at] + rng.randbytes(3) + data[at:],
        b"\xef\xbb\xbf" + data,
        data + data,
        b"[" * DEPTH + b"]" * DEPTH,
        b'{"a":' * DEPTH + b"1" + b"}" * DEPTH,
        b"9" * 10_000,
        b"",
        b"\0" * 100,
        data.decode("utf-8", "replace").encode("utf-16"),
    ))  # fmt: skip

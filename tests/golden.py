"""Digests of what quantizing the digits models gives: the same with every Python and every numpy.

    python -m tests.golden      writes tests/golden.json anew

`.ci/run` runs the suite, and so this comparison, under Python 3.10 to 3.13 and with the oldest and
newest dependencies.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    WeightQuantizeType,
    plan_model,
    quantize,
)
from weightquant_cli.core.plan.options import AutoBits

FILE = Path(__file__).with_suffix(".json")
MODELS = Path(__file__).parent / "models"

PER_TENSOR = WeightQuantizeType.ABS_MAX
SETTINGS = {
    "int8": QuantizeOptions(),
    "int16": QuantizeOptions(bits=16),
    "12 bits, all": QuantizeOptions(bits=12, op_types=("all",)),
    "per tensor": QuantizeOptions(weight_quantize_type=PER_TENSOR),
    "clipped": QuantizeOptions(weight_quantize_type=PER_TENSOR, threshold_rate=1e-2),
    "automatic": QuantizeOptions(bits=AutoBits(45.0), op_types=("all",)),
}


def digest(folder: Path) -> str:
    """SHA-256 over the names and contents of a folder's files, in byte order of the names."""
    hashed = hashlib.sha256()
    for path in sorted(folder.iterdir(), key=lambda path: path.name.encode()):
        content = path.read_bytes()
        hashed.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return hashed.hexdigest()


def digests(jobs: int | None = None) -> dict[str, str]:
    """The digest of every model in every setting."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("digits", "digits_combined"):
            model = Model.load(MODELS / name)
            for label, options in SETTINGS.items():
                out = Path(scratch) / name / label
                quantize(model, plan_model(model, options), OutputOptions(out), jobs)
                found[f"{name}, {label}"] = digest(out)
    return found


if __name__ == "__main__":
    FILE.write_text(json.dumps(digests(), indent=2) + "\n")

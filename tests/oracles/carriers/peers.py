"""What others make of models that carriers shrink: `python -m tests.oracles.carriers.peers`.

Sizes of the `.nb` for ARM (opt 2.12, INT8): FP32, Paddle's `WeightQuantization` with every operator
type that it knows, `opt --quant_model`, and `quantize` as it is without options.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from weightquant_cli import QuantizeOptions
from weightquant_cli.core.lite.carried import ALL_OP_TYPES

from .. import lite, ours, paddle, zoo
from ..jobs import OracleFailed
from ..zoo import ZooModel

MODELS = ("crnn_1x", "crnn_2x", "tagger_gru_1x", "unet_2x", "ppocr_det")
LITE = "2.12"
OPT_QUANTIZES = ("--quant_model=true", "--quant_type=QUANT_INT8")


def main(names: Sequence[str]) -> None:
    """Print the table, a line for each model."""
    print("| model | FP32 | Paddle 1.8.5 | Paddle 2.6.2 | `opt --quant_model` | quantize |")
    print("|---|---|---|---|---|---|")
    for name in names or MODELS:
        with tempfile.TemporaryDirectory() as scratch:
            print(f"| {name} | {' | '.join(sizes(name, Path(scratch)))} |", flush=True)


def sizes(name: str, scratch: Path) -> list[str]:
    """The cells of a model: kB, or what went wrong."""
    model = zoo.model(name, "combined")
    ours.quantized(model, scratch / "ours", QuantizeOptions(op_types=ALL_OP_TYPES))
    return [
        _size(model, model.folder, scratch),
        *(_with_paddle(version, model, scratch / version) for version in paddle.ENVIRONMENT),
        _size(model, model.folder, scratch, *OPT_QUANTIZES),
        _size(model, scratch / "ours", scratch),
    ]


def _with_paddle(version: str, model: ZooModel, out: Path) -> str:
    try:
        paddle.quantize(version, [paddle.QuantizeJob.of(model, out)])
    except OracleFailed as failed:
        return "fails: " + str(failed).strip().splitlines()[-1][:60]
    return _size(model, out / "quantized_model", out)


def _size(model: ZooModel, folder: Path, scratch: Path, *extra: str) -> str:
    program, params = model.program, model.params
    done = lite.convert(LITE, folder, program, params, scratch / "phone", "arm", *extra)
    return f"{done.nb.stat().st_size / 1e3:.0f}" if done.nb else "opt aborts"


if __name__ == "__main__":
    main(sys.argv[1:])

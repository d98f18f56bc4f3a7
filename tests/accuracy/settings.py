"""The settings of the table, and what each makes of a model."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.oracles.run.models import spelled_for_2_6
from weightquant_cli import (
    AutoBits,
    Model,
    OutputOptions,
    QuantizeOptions,
    Size,
    check,
    dequantize,
    plan_model,
    quantize,
)
from weightquant_cli.core.check.compare_outputs import compare_model_outputs
from weightquant_cli.core.lite.demands.demand import DemandCode
from weightquant_cli.core.quantize.adaptive.adaptive import round_adaptively
from weightquant_cli.core.quantize.adaptive.result import NO_ROUNDING
from weightquant_cli.core.quantize.compressed import Candidate, compressed_size, compressed_sizes
from weightquant_cli.core.run.inputs import SampleOptions, samples


@dataclass(frozen=True)
class Setting:
    """How a model is quantized.

    Attributes:
        label: for the table, as one would type it.
        bits: of the options.
        adaptive: whether rounding is.
    """

    label: str
    bits: int | AutoBits
    adaptive: bool


SETTINGS = (
    Setting("--bits 8", 8, False),
    Setting("--bits auto", AutoBits(), False),
    Setting("--rounding adaptive", 8, True),
    Setting("--accurate", AutoBits(), True),
    Setting("--accurate --target-size 35%", AutoBits(target_size=Size(35, relative=True)), True),
    Setting(
        "--accurate --target-compressed 20%",
        AutoBits(target_compressed=Size(20, relative=True)),
        True,
    ),
    Setting("--bits 16", 16, False),
    Setting("--bits 7 --rounding adaptive", 7, True),
    Setting("--bits 6", 6, False),
    Setting("--bits 6 --rounding adaptive", 6, True),
    Setting("--bits 5 --rounding adaptive", 5, True),
)


@dataclass(frozen=True)
class Written:
    """A model as it is on disk.

    Attributes:
        folder: the quantized model, as the phone gets it.
        plain: the same in FP32, dequantized, as PaddlePaddle can run it.
        size: bytes.
        compressed: bytes, deflated.
        worst_sqnr: of its weights, in dB.
        told: SQNR of the outputs on synthetic inputs in dB, as `dequantize-check` says it.
    """

    folder: Path
    plain: Path
    size: int
    compressed: int
    worst_sqnr: float
    told: tuple[float, ...]


def original(source: Path, folder: Path) -> Written:
    """The FP32 model; its program is respelled where PaddlePaddle 2.6.2 could not read it."""
    model = Model.load(source)
    spelled_for_2_6(model.stored, folder)
    size, compressed = model.stored.size, compressed_size(model.stored).total
    return Written(source, folder, size, compressed, float("inf"), ())


def written(source: Path, setting: Setting, folder: Path) -> Written:
    """Quantize a model and dequantize it again."""
    model = Model.load(source)
    plan = plan_model(model, QuantizeOptions(bits=setting.bits, op_types=("all",)))
    rounding = NO_ROUNDING
    if setting.adaptive:
        rounding = round_adaptively(model, plan, samples(model, SampleOptions()))
    small = folder / "small"
    result = quantize(model, plan, OutputOptions(small), rounding=rounding)
    quantized = Model.load(small)
    found = check(quantized).findings
    assert all(isinstance(one.code, DemandCode) for one in found), found  # no fault of quantizing
    with tempfile.TemporaryDirectory() as between:
        back = Path(between) / "back"
        dequantize(quantized, OutputOptions(back))
        spelled_for_2_6(Model.load(back).stored, folder / "plain")
    (compressed,) = compressed_sizes(model, [Candidate(plan, False, rounding=rounding)])
    told = compare_model_outputs(quantized, model)
    return Written(
        small,
        folder / "plain",
        result.sizes.after,
        compressed.total,
        min(one.error.sqnr for one in result.weights if one.error is not None),
        tuple(output.sqnr_db for output in told.outputs),
    )

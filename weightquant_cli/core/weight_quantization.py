"""Paddle's own calling convention: `WeightQuantization(...).quantize_weight_to_int(...)`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import OptionError
from ..formats.files.atomic_folder import Existing
from ..formats.model_dir import ModelFiles, open_model
from .lite.storage import WeightQuantizeType
from .model.model import Model
from .plan.options import MAX_BITS, USUAL_BITS, QuantizeOptions
from .plan.plan import Plan, make_plan
from .quantize.adaptive.result import AdaptiveRounding
from .quantize.dequantize import dequantize
from .quantize.output import OutputOptions
from .quantize.quantize import preview, quantize
from .quantize.results import Quantized

DEFAULT_PROGRAM = "__model__"

NEAREST, ADAPTIVE = "nearest", "adaptive"


class WeightQuantization:
    """Quantizes the weights of a trained model, without calibration data.

    The interface is that of PaddlePaddle 1.7's class of the same name.

    Args:
        model_dir: the folder of the FP32 model.
        model_filename: the program's file name; None finds it by looking.
        params_filename: the name of the one file that holds all parameters; None finds it by
            looking, or reads one file per parameter.
    """

    def __init__(
        self,
        model_dir: str | os.PathLike[str],
        model_filename: str | None = None,
        params_filename: str | None = None,
    ) -> None:
        self._model_dir = Path(model_dir)
        self._model_filename = model_filename
        self._params_filename = params_filename

    def quantize_weight_to_int(
        self,
        save_model_dir: str | os.PathLike[str],
        save_model_filename: str | None = None,
        save_params_filename: str | None = None,
        quantizable_op_type: Sequence[str] = ("conv2d", "mul"),
        weight_bits: int = 8,
        threshold_rate: float = 0.0,
        weight_quantize_type: str | None = None,
        generate_test_model: bool = False,
        rounding: str = "nearest",
    ) -> Quantized:
        """Quantize and save the model.

        Args:
            save_model_dir: where to. Files go straight into it, and other files there stay; with
                `generate_test_model` into ``quantized_model/`` and ``test_model/`` within it.
            save_model_filename: the program's file name; None is ``__model__``.
            save_params_filename: the name of one file for all parameters; None writes one file
                per parameter.
            quantizable_op_type: operator types whose weights are quantized.
            weight_bits: 8 to 16; 8 is stored as INT8, more as INT16.
            threshold_rate: share of the weight's largest values to clip; per tensor only.
            weight_quantize_type: ``channel_wise_abs_max`` or ``abs_max``; None is channel-wise,
                or abs_max where a threshold rate is given.
            generate_test_model: also write the dequantized FP32 model, which PaddlePaddle can run.
            rounding: ``nearest``, which is Paddle's; or ``adaptive``, which runs the model on
                made-up inputs and rounds so that its answers change least.

        Returns:
            What was done with every weight.

        Raises:
            OptionError: an argument out of range.
            ModelError: the model is invalid or unsupported.
            OutputError: the result could not be written.
        """
        _refuse_out_of_range(weight_bits, rounding)
        options = QuantizeOptions(
            bits=weight_bits,
            weight_quantize_type=_quantize_type(weight_quantize_type),
            threshold_rate=threshold_rate,
            op_types=tuple(quantizable_op_type),
        )
        model = Model.load(self._model_dir, self._model_filename, self._params_filename)
        folder = Path(save_model_dir)
        output = OutputOptions(
            folder=folder / "quantized_model" if generate_test_model else folder,
            program=save_model_filename or DEFAULT_PROGRAM,
            params=save_params_filename,
            separate=save_params_filename is None,
            existing=Existing.MERGE,
        )
        plan = make_plan(model, options)
        rounded = _round(model, plan, output) if rounding == ADAPTIVE else None
        result = quantize(model, plan, output, rounding=rounded)
        if generate_test_model:
            self._dequantize(output, folder / "test_model")
        return result

    @staticmethod
    def _dequantize(quantized: OutputOptions, folder: Path) -> None:
        program = quantized.program or DEFAULT_PROGRAM
        # Named, not looked for: files of an earlier run with another layout may lie beside these.
        written = ModelFiles(quantized.folder, program, quantized.params)
        dequantize(
            Model(open_model(written)),
            OutputOptions(
                folder=folder,
                program=program,
                params=quantized.params,
                separate=quantized.separate,
                existing=Existing.MERGE,
            ),
        )


def _refuse_out_of_range(weight_bits: int, rounding: str) -> None:
    """Refuse what Paddle's class does not know: fewer than 8 bits are for `QuantizeOptions`."""
    if isinstance(weight_bits, bool) or not USUAL_BITS <= weight_bits <= MAX_BITS:
        raise OptionError(
            "out of range",
            option="weight_bits",
            expected=f"{USUAL_BITS} to {MAX_BITS}",
            found=weight_bits,
        )
    if rounding not in (NEAREST, ADAPTIVE):
        raise OptionError(
            f"unknown rounding {rounding!r}",
            option="rounding",
            expected=f"{NEAREST} or {ADAPTIVE}",
        )


def _round(model: Model, plan: Plan, output: OutputOptions) -> AdaptiveRounding:
    from .quantize.adaptive.adaptive import round_adaptively  # the interpreter, which few runs need
    from .run.inputs import SampleOptions, samples

    preview(model, plan, output)  # what is refused is so before the long work
    return round_adaptively(model, plan, samples(model, SampleOptions()))


def _quantize_type(name: str | None) -> WeightQuantizeType | None:
    if name is None:
        return None
    try:
        return WeightQuantizeType(name)
    except ValueError as error:
        raise OptionError(
            f"unknown type {name!r}",
            option="weight_quantize_type",
            expected=" or ".join(kind.value for kind in WeightQuantizeType),
        ) from error

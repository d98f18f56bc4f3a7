"""How the settings that `inspect --recommend` compares are spelled on the command line."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ...core.plan.options import AutoBits
from .quantize import ADAPTIVE

if TYPE_CHECKING:
    from ...core.recommend.comparison import Measured
    from ...core.recommend.settings import Setting
    from .inspect import InspectArguments

OUTPUT = "out"
"""The output folder in a line to copy."""

REPORT = "report.json"
"""The report in a line to copy: `dequantize-check` asks for it where parameters were corrected."""


def command_line(one: Measured, arguments: InspectArguments) -> str:
    """The line with which `quantize` does it to the same model, for a POSIX shell."""
    setting = one.setting
    words = ["weightquant", "quantize", *_options(setting)]
    for option, name in (
        ("--model-filename", arguments.model_filename),
        ("--params-filename", arguments.params_filename),
    ):
        if name is not None:
            words += [option, name]
    if setting.adaptive:
        words += _inputs(arguments)
    if one.is_corrected:
        words += ["--report", REPORT]
    folder = str(arguments.model_dir)
    end = ["--"] if folder.startswith("-") else []
    return shlex.join([*words, *end, folder, OUTPUT])


def _options(setting: Setting) -> list[str]:
    if isinstance(setting.bits, AutoBits):
        size = setting.bits.target_size
        return ["--accurate", *(["--target-size", f"{size.number}%"] if size is not None else [])]
    rounding = ["--rounding", ADAPTIVE] if setting.adaptive else []
    return ["--bits", str(setting.bits), *rounding]


def _inputs(arguments: InspectArguments) -> list[str]:
    """What the model is run on, where that was given."""
    words = []
    for name, dims in arguments.input_shape:
        words += ["--input-shape", f"{name}={','.join(map(str, dims))}"]
    if arguments.inputs is not None:
        words += ["--inputs", str(arguments.inputs)]
    return words

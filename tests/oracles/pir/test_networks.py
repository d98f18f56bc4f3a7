"""Whole networks: our translation in Paddle 2.6.2 against the .json in Paddle 3.3.1."""

from __future__ import annotations

from pathlib import Path

import pytest

from .. import envs
from ..conftest import Tell
from .exported import OTHERS, PPOCR, SLANET, VISION, Exported, difference, networks, run_old

pytestmark = pytest.mark.oracle

TOLERANCE = 1e-5


def test_released_models_of_pp_ocr_answer_as_in_paddle_3(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_33, envs.PADDLE_26, envs.PPOCR)
    compare(networks((), tuple(PPOCR), tmp_path), tmp_path, tell)


def test_a_released_model_with_a_loop_answers_as_in_paddle_3(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_33, envs.PADDLE_26, envs.SLANET)
    compare(networks((), (SLANET,), tmp_path), tmp_path, tell)


def test_the_networks_of_paddle_vision_answer_as_in_paddle_3(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_33, envs.PADDLE_26)
    compare(networks(VISION, (), tmp_path), tmp_path, tell)


def test_text_segmentation_and_detection_networks_answer_as_in_paddle_3(
    tmp_path: Path, tell: Tell
) -> None:
    envs.require(envs.PADDLE_33, envs.PADDLE_26)
    compare(networks(OTHERS, (), tmp_path), tmp_path, tell)


def compare(cases: list[Exported], folder: Path, tell: Tell) -> None:
    """Translate and run all; fail with every network that is off."""
    failed = {}
    for case in cases:
        error = case.error or case.translate()
        if error:
            failed[case.name] = error
    answers = run_old([case for case in cases if case.name not in failed], folder)
    for case in cases:
        answer = answers.get(case.name, failed.get(case.name, ""))
        if isinstance(answer, str):
            failed[case.name] = answer
            continue
        found = difference(answer, case.answer())
        if found > TOLERANCE:
            failed[case.name] = f"{found:.1e} off"
        tell(f"PIR: {case.name}, Paddle 2.6.2 with our translation: {found:.0e} off Paddle 3.3.1")
    assert not failed, "\n".join(f"{name}: {why}" for name, why in failed.items())

"""Pictures of writing in no language."""

from __future__ import annotations

import numpy as np
import pytest

from weightquant_cli.core.run.inputs.noise import KINDS
from weightquant_cli.core.run.inputs.writing import writing


def test_every_second_picture_is_writing() -> None:
    assert [kind == "writing" for kind in KINDS] == [False, True] * 3


@pytest.mark.parametrize("seed", range(8))
def test_most_of_it_is_plain_ground_and_the_rest_differs_clearly(seed: int) -> None:
    made = writing(np.random.default_rng(seed), (1, 64, 256))
    ground = np.median(made)
    written = np.abs(made - ground) > 0.4
    assert 0.01 < written.mean() < 0.5


def test_glyphs_are_shared_by_the_channels() -> None:
    made = writing(np.random.default_rng(0), (3, 96, 256))
    assert np.corrcoef(made.reshape(3, -1)).min() > 0.7


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 4, 4), (1, 28, 28), (3, 1, 50), (4, 50, 1)])
def test_pictures_of_every_size_are_made(shape: tuple[int, int, int]) -> None:
    made = writing(np.random.default_rng(0), shape)
    assert made.shape == shape
    assert np.isfinite(made).all()
    assert np.abs(made).max() <= 1

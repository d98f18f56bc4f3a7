"""Every kernel alone against PaddlePaddle, over random shapes and attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from tests.oracles import envs
from tests.oracles.conftest import Tell
from weightquant_cli.core.run import KERNELS
from weightquant_cli.core.run.operators.creation import RANDOM

from . import cases_boxes, cases_elements, cases_images, cases_rare, cases_sequences, cases_shapes
from .operator_runs import Case, complaint, references

pytestmark = pytest.mark.oracle

FAMILIES: dict[str, Callable[[np.random.Generator], Iterator[Case]]] = {
    "convolutions": cases_images.convolutions,
    "pools": cases_images.pools,
    "normalizations": cases_images.normalizations,
    "resizing": cases_images.resizing,
    "activations": cases_elements.activations,
    "arithmetic": cases_elements.arithmetic,
    "products": cases_elements.products,
    "reductions": cases_elements.reductions,
    "searches": cases_elements.searches,
    "shapes": cases_shapes.shapes,
    "slices": cases_shapes.slices,
    "indices": cases_shapes.indices,
    "borders": cases_shapes.borders,
    "constants": cases_shapes.constants,
    "sequences": cases_sequences.sequences,
    "recurrent": cases_sequences.recurrent,
    "decoding": cases_sequences.decoding,
    "priors": cases_boxes.priors,
    "coders": cases_boxes.coders,
    "suppression": cases_boxes.suppression,
    "regions": cases_boxes.regions,
    "rare elements": cases_rare.elements,
    "rare tensors": cases_rare.tensors,
    "rare images": cases_rare.images,
    "fused": cases_rare.fused,
}

# Random numbers, which are refused; messages, which compute nothing; and another name of
# batch_norm, which Paddle runs on GPUs only.
WITHOUT_CASE = {*RANDOM, "assert", "print", "sync_batch_norm"}


def cases_of(version: str) -> list[Case]:
    return [
        case
        for number, family in enumerate(FAMILIES.values())
        for case in family(np.random.default_rng(number))
        if case.paddle == version
    ]


@pytest.mark.parametrize("version", ["1.8.5", "2.6.2"])
def test_every_kernel_gives_what_paddle_gives(version: str, tell: Tell) -> None:
    envs.require(envs.PADDLE_18, envs.PADDLE_26)
    cases = cases_of(version)
    given = references(version, cases)
    wrong = [complaint(case, one) for case, one in zip(cases, given, strict=True)]
    complaints = [text for text in wrong if text]
    assert not complaints, f"{len(complaints)} of {len(cases)}:\n" + "\n".join(complaints)
    types = len({case.type for case in cases})
    tell(f"operators against Paddle {version}: {types} types in {len(cases)} cases agree to 1e-5")


def test_every_kernel_has_a_case() -> None:
    tested = {case.type for version in ("1.8.5", "2.6.2") for case in cases_of(version)}
    assert set(KERNELS) - tested == WITHOUT_CASE

"""What the model is run on where it is run: the user's inputs, or synthetic ones."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ....errors import OptionError
from ...model.model import Model
from ...run import Tensor, prepare
from ...run.inputs import given, input_specs, is_dense, synthetic, with_shapes
from ...run.memory import estimate

SAMPLES = 12
"""Synthetic inputs. Measured: 8 to 12 are enough, and more gain little."""


@dataclass(frozen=True)
class SampleOptions:
    """Inputs to run a model on.

    Attributes:
        inputs: the user's: an .npz file, or a folder of .npz or .npy files. None makes them up.
        shapes: shapes of made-up inputs by name; others follow from the program.
        count: how many are made up.
        seed: of what is made up.
    """

    inputs: Path | None = None
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    count: int = SAMPLES
    seed: int = 0


def samples(model: Model, options: SampleOptions) -> Iterator[dict[str, Tensor]]:
    """The inputs, one after the other.

    Raises:
        OptionError: inputs or shapes that do not fit the model, or with which running it would take
            more memory than the machine has.
    """
    graph = prepare(model.program)
    specs = input_specs(model.program, graph)
    if options.inputs is not None:
        yield from given(options.inputs, specs)
        return
    dense = is_dense(graph)
    shapes = with_shapes(specs, options.shapes, dense=dense)
    needed = estimate(model.program, graph, shapes).total
    if needed > _memory():
        raise OptionError(
            "running the model on such inputs takes more memory than the machine has",
            option="input_shape",
            path=model.files.folder,
            expected=f"at most {_memory() >> 20} MiB",
            found=f"{needed >> 20} MiB",
            remedy="give a smaller `input_shape`",
        )
    yield from synthetic(specs, options.count, seed=options.seed, shapes=shapes, dense=dense)


def _memory() -> int:
    """Bytes of the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")

"""What a model is run on where it is run: the user's inputs, or synthetic ones.

Each is looked at before the model is run on it: running must not take more memory than there is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ....errors import OptionError
from ...model.model import Model
from ..available_memory import available_memory
from ..graph import Graph, prepare
from ..memory import estimate
from ..values import Tensor
from .given import given
from .sizes import with_shapes
from .specs import input_specs, is_dense
from .synthetic import synthetic

SAMPLES = 24
"""Synthetic inputs. Measured: fewer round worse at 6 bits, and more gain little."""


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


def samples(model: Model, options: SampleOptions, runs: int = 1) -> Iterator[dict[str, Tensor]]:
    """The inputs, one after the other: a value for each of the model's feeds, by name.

    Args:
        model: what will be run.
        options: which inputs.
        runs: how many such models are run at the same time.

    Raises:
        OptionError: inputs or shapes that do not fit the model, or with which running it would take
            more memory than there is.
    """
    graph = prepare(model.program)
    specs = input_specs(model.program, graph)
    if options.inputs is not None:
        for values in given(options.inputs, specs):
            shapes = {name: value.array.shape for name, value in values.items()}
            _require_memory(model, graph, shapes, runs, "inputs")
            yield values
        return
    dense = is_dense(graph)
    shapes = with_shapes(specs, options.shapes, dense=dense)
    _require_memory(model, graph, shapes, runs, "input_shape")
    yield from synthetic(specs, options.count, seed=options.seed, shapes=shapes, dense=dense)


def _require_memory(
    model: Model, graph: Graph, shapes: Mapping[str, Sequence[int]], runs: int, option: str
) -> None:
    needed = estimate(model.program, graph, shapes).total * runs
    there_is = available_memory()
    if needed > there_is:
        raise OptionError(
            "running the model on such inputs takes more memory than there is",
            option=option,
            path=model.files.folder,
            expected=f"at most {there_is >> 20} MiB",
            found=f"{needed >> 20} MiB",
            remedy="give smaller inputs: `input_shape`"
            if option == "input_shape"
            else "give smaller inputs",
        )

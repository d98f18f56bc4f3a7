"""Inputs to run a model on: synthetic ones, made for what the model asks for, or the user's.

    specs = input_specs(program)
    for inputs in synthetic(specs, 8, seed=0, dense=is_dense(graph)): ...
    for inputs in given(Path("samples"), specs): ...
    for inputs in samples(model, SampleOptions()): ...      # either of them

May import `core.model`, `core.run`, `formats` and `errors`.
"""

from .given import given
from .samples import SampleOptions, samples
from .sizes import parse_shape, parse_shapes, with_shapes
from .specs import InputSpec, Role, input_specs, is_dense
from .synthetic import synthetic

__all__ = [
    "InputSpec",
    "Role",
    "SampleOptions",
    "given",
    "input_specs",
    "is_dense",
    "parse_shape",
    "parse_shapes",
    "samples",
    "synthetic",
    "with_shapes",
]

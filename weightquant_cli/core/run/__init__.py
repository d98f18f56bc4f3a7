"""Running inference programs in numpy: outputs, and every variable on the way.

    network = Network(program, cached(stored(model)))
    outcome = network.run({"x": image}).require()
    outcome.outputs                                     # by name, in the order of the program

Nothing here knows of quantizing.
May import `core.model`, `formats` (program, parameters) and `errors`.
"""

from .errors import RunError
from .graph import Graph, Site, Step, prepare
from .network import Network
from .observer import Observer
from .outcome import Cause, NonFinite, NotRun, Outcome, Snapshot
from .parameters import cached, stored
from .registry import KERNELS
from .values import Array, Lod, Tensor

__all__ = [
    "KERNELS",
    "Array",
    "Cause",
    "Graph",
    "Lod",
    "Network",
    "NonFinite",
    "NotRun",
    "Observer",
    "Outcome",
    "RunError",
    "Site",
    "Snapshot",
    "Step",
    "Tensor",
    "cached",
    "prepare",
    "stored",
]

"""The error of a run that a caller needs whole."""

from __future__ import annotations

from ...errors import ModelError
from .graph import Site


class RunError(ModelError):
    """The model could not be run to its end, or its outputs are not finite.

    Attributes:
        site: the operator concerned, or None.
    """

    def __init__(
        self,
        what: str,
        *,
        site: Site | None = None,
        variable: str | None = None,
        expected: object = None,
        found: object = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(what, tensor=variable, expected=expected, found=found, remedy=remedy)
        self.site = site

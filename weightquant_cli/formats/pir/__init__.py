"""Programs of Paddle 3 (PIR, `NAME.json`), translated into the form that Paddle Lite reads.

`translate` gives an ordinary `Program` in the spelling of Paddle 2.6; the parameters stay as they
are in `NAME.pdiparams`. The package is imported only where a `.json` is read.

    reader, literals, ir     bytes -> a typed program in memory
    rules, tables            how each operation is spelled, one line each
    handlers                 operations for which a line is not enough
    translator, applying     the walk over the program
    writer                   the ProgramDesc that comes out

May import the records of `formats` and `errors`.
"""

from __future__ import annotations

from .translate import Unknown, supported_operations, translate

__all__ = ["Unknown", "supported_operations", "translate"]

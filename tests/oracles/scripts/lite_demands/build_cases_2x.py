"""The audit's cases in Paddle 2.6.2: operators that mobile models use, in their usual variants."""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import case_builder
import cases_activation
import cases_math
import cases_nn
import cases_shape
import cases_vision

CASES = {}
for module in (cases_activation, cases_math, cases_shape, cases_nn, cases_vision):
    CASES.update(module.CASES)

if __name__ == "__main__":
    case_builder.main(CASES)

"""A weight seen as rows."""

from __future__ import annotations

import numpy as np
import pytest

from weightquant_cli.core.quantize.adaptive.rows import Rows

from ....builders import normal


@pytest.mark.parametrize(
    "rows",
    [Rows((6, 3, 2, 2), 0), Rows((6, 1, 3, 3), 0, groups=6), Rows((6, 2, 1, 1), 0, groups=3),
     Rows((5, 7), 1), Rows((5, 7), 0)],
)  # fmt: skip
def test_what_is_written_to_the_rows_is_in_the_weight(rows: Rows) -> None:
    weight = normal(*rows.shape)
    seen = rows.of(weight)
    assert seen.shape == (rows.groups, rows.per_group, rows.inputs)
    copy = np.empty_like(weight)
    rows.of(copy)[...] = seen
    assert (copy == weight).all()


def test_each_row_holds_one_output_channel() -> None:
    matrix = normal(5, 7)
    assert (Rows((5, 7), 1).of(matrix)[0, 3] == matrix[:, 3]).all()
    assert (Rows((5, 7), 0).of(matrix)[0, 3] == matrix[3]).all()
    kernel = normal(6, 2, 3, 3)
    assert (Rows((6, 2, 3, 3), 0, groups=3).of(kernel)[1, 1] == np.ravel(kernel[3])).all()


def test_taps_are_those_that_one_input_channel_meets() -> None:
    assert Rows((6, 2, 3, 5), 0).taps == 15
    assert Rows((5, 7), 1).taps == 1
    assert Rows((5, 7), 0).taps == 1

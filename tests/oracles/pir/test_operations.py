"""Each PIR operation alone: Paddle 3.3.1 runs the .json, Paddle 2.6.2 our translation of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from weightquant_cli.formats.pir import supported_operations

from .. import envs
from ..conftest import Tell
from .exported import difference, export, run_old

pytestmark = pytest.mark.oracle

TOLERANCE = 2e-6
"""Relative to the largest value; the kernels of the two versions add in another order."""

# Translated, and not compared here, with the reason.
NOT_COMPARED = {
    "builtin.constant": "only a constant folding pass of Paddle's makes it, and none is run",
    "builtin.slice": "only passes make it",
    "cf.stack_create": "only programs for training keep it",
    "cf.tuple_push": "only programs for training keep it",
    "pd_op.assert": "it is left out",
    "pd_op.assign_out_": "compared in a released model with a loop",
    "pd_op.select_input": "compared in a released model with a loop",
    "pd_op.collect_fpn_proposals": "exported by PaddleDetection only; a line of the table",
    "pd_op.empty": "its contents are not defined",
    "pd_op.gaussian": "random",
    "pd_op.legacy_matmul": "Paddle 3.3 makes matmul of it; 3.0 kept it",
    "pd_op.matmul_with_flatten": "Paddle 3.3 makes matmul of it; 3.0 kept it",
    "pd_op.memcpy_d2h": "only for GPUs",
    "pd_op.memcpy_h2d": "only for GPUs",
    "pd_op.randint": "random",
    "pd_op.shadow_feed": "only passes make it",
    "pd_op.share_data": "compared under the name share_data_, in whole networks",
    "pd_op.sync_batch_norm_": "there is no kernel for CPUs; the line is that of batch_norm_",
    "pd_op.uniform": "random",
}


def test_every_operation_gives_paddle_3s_answer_in_paddle_2(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_33, envs.PADDLE_26)
    cases = export("pir_build_ops.py", {}, tmp_path)
    failed = {case.name: case.error for case in cases if case.error}
    built = [case for case in cases if not case.error]
    for case in built:
        error = case.translate()
        if error:
            failed[case.name] = error
    translated = [case for case in built if case.name not in failed]
    covered: set[str] = set()
    for name, answer in run_old(translated, tmp_path).items():
        case = next(case for case in translated if case.name == name)
        if isinstance(answer, str):
            failed[name] = answer
        elif (found := difference(answer, case.answer())) > TOLERANCE:
            failed[name] = f"{found:.1e} off"
        else:
            covered |= {_named(operation) for operation in case.operations}
    assert not failed, "\n".join(f"{name}: {why}" for name, why in failed.items())
    supported = {name.removesuffix("_") for name in supported_operations()}
    assert not covered - supported - {"cf.yield"}  # the end of a region: `if` and `while` read it
    left_out = {name.removesuffix("_") for name in NOT_COMPARED}
    assert supported - covered <= left_out, sorted(supported - covered - left_out)
    tell(f"PIR: {len(covered)} operations in {len(cases)} programs, equal to {TOLERANCE:g}")


def _named(operation: str) -> str:
    """An operation's name from the file's: ``1.relu_`` is ``pd_op.relu``."""
    if operation == "p":
        return "builtin.parameter"
    dialect, _, name = operation.partition(".")
    return f"{ {'0': 'builtin', '1': 'pd_op', '2': 'cf'}[dialect] }.{name}".removesuffix("_")

"""Carriers in the real Paddle Lite: what is right, what a neighbour spoils, what opt refuses."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.oracles import envs
from tests.oracles.jobs import Array
from tests.oracles.lite_demands import lab as bench
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizedWeight,
    QuantizeOptions,
    dequantize,
    plan_model,
    quantize,
)
from weightquant_cli.core.lite.demands.mend import mend

from . import cases, lab, trials
from .audit import by_hand
from .lab import Spelling

pytestmark = pytest.mark.oracle

VERSIONS = ("2.12", "2.13rc0")

FOLDED = {
    "conv2d_transpose + batch_norm": "WRONG",
    "conv2d_transpose + sync_batch_norm": "WRONG",
    "conv2d_transpose + bias + batch_norm": "WRONG",
    "matmul trans_y + elementwise_add": "ABORTS",
    "square matmul trans_y + elementwise_add": "WRONG",
    "square matmul trans_y + elementwise_add, weight read twice": "WRONG",
    "lookup_table + matmul trans_y + bias": "ABORTS",
}
"""Programs in which a pass of opt computes with the weight's bytes."""

REFUSED = {
    "reshape2 + elementwise_add",
    "flatten_contiguous_range + elementwise_add",
    "unsqueeze2 + reshape2 + elementwise_add",
}
"""Programs in which a kernel hands the stored type on: opt refuses them."""

REFUSED_FOR_ARM = {
    "transpose2 + elementwise_add",
    "transpose2 + reshape2 + elementwise_add",
    "concat + elementwise_add",
}
"""The same, where only the kernel for ARM does."""

FROM_PADDLE_2 = ["lstm/dynamic_bidirectional_two_layers", "gru/dynamic", "deform_conv2d/mask"]
FROM_PADDLE_1 = ["1x/dynamic_gru", "1x/sequence_conv", "1x/crf_decoding", "1x/conv2d_transpose"]


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    envs.require(envs.PADDLE_18, envs.PADDLE_26, envs.LITE_213)


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> list[bench.Case]:
    return list(cases.build(tmp_path_factory.mktemp("hand")))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[bench.Case]:
    folder = tmp_path_factory.mktemp("built")
    new, _ = bench.build("2.6.2", folder, FROM_PADDLE_2)
    old, _ = bench.build("1.8.5", folder, FROM_PADDLE_1)
    assert len(new) + len(old) == len(FROM_PADDLE_2) + len(FROM_PADDLE_1)
    return new + old


@pytest.mark.parametrize("version", VERSIONS)
def test_a_carrier_is_right_but_where_opt_computes_with_the_bytes(
    hand: list[bench.Case], version: str, tmp_path: Path
) -> None:
    results = trials.trial(version, hand, by_hand(version), tmp_path)
    verdicts = {result.case: result.verdict.split()[0] for result in results}
    refused = dict.fromkeys(REFUSED, "ABORTS")
    assert verdicts == dict.fromkeys(verdicts, "right") | FOLDED | refused
    assert {r.case for r in results if r.arm == "NO"} == REFUSED | REFUSED_FOR_ARM


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(("bits", "matrix"), [(8, "lookup_table"), (16, "mul")])
def test_recurrent_and_transposed_weights_are_right_however_they_are_carried(
    built: list[bench.Case], version: str, bits: int, matrix: str, tmp_path: Path
) -> None:
    place = "first" if bits == 8 else "last"

    def wanted(name: str, array: Array) -> Spelling | None:
        how = (Spelling(matrix, place, shared=bits == 8), Spelling("conv2d", place))
        return next((h for h in how if h.takes(array)), None)

    results = trials.trial(version, built, wanted, tmp_path, bits)
    assert len(results) == len(built)
    assert {(result.off, result.arm) for result in results} == {(0.0, "yes")}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_file_for_the_phone_keeps_every_scale(
    built: list[bench.Case], version: str, tmp_path: Path
) -> None:
    case = next(case for case in built if case.name == FROM_PADDLE_2[0])
    arrays = lab.parameters(case)

    def wanted(name: str, array: Array) -> Spelling | None:
        return Spelling("lookup_table") if array.ndim == 2 else None

    program = case.parse()
    mend(program)
    changed, stored, _ = lab.carried(program, arrays, wanted)
    carried = lab.write(case, changed, stored, tmp_path / "carried")
    opt = envs.python(bench.LITE[version]).parent / "paddle_lite_opt"
    files = [f"--model_file={carried.program}", f"--param_file={carried.params}"]
    out = [f"--optimize_out={tmp_path / 'phone'}", "--optimize_out_type=naive_buffer"]
    subprocess.run([opt, *files, *out, "--valid_targets=arm"], check=True, capture_output=True)
    nb = (tmp_path / "phone.nb").read_bytes()
    matrices = {name: array for name, array in arrays.items() if array.ndim == 2}
    assert len(matrices) == 8
    for name, array in matrices.items():
        assert f"{name}_quant_scale".encode() in nb
        assert lab.quantized(array, 1, 8)[1].astype("<f4").tobytes() in nb


@pytest.mark.parametrize(("version", "bits"), [("2.12", 8), ("2.13rc0", 16)])
def test_whatever_the_plan_quantizes_in_them_is_right(
    hand: list[bench.Case],
    version: str,
    bits: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(QuantizedWeight, "pays_off", True)  # their weights are small
    run = _runner(version, tmp_path)
    quantized: list[bench.Case] = []
    twins: list[bench.Case] = []
    for number, case in enumerate(hand):
        model = Model.load(case.program.parent, case.program.name, case.params.name)
        plan = plan_model(model, QuantizeOptions(bits=bits))
        if not any(isinstance(weight, QuantizedWeight) for weight in plan.weights):
            continue
        home = tmp_path / str(number)
        quantize(model, plan, OutputOptions(home / "quantized"))
        result = Model.load(home / "quantized", case.program.name, case.params.name)
        dequantize(result, OutputOptions(home / "twin"))
        for folder, into in (("quantized", quantized), ("twin", twins)):
            program, params = home / folder / case.program.name, home / folder / case.params.name
            into.append(replace(case, program=program, params=params))
    assert len(quantized) > 10
    ours, theirs = run("quantized", quantized), run("twins", twins)
    off = {c.name: lab.difference(*p) for c, *p in zip(quantized, ours, theirs, strict=True)}
    assert {name: value for name, value in off.items() if value > 2e-5} == {}


def _runner(version: str, folder: Path) -> Callable[[str, list[bench.Case]], list[Path]]:
    def run(name: str, given: list[bench.Case]) -> list[Path]:
        home = folder / name
        home.mkdir()
        outcomes = bench.convert_afresh(version, given, "x86", home, run=True)
        said = {c.name: o.said for c, o in zip(given, outcomes, strict=True) if not _ran(o)}
        assert said == {}
        return [home / f"ran-{version}-{number}.npz" for number in range(len(given))]

    return run


def _ran(outcome: bench.Outcome) -> bool:
    return outcome.verdict in ("right", "wrong")

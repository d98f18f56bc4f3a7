"""All records: the same bytes with any jobs, and nothing where a run fails."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import weightquant_cli
from tests.builders import (
    LAYOUTS,
    PDMODEL,
    Layout,
    ModelBuilder,
    lod_section,
    normal,
    read_records,
    small_model,
    tree,
)
from tests.core.quantize.cases import ALL, mixed_model, one_matrix, run, stored_scales
from weightquant_cli import (
    Model,
    ModelError,
    OutputError,
    OutputOptions,
    Progress,
    QuantizeOptions,
    make_plan,
    quantize,
)


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_records_that_are_kept_are_kept_to_the_byte(layout: Layout, tmp_path: Path) -> None:
    builder = mixed_model()
    run(builder.load(tmp_path / "in", layout), tmp_path / "out")
    records = read_records(tmp_path / "out")
    assert {name for name in records if records[name] != builder.records[name]} == {"w"}


def test_a_quantized_record_keeps_its_lod_section(tmp_path: Path) -> None:
    builder = ModelBuilder()
    levels = [(0, 1, 3), (0, 2, 2, 5)]
    builder.parameter("w", normal(3, 4), lod=levels)
    builder.mul("x", "w")
    run(builder.load(tmp_path / "in"), tmp_path / "out")
    assert read_records(tmp_path / "out")["w"].startswith(lod_section(levels))


@pytest.mark.parametrize(
    "name", ["a b", "fc:0@x", "卷积", "w\udcff\udcfe", "block/w", "%s\\n", "w.quant_scale"]
)
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_odd_names_survive(name: str, layout: Layout, tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 3), name)
    run(builder.load(tmp_path / "in", layout), tmp_path / "out")
    result = Model.load(tmp_path / "out")
    assert [weight.name for weight in result.weights] == [name]
    assert len(stored_scales(result, name)) == 3


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_the_bytes_and_the_figures_do_not_depend_on_the_jobs(
    layout: Layout, tmp_path: Path
) -> None:
    builder = small_model()
    for number in range(8):
        builder.mul("x", f"more{number}.w", normal(50, 40, seed=number))
    source = builder.load(tmp_path / "in", layout)
    results = [run(source, tmp_path / f"out{jobs}", jobs=jobs).weights for jobs in (1, 2, 5)]
    results.append(run(source, tmp_path / "out", jobs=None).weights)
    assert tree(tmp_path / "out1") == tree(tmp_path / "out2") == tree(tmp_path / "out5")
    assert tree(tmp_path / "out") == tree(tmp_path / "out1")
    assert all(result == results[0] for result in results)


def test_the_bytes_do_not_depend_on_the_order_of_hashes_or_of_the_folder(tmp_path: Path) -> None:
    builder = small_model()
    builder.write(tmp_path / "in0")
    builder.records = dict(reversed(builder.records.items()))
    builder.write(tmp_path / "in1")
    code = (
        "import sys; from weightquant_cli import WeightQuantization as W;"
        "W(sys.argv[1]).quantize_weight_to_int(sys.argv[2], weight_bits=12)"
    )
    root = str(Path(weightquant_cli.__file__).parent.parent)
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    for seed in range(2):
        command = [sys.executable, "-c", code, f"in{seed}", f"out{seed}"]
        environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": path}
        subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    assert tree(tmp_path / "out0") == tree(tmp_path / "out1")


def test_progress_accounts_for_every_byte_and_every_weight(tmp_path: Path) -> None:
    builder = mixed_model()
    source = builder.load(tmp_path / "in")
    steps: list[Progress] = []
    lock = threading.Lock()

    def watch(step: Progress) -> None:
        with lock:
            steps.append(step)

    plan = make_plan(source, QuantizeOptions())
    result = quantize(source, plan, OutputOptions(tmp_path / "out"), 2, watch)
    finished = {step.name: step.finished for step in steps if step.finished is not None}
    assert finished == {weight.plan.name: weight for weight in result.weights}
    for name, record in builder.records.items():
        told = sum(step.size for step in steps if step.name == name)
        data = source.weight(name).record.data_size
        assert told == (data if name == "w" else len(record))


class Interrupted(BaseException):
    """What a signal handler may raise."""


@pytest.mark.parametrize("error", [Interrupted, KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_at_any_step_leaves_nothing(
    error: type[BaseException], jobs: int, tmp_path: Path
) -> None:
    source = small_model().load(tmp_path / "in")
    plan = make_plan(source, ALL)
    steps: list[Progress] = []
    quantize(source, plan, OutputOptions(tmp_path / "whole"), 1, steps.append)
    for last in range(len(steps)):
        left = threading.Semaphore(last)

        def watch(_: Progress, left: threading.Semaphore = left) -> None:
            if not left.acquire(blocking=False):
                raise error

        with pytest.raises(error):
            quantize(source, plan, OutputOptions(tmp_path / "a" / "out"), jobs, watch)
        assert not (tmp_path / "a").exists()


def failing(call: Callable[..., Any], after: int) -> Callable[..., Any]:
    """`call`, which fails as a full disk does once it has been called so often."""
    left = threading.Semaphore(after)

    def wrapped(*arguments: Any, **options: Any) -> Any:
        if not left.acquire(blocking=False):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return call(*arguments, **options)

    return wrapped


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("call", ["pwrite", "fsync"])
@pytest.mark.parametrize("jobs", [1, 2])
def test_a_full_disk_at_any_point_leaves_nothing(
    layout: Layout, call: str, jobs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = one_matrix(normal(3, 3)).load(tmp_path / "in", layout)
    for after in range(4):
        with monkeypatch.context() as patch:
            patch.setattr(os, call, failing(getattr(os, call), after))
            try:
                run(source, tmp_path / "a" / "out", jobs=jobs)
            except OutputError as error:
                assert "No space left on device" in str(error)
                assert not (tmp_path / "a").exists()
            else:
                assert after >= 2
                break


def test_a_model_that_shrinks_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    source = small_model().load(tmp_path / "in", PDMODEL)
    os.truncate(tmp_path / "in" / "inference.pdiparams", 3000)
    with pytest.raises(ModelError, match="became shorter while it was read"):
        run(source, tmp_path / "a" / "out")
    assert not (tmp_path / "a").exists()

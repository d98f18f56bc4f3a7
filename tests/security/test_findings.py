"""What fuzzing and fault injection have found, each once more."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from tests import builders
from tests.builders import ModelBuilder, normal
from tests.cli.helpers import environment, run
from tests.security.operations import Operations, fail_at
from tests.security.sandbox import memory, rest_peak
from weightquant_cli.core.check.quality_gates import QualityGates
from weightquant_cli.formats import framework_pb2 as pb
from weightquant_cli.formats.validation import MAX_OPERATORS, MAX_VARIABLES

SIGNALING_NAN = struct.pack("<I", 0x7FA00000)


def failing(
    place: Path, name: str, error: int, path: str, *line: str | Path, which: int = 0
) -> Any:
    """The run in which the first operation (or `which`) of this name on this path fails."""
    before = set(place.iterdir())
    for _ in range(2):  # the first time modules are imported, which takes operations too
        with Operations(lambda _: None).watching() as whole:
            run(*line, cwd=place)
        for made in set(place.iterdir()) - before:
            shutil.rmtree(made)
    number = [o.number for o in whole.seen if o.name == name and path in o.path][which]
    with Operations(fail_at(number, error)).watching():
        return run(*line, cwd=place)


# ---- found by fuzzing -----------------------------------------------------------------------


def test_a_signaling_nan_in_a_weight_gives_no_warning(tmp_path: Path) -> None:
    model = ModelBuilder()
    model.mul(model.input("x", (-1, 4)), "w", normal(4, 4))
    model.records["w"] = model.records["w"][:-4] + SIGNALING_NAN
    folder = model.write(tmp_path / "model")
    run("inspect", "--histogram", folder).ok()
    assert run("inspect", "--sort", "sqnr", folder).stderr.count("\n") <= 1
    assert run("quantize", folder, tmp_path / "out").stderr.count("\n") == 1


@pytest.mark.parametrize("size", [1 << 30, 1 << 35, 2**64 - 1])
def test_a_lod_level_in_a_file_of_holes_is_not_read_into_memory(size: int, tmp_path: Path) -> None:
    folder = builders.write_model(tmp_path / "model")
    (folder / "fc1.w").write_bytes(struct.pack("<IQQ", 0, 1, size))
    os.truncate(folder / "fc1.w", 1 << 36)
    rest_peak()
    before = memory("VmRSS")
    result = run("inspect", folder)
    assert result.code == 3
    assert "fc1.w" in result.stderr
    assert "LoD level" in result.stderr
    assert memory("VmHWM") - before < 50 << 20


@pytest.mark.parametrize("form", [("--json",), (), ("--min-sqnr", "1"), ("--max-abs-error", "1")])
def test_a_reference_that_is_not_finite_passes_no_check_and_a_quantized_one_is_named(
    form: tuple[str, ...], tmp_path: Path
) -> None:
    folder = builders.write_model(tmp_path / "model")
    run("quantize", "-q", folder, tmp_path / "out").ok()
    itself = run("dequantize-check", "--reference", tmp_path / "out", *form, tmp_path / "out")
    assert itself.code == 0
    named = '"reference_quantized": 5' if "--json" in form else "which is quantized itself"
    assert named in itself.stdout
    weight = normal(64, 10, std=0.05)
    weight[0, 0] = np.nan
    (folder / "fc1.w").write_bytes(builders.record(weight))
    result = run("dequantize-check", "--reference", folder, *form, tmp_path / "out")
    assert result.code in (1, 3)


def test_an_error_that_is_not_a_number_meets_no_gate() -> None:
    weight = cast(Any, SimpleNamespace(sqnr=np.nan, max_abs=np.nan, cosine=np.nan))
    assert len(QualityGates(1.0, 1.0, 0.5).failures(weight)) == 3


def test_an_error_without_end_is_null_in_json(tmp_path: Path) -> None:
    """The largest scale times 127 may be beyond the largest float. (input 9:51748)"""
    model = ModelBuilder()
    largest = np.full((4, 4), np.finfo(np.float32).max)
    model.mul(model.input("x", (-1, 4)), "w", largest)
    folder = model.write(tmp_path / "model")
    for line in (("quantize", "--json", folder, tmp_path / "out"),
                 ("inspect", "--json", "--sort", "sqnr", folder)):  # fmt: skip
        result = run(*line)
        assert result.code == 0, result.stderr
        assert result.json["weights"][0]["max_abs_error"] is None


def test_a_number_in_a_plan_that_no_float_can_hold_is_a_wrong_plan(tmp_path: Path) -> None:
    """Recipe 2/0 persist:25816."""
    folder = builders.write_model(tmp_path / "model")
    plan = tmp_path / "plan.json"
    run("quantize", "-q", "-n", "--plan-out", plan, folder, tmp_path / "out")
    text = plan.read_text().replace('"threshold_rate": 0.0', f'"threshold_rate": {10**400}')
    plan.write_text(text)
    result = run("quantize", "--plan", plan, folder, tmp_path / "out")
    assert result.code == 2
    assert "threshold_rate" in result.stderr


@pytest.mark.parametrize(
    ("what", "limit"), [("operators", MAX_OPERATORS), ("variables", MAX_VARIABLES)]
)
def test_a_program_of_more_than_any_model_has_is_refused(
    what: str, limit: int, tmp_path: Path
) -> None:
    """Ten megabytes of empty operators took 1.7 GB and minutes."""
    folder = builders.write_model(tmp_path / "model")
    desc = pb.ProgramDesc.FromString((folder / "__model__").read_bytes())
    block = desc.blocks[0]
    more: Any = block.ops if what == "operators" else block.vars
    more.extend([more[0]] * limit)
    (folder / "__model__").write_bytes(desc.SerializePartialToString())
    result = run("inspect", folder)
    assert result.code == 3
    assert f"more {what} than any model" in result.stderr


# ---- found by fault injection ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["fstat", "stat"])
@pytest.mark.parametrize("file", ["model/__model__", "model/__params__"])
def test_a_status_that_cannot_be_had_is_an_input_that_cannot_be_read(
    file: str, name: str, tmp_path: Path
) -> None:
    builders.write_model(tmp_path / "model", builders.COMBINED)
    result = failing(tmp_path, name, errno.EIO, file, "quantize", "-j", "1", "model", "out")
    assert result.code in (0, 3), result.stderr
    if name == "fstat":
        assert "cannot read the file: Input/output error" in result.stderr


def test_a_failure_to_clear_away_the_replaced_output_does_not_make_the_run_fail(
    tmp_path: Path,
) -> None:
    folder = builders.write_model(tmp_path / "model")
    run("quantize", "-q", "--bits", "16", folder, tmp_path / "out").ok()
    line = ("quantize", "-q", "-j", "1", "--force", "model", "out")
    failing(tmp_path, "fstat", errno.EIO, ".weightquant-", *line, which=-1).ok()
    run("quantize", "-q", folder, tmp_path / "alone").ok()
    assert builders.tree(tmp_path / "out") == builders.tree(tmp_path / "alone")


def test_an_old_output_that_cannot_be_listed_is_an_output_that_cannot_be_written(
    tmp_path: Path,
) -> None:
    folder = builders.write_model(tmp_path / "model")
    run("quantize", "-q", folder, tmp_path / "out").ok()
    line = ("quantize", "-q", "-j", "1", "--force", "model", "out")
    result = failing(tmp_path, "listdir", errno.EMFILE, "/out", *line)
    assert result.code == 4
    assert "Too many open files" in result.stderr


# ---- found by reading -----------------------------------------------------------------------


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_can_be_written_to(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    builders.write_model(tmp_path / "model")
    for options in ((), ("--force",)):
        run("quantize", "-q", *options, tmp_path / "model", tmp_path / "out").ok()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["model", "out"]


def test_a_lock_that_fails_leaves_nothing(tmp_path: Path) -> None:
    builders.write_model(tmp_path / "model")
    line = ("quantize", "-q", "-j", "1", "model", "out")
    result = failing(tmp_path, "flock", errno.EIO, ".weightquant-", *line)
    assert result.code == 4
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_a_temporary_folder_taken_for_a_leftover_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.mkdir
    taken: list[Path] = []

    def mkdir(path: Any, *args: Any, **kwargs: Any) -> None:
        make(path, *args, **kwargs)
        if ".weightquant-" in str(path) and not taken:  # another run is quicker than our lock
            taken.append(path)
            os.rmdir(path, **kwargs)

    monkeypatch.setattr(os, "mkdir", mkdir)
    folder = builders.write_model(tmp_path / "model")
    run("quantize", "-q", folder, tmp_path / "out").ok()
    assert taken


def test_what_only_looks_like_a_leftover_is_kept(tmp_path: Path) -> None:
    folder = builders.write_model(tmp_path / "model")
    theirs = [".weightquant-out-x-0123456789ab", ".weightquant-out-mine", ".weightquant-outer"]
    ours = [".weightquant-out-0123456789ab", ".weightquant-out-0123456789ab-old"]
    for name in (*theirs, *ours):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("x")
    run("quantize", "-q", folder, tmp_path / "out").ok()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted(["model", "out", *theirs])


def test_a_second_signal_does_not_cut_short_the_cleaning_up(tmp_path: Path) -> None:
    script = """
import os, signal, sys
from weightquant_cli.formats.files import atomic_folder as atomic
from weightquant_cli.__main__ import main

remove = atomic.remove_folder

def slow(*args, **kwargs):
    for _ in range(3):
        os.kill(os.getpid(), signal.SIGINT)
    remove(*args, **kwargs)

atomic.remove_folder = slow
atomic._Output.publish = lambda *args: os.kill(os.getpid(), signal.SIGTERM)
sys.exit(main(["quantize", "model", "out"]))
"""
    builders.write_model(tmp_path / "model")
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True
    )
    assert done.returncode in (130, 143), done.stderr
    assert done.stderr in (
        b"weightquant: error: terminated\n", b"weightquant: error: interrupted\n"
    )  # fmt: skip
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_a_signal_that_an_import_makes_an_import_error_of_is_still_that_signal(
    tmp_path: Path,
) -> None:
    script = """
import os, signal, sys
from weightquant_cli.cli import main

def as_numpy_does(name):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
    except BaseException:
        sys.excepthook(*sys.exc_info())  # PyErr_Print
        raise ImportError("numpy.core.multiarray failed to import")

main.importlib.import_module = as_numpy_does
sys.exit(main.run(["quantize", "model", "out"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True
    )
    assert (done.returncode, done.stderr) == (143, b"weightquant: error: terminated\n")


def test_a_signal_that_an_import_swallows_stops_the_run_behind_the_import(tmp_path: Path) -> None:
    """As numpy's Cython modules do: the run went on, and no further signal could stop it."""
    (tmp_path / "swallowing.py").write_text("""
import os, signal

try:
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(1000):
        pass
except BaseException:
    pass
""")
    script = """
import sys, time
from weightquant_cli.cli import main

def load(name):
    import swallowing
    time.sleep(20)

main.importlib.import_module = load
sys.exit(main.run(["quantize", "model", "out"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True
    )
    assert (done.returncode, done.stderr) == (143, b"weightquant: error: terminated\n")


def test_a_signal_while_an_object_goes_away_stops_the_run_all_the_same(tmp_path: Path) -> None:
    script = """
import os, signal, sys, time
from weightquant_cli.cli import main

class Going:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass

def load(name):
    Going()
    time.sleep(20)

main.importlib.import_module = load
sys.exit(main.run(["quantize", "model", "out"]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment(), capture_output=True
    )
    assert (done.returncode, done.stderr) == (143, b"weightquant: error: terminated\n")

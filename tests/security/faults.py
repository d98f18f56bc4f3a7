"""Faults at every point of a run: `python -m tests.security.faults [--quick] [KIND...]`.

    kill        SIGKILL before every file operation, and at points spread over the run's time
    signal      SIGINT and SIGTERM at every file operation, and at lines of Python spread over a run
    inject      ENOSPC, EIO, EACCES, EMFILE and short transfers at every file operation in turn
    full        a real full file system (root only) and a real limit on the size of files

Kills and signals hit a forked child, which has its imports done and so costs milliseconds. The
child counts for itself, so that every point is hit exactly.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import gc
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from tests import builders
from tests.builders import tree
from tests.cli.helpers import Result
from tests.security.operations import (
    GROWING,
    OPENING,
    Operation,
    Operations,
    call_at,
    fail_at,
    fail_from,
    move_little,
)
from tests.security.sandbox import run, settle, watched
from weightquant_cli.__main__ import main as command_line

PREFIX = ".weightquant-"
ERRORS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE)
INTERRUPTED = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}
PATIENCE = 30.0


@dataclass
class Figures:
    """What was tried, what came of it, and what should not have."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def expect(self, condition: bool, what: str) -> None:
        """Note a fault unless the condition holds."""
        if not condition:
            self.faults.append(what)


@dataclass(frozen=True)
class Scene:
    """A model, the command line under test, and the outputs that may be there afterwards.

    Attributes:
        folder: holds `model`, and the outputs.
        arguments: the command line, relative to `folder`.
        old: content of `out` beforehand, or None where there is none.
        new: content of `out` after a run that nothing disturbs.
    """

    folder: Path
    arguments: tuple[str, ...]
    old: dict[str, bytes] | None
    new: dict[str, bytes]

    @property
    def out(self) -> Path:
        """The output folder."""
        return self.folder / "out"

    def reset(self) -> None:
        """Everything as it was at first."""
        for entry in self.folder.iterdir():
            if entry.name not in ("model", "old"):
                remove(entry)
        if self.old is not None:
            shutil.copytree(self.folder / "old", self.out)

    def state(self) -> str:
        """What the output is: old, new, absent, or mixed."""
        if not os.path.lexists(self.out):
            return "absent"
        found = tree(self.out)
        if found == self.new:
            return "new"
        return "old" if found == self.old else "mixed"

    @property
    def before(self) -> str:
        """What the output was at first."""
        return "absent" if self.old is None else "old"

    def leftovers(self) -> list[str]:
        """What lies in the folder and belongs to nobody."""
        expected = ("model", "old", "out", "report.json")
        return [entry.name for entry in self.folder.iterdir() if entry.name not in expected]


def remove(path: Path) -> None:
    """Delete a file or a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def scenes(folder: Path, quick: bool) -> list[Scene]:
    """With and without an output that is there already, in one file and in many; with threads."""
    model = builders.small_model()
    model.mul("fc1.sum", "large.w", builders.normal(600, 600))  # several blocks
    found = []
    layouts = {"separate": builders.SEPARATE, "combined": builders.COMBINED}
    for name, layout in layouts.items():
        for force in (True, False):
            if quick and force is not (name == "combined"):
                continue
            place = folder / f"{name}-{force}"
            model.write(place / "model", layout)
            options = ("--force",) if force else ()
            arguments = ("quantize", "-q", "-j", "1", *options, "model", "out")
            found.append(_prepared(place, arguments, force))
    if not quick:  # the order of operations differs from run to run; each is hit all the same
        place = folder / "threads-True"
        model.write(place / "model", builders.SEPARATE)
        arguments = ("quantize", "-q", "-j", "4", "--force", "model", "out")
        found.append(_prepared(place, arguments, True))
    return found


def _prepared(place: Path, arguments: tuple[str, ...], force: bool) -> Scene:
    assert run("quantize", "-q", "--bits", "16", "model", "old", cwd=place).code == 0
    assert run(*arguments, cwd=place).code == 0
    new, old = tree(place / "out"), tree(place / "old")
    assert new != old
    scene = Scene(place, arguments, old if force else None, new)
    scene.reset()
    return scene


# ---- a child that something happens to ------------------------------------------------------


def in_child(scene: Scene, prepare: Callable[[], Any]) -> Result:
    """Run the command line in a forked child, in which `prepare` was called first.

    `prepare` may give a context manager, in which the command then runs. A negative exit code is
    the signal that ended the child.
    """
    told = scene.folder / "stderr"
    child = os.fork()
    if child == 0:
        _be_child(scene, prepare, told)
    until = time.monotonic() + PATIENCE
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        if time.monotonic() > until:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return Result(-999, b"", b"hung")
        time.sleep(0.0005)
    err = told.read_bytes() if told.exists() else b""
    told.unlink(missing_ok=True)
    return Result(os.waitstatus_to_exitcode(status), b"", err)


def _be_child(scene: Scene, prepare: Callable[[], Any], told: Path) -> None:
    code = 99
    try:
        os.chdir(scene.folder)
        descriptor = os.open(told, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
        context = prepare() or contextlib.nullcontext()
        with context:
            code = command_line(scene.arguments)
        sys.settrace(None)
        sys.stderr.flush()
    finally:
        os._exit(code)


def count_operations(scene: Scene) -> list[Operation]:
    """The file operations of an undisturbed run; afterwards all is as it was at first."""
    with Operations(lambda _: None).watching() as operations:
        assert run(*scene.arguments, cwd=scene.folder).code == 0
    scene.reset()
    return operations.seen


def spread(count: int, points: int) -> Sequence[int]:
    """At most `points` numbers below `count`, evenly spread."""
    if count <= points:
        return range(count)
    return sorted({round(index * (count - 1) / (points - 1)) for index in range(points)})


# ---- SIGKILL --------------------------------------------------------------------------------


def kill_everywhere(scene: Scene, points: int, figures: Figures) -> None:
    """SIGKILL before file operations, and at moments spread over a run."""
    count = len(count_operations(scene))
    for number in spread(count, points):
        decide = call_at(number, lambda: os.kill(os.getpid(), signal.SIGKILL))
        _after_kill(scene, in_child(scene, Operations(decide).watching), f"op {number}", figures)
    started = time.monotonic()
    in_child(scene, lambda: None)
    scene.reset()
    duration = time.monotonic() - started
    for number in range(points // 2):
        delay = max(duration * 1.1 * number / (points // 2), 1e-4)

        def prepare(delay: float = delay) -> None:
            # The alarm's default action ends a process as surely as SIGKILL, and as untidily.
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, delay)

        _after_kill(scene, in_child(scene, prepare), f"after {delay:.4f} s", figures)


def _after_kill(scene: Scene, result: Result, where: str, figures: Figures) -> None:
    name = f"{scene.folder.name} killed at {where}"
    state = scene.state()
    figures.counts["kills" if result.code < 0 else "kills that came too late"] += 1
    figures.counts[f"after a kill: {state}"] += 1
    figures.expect(result.code in (0, -signal.SIGKILL, -signal.SIGALRM), f"{name}: {result}")
    figures.expect(state in (scene.before, "new"), f"{name}: the output is {state}")
    again = run(*scene.arguments, *(["--force"] if state == "new" else []), cwd=scene.folder)
    figures.expect(again.code == 0, f"{name}: the next run: {again}")
    figures.expect(scene.state() == "new", f"{name}: after the next run: {scene.state()}")
    figures.expect(not scene.leftovers(), f"{name}: the next run left {scene.leftovers()}")
    scene.reset()


# ---- SIGINT and SIGTERM ---------------------------------------------------------------------


def signal_everywhere(scene: Scene, points: int, figures: Figures) -> None:
    """SIGINT and SIGTERM at file operations, and at lines of our own code."""
    operations = len(count_operations(scene))
    lines = _count_lines(scene)
    for number in INTERRUPTED:
        for at in spread(operations, points // 2):
            decide = call_at(at, lambda number=number: signal.raise_signal(number))  # type: ignore[misc]
            result = in_child(scene, Operations(decide).watching)
            _after_signal(scene, number, result, f"op {at}", figures)
        for at in spread(lines, points):
            result = in_child(scene, lambda at=at, number=number: _trace(at, number))  # type: ignore[misc]
            _after_signal(scene, number, result, f"line {at}", figures)


def _after_signal(
    scene: Scene, number: signal.Signals, result: Result, where: str, figures: Figures
) -> None:
    name = f"{scene.folder.name} {number.name} at {where}"
    code, word = INTERRUPTED[number]
    state = scene.state()
    figures.counts[number.name] += 1
    figures.counts[f"after {number.name}: exit {result.code}, {state}"] += 1
    figures.expect(result.code in (0, code), f"{name}: {result}")
    if result.code == code:
        figures.expect(state in (scene.before, "new"), f"{name}: the output is {state}")
        said = result.stderr == f"weightquant: error: {word}\n"
        figures.expect(said, f"{name}: {result.stderr!r}")
    else:
        figures.expect(state == "new", f"{name}: exit 0, and the output is {state}")
    figures.expect(not scene.leftovers(), f"{name}: left {scene.leftovers()}")
    scene.reset()


_OURS = os.sep + "weightquant_cli" + os.sep


class _Tracer:
    """Counts the lines of our code that run, and does something at one of them."""

    def __init__(self, at: int, action: Callable[[], None]) -> None:
        self.count = 0
        self._at = at
        self._action = action

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        if _OURS not in frame.f_code.co_filename and "contextlib" not in frame.f_code.co_filename:
            return None
        if event == "line":
            self.count += 1
            if self.count == self._at:
                self._action()
        return self


def _trace(at: int, number: signal.Signals) -> None:
    # Before our handlers are there a signal ends Python in Python's way: not what is tested here.
    def strike() -> None:
        if signal.getsignal(number) not in (signal.SIG_DFL, signal.default_int_handler):
            signal.raise_signal(number)

    sys.settrace(_Tracer(at, strike))


def _count_lines(scene: Scene) -> int:
    tracer = _Tracer(-1, lambda: None)
    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        assert run(*scene.arguments, cwd=scene.folder).code == 0
    finally:
        sys.settrace(before)
    scene.reset()
    return tracer.count


# ---- injected errors ------------------------------------------------------------------------


def inject_everywhere(scene: Scene, points: int, figures: Figures) -> None:
    """Every error at every file operation in turn; then a disk that stays full; short transfers."""
    operations = count_operations(scene)
    for error in ERRORS:
        for number in spread(len(operations), points):
            kind = f"{errno.errorcode[error]} once"
            _inject(scene, Operations(fail_at(number, error)), error, kind, figures)
    for number in spread(len(operations), points):
        full = Operations(fail_from(number, errno.ENOSPC, GROWING))
        _inject(scene, full, errno.ENOSPC, "ENOSPC from then on", figures)
        broken = Operations(fail_from(number, errno.EMFILE, OPENING))
        _inject(scene, broken, errno.EMFILE, "EMFILE from then on", figures)
        _move_little(scene, number, figures)


def _inject(scene: Scene, operations: Operations, error: int, kind: str, figures: Figures) -> None:
    with watched(scene.out, scene.folder / PREFIX) as seen, operations.watching():
        result = run(*scene.arguments, cwd=scene.folder)
    failed = _failed(operations, error)
    name = f"{scene.folder.name} {kind} at {failed}"
    state = scene.state()
    figures.counts[f"{kind}: exit {result.code}"] += 1
    figures.counts["injections"] += 1
    # Making a folder that is there changes nothing.
    seen = [event for event in seen if event != f"os.mkdir {str(scene.folder)!r}"]
    figures.expect(not seen, f"{name}: wrote {seen}")
    inside = failed is not None and "/model" in f"/{os.path.relpath(failed.path, scene.folder)}"
    allowed: tuple[int, ...] = (0, 3) if inside else (0, 4)
    if "from then on" in kind and "1" not in scene.arguments:  # another thread may be the first
        allowed = (0, 3, 4)
    figures.expect(result.code in allowed, f"{name}: {result.code} {result.stderr!r}")
    if result.code:
        figures.expect(state == scene.before, f"{name}: the output is {state}")
        figures.expect(len(result.stderr.splitlines()) == 1, f"{name}: {result.stderr!r}")
        figures.expect(os.strerror(error) in result.stderr, f"{name}: {result.stderr!r}")
    else:
        figures.expect(state == "new", f"{name}: exit 0, and the output is {state}")
        figures.expect(result.stderr == "", f"{name}: {result.stderr!r}")
    if scene.leftovers():
        _expect_cleared_later(scene, failed, kind, figures)
    scene.reset()


def _failed(operations: Operations, error: int) -> Operation | None:
    """The operation that failed first, found again by asking once more."""
    for operation in operations.seen:
        try:
            operations.decide(operation)
        except OSError:
            return operation
    return None


# Where removing the temporary folder is itself refused, it stays until the next run.
_REMOVING = ("rmdir", "unlink", "scandir", "open", "lstat", "stat", "fstat")


def _expect_cleared_later(
    scene: Scene, failed: Operation | None, kind: str, figures: Figures
) -> None:
    name = f"{scene.folder.name} {kind} at {failed}"
    removing = failed is not None and (failed.name in _REMOVING or "EMFILE from" in kind)
    figures.expect(removing, f"{name}: left {scene.leftovers()}")
    figures.counts[f"{kind}: left until the next run, as removing was refused"] += 1
    run(*scene.arguments, "--force", cwd=scene.folder)
    figures.expect(not scene.leftovers(), f"{name}: the next run left {scene.leftovers()}")


def _move_little(scene: Scene, number: int, figures: Figures) -> None:
    with Operations(move_little(number)).watching():
        result = run(*scene.arguments, cwd=scene.folder)
    figures.counts["short transfers"] += 1
    name = f"{scene.folder.name} short transfers from operation {number}"
    figures.expect(result.code == 0 and scene.state() == "new", f"{name}: {result}")
    scene.reset()


# ---- real limits ----------------------------------------------------------------------------


def limit_sizes(scene: Scene, points: int, figures: Figures) -> None:
    """RLIMIT_FSIZE at sizes spread over those of the output's files."""
    largest = max(len(data) for data in scene.new.values())
    for size in spread(largest, max(points // 10, 5))[1:]:

        def prepare(size: int = size) -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python itself does
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

        result = in_child(scene, prepare)
        name = f"{scene.folder.name} with files of at most {size} bytes"
        figures.counts["size limits"] += 1
        figures.expect(result.code == 4, f"{name}: {result}")
        figures.expect(scene.state() == scene.before, f"{name}: the output is {scene.state()}")
        figures.expect(not scene.leftovers(), f"{name}: left {scene.leftovers()}")
        # The message goes to a file here, and so it must fit too.
        figures.expect(size < 300 or "File too large" in result.stderr, f"{name}: {result}")
        scene.reset()


@contextlib.contextmanager
def small_disk(size: int) -> Iterator[Path | None]:
    """A file system of `size` bytes; None where we may not mount one."""
    place = Path(tempfile.mkdtemp())
    options = f"size={size},nr_inodes=100"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "weightquant-test", place], capture_output=True
    ).returncode
    try:
        yield place if mounted == 0 else None
    finally:
        if mounted == 0:
            subprocess.run(["umount", place], check=True)
        place.rmdir()


def fill_disks(scene: Scene, points: int, figures: Figures) -> None:
    """Write to file systems that are too small, with an old output on them that must survive."""
    total = sum(map(len, scene.new.values()))
    old = sum(map(len, tree(scene.folder / "old").values())) if scene.old is not None else 0
    page = 4096
    for share in range(1, max(points // 20, 4)):
        with small_disk(old + 20 * page + int(total * share / max(points // 20, 4))) as disk:
            if disk is None:
                figures.counts["skipped: no right to mount a file system"] += 1
                return
            if scene.old is not None:
                shutil.copytree(scene.folder / "old", disk / "out")
            arguments = (*scene.arguments[:-2], str(scene.folder / "model"), str(disk / "out"))
            result = run(*arguments, cwd=scene.folder)
            name = f"{scene.folder.name} on a disk with room for {share}"
            figures.counts[f"full disks: exit {result.code}"] += 1
            found = tree(disk / "out") if (disk / "out").exists() else None
            if result.code:
                figures.expect(result.code == 4, f"{name}: {result}")
                figures.expect("No space left on device" in result.stderr, f"{name}: {result}")
                figures.expect(found == scene.old, f"{name}: the old output is not whole")
            else:
                figures.expect(found == scene.new, f"{name}: exit 0, and not the new output")
            left = [entry.name for entry in disk.iterdir() if entry.name != "out"]
            figures.expect(not left, f"{name}: left {left}")


# ---- the lot --------------------------------------------------------------------------------

KINDS: dict[str, Sequence[Callable[[Scene, int, Figures], None]]] = {
    "kill": (kill_everywhere,),
    "signal": (signal_everywhere,),
    "inject": (inject_everywhere,),
    "full": (limit_sizes, fill_disks),
}
QUICK_POINTS = {"kill": 20, "signal": 12, "inject": 20, "full": 60}


def main() -> int:
    """Try all that was asked for, tell every fault and the figures; 1 where there was a fault."""
    parser = argparse.ArgumentParser(prog="tests.security.faults", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", default=list(KINDS))
    parser.add_argument("--quick", action="store_true", help="a sample, for every day")
    parser.add_argument("--points", type=int, default=400)
    options = parser.parse_args()
    settle()
    random.seed(0)
    figures = Figures()
    with tempfile.TemporaryDirectory() as scratch:
        found = scenes(Path(os.path.realpath(scratch)), options.quick)
        gc.freeze()  # a child's collection of garbage would copy every page of this process
        for kind in options.kinds:
            for attempt in KINDS[kind]:
                for scene in found:
                    points = QUICK_POINTS[kind] if options.quick else options.points
                    attempt(scene, points, figures)
    for fault in figures.faults:
        print("FAULT", fault)
    for what, count in sorted(figures.counts.items()):
        print(f"{count:6} {what}")
    print(f"{len(figures.faults)} faults")
    return 1 if figures.faults else 0


if __name__ == "__main__":
    sys.exit(main())

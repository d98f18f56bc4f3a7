"""Damaged models through every command: `python -m tests.security.fuzz --inputs N --seed S`.

An input is known by its seed and number: `--seed S --first NUMBER --inputs 1 -v` repeats it, and
so does its recipe with `--recipe`. Each goes through every command; where loading refuses the
model, which all commands begin with, through one of them, unless `--every` is given. A process that
hangs or dies is reported with the number of its input, and replaced.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing as mp
import os
import random
import resource
import shutil
import stat
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator, Iterator
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TypeAlias

from tests.security.mutate import Recipe, make
from tests.security.sandbox import (
    PLAN,
    Command,
    Fault,
    check,
    check_outputs,
    memory,
    run,
    settle,
    write_input,
)
from tests.security.subjects import subjects
from weightquant_cli.cli.main import COMMANDS
from weightquant_cli.core.model.model import Model
from weightquant_cli.errors import ModelError

# Options by command, one set per input.
OPTIONS: dict[str, tuple[tuple[str, ...], ...]] = {
    "quantize": (
        (), ("--json",), ("--bits", "16"), ("--op-type", "all"), ("-j", "1"), ("-v",),
        ("--dry-run",), ("--dry-run", "--json", "--op-type", "all"),
        ("--bits", "auto", "--op-type", "all"), ("--bits", "auto", "--target-size", "60%"),
        ("--weight-quantize-type", "abs_max"), ("--threshold-rate", "0.01"),
        ("--separate-params",), ("--save-params-filename", "p"), ("--no-rewrite",),
        ("--keep-callstack", "--op-type", "all"), ("--plan-out", "plan.json"),
        ("--report", "report.json", "--json"), ("--bits-for", "*w=12"), ("--exclude", "*w*"),
        ("--plan", PLAN), ("--plan", PLAN), ("--plan", PLAN, "--dry-run", "--color", "always"),
        ("--max-size", "1kB"), ("--min-quantized", "50"), ("--save-model-filename", "fc1.w"),
        ("--rounding", "adaptive"), ("--rounding", "adaptive", "-j", "1"), ("--accurate",),
        ("--bits", "auto", "--target-compressed", "60%"),
    ),
    "inspect": (
        ("--histogram",), ("--histogram",), ("--json", "--histogram"), ("--sort", "sqnr"), (),
        ("--format", "csv", "--histogram"), ("--format", "markdown"), ("-q",), ("--json",),
        ("--color", "always", "--histogram"), ("--model-filename", "__model__"),
        ("--params-filename", "__params__"), ("--recommend",), ("--recommend", "--json"),
    ),
    "dequantize-check": (
        (), ("--json",), ("--reference", "reference"), ("--reference", "model", "--json"),
        ("--html", "page.html"), ("--html", "page.html", "--reference", "reference"),
        ("--save-dequantized", "out2"), ("--save-dequantized", "out2", "-j", "1"),
        ("--reference", "reference", "--min-sqnr", "30", "--max-abs-error", "1"),
        ("--color", "always", "--reference", "reference"), ("--reference", "model", "reference"),
        ("--outputs", "--reference", "reference"), ("--layers", "--reference", "model"),
        ("--reference", "model", "--html", "page.html", "reference"),
    ),
    "export-opt": (
        (), ("--color", "always"), ("-o", "convert.sh"), ("-o", "-"), ("--json",),
        ("--optimize-out-type", "protobuf"),
    ),
}  # fmt: skip

# An input's number, exit codes by command, and what went wrong, if anything.
Outcome: TypeAlias = tuple[int, dict[str, int], str]

# No command needs a fraction of it; beyond it an allocation fails rather than the machine.
ADDRESS_SPACE = 2 << 30
PATIENCE = 60.0


def commands(recipe: Recipe) -> Iterator[Command]:
    """Every command, with options that follow from the recipe, and a completion."""
    rng = random.Random(f"options:{recipe}")
    for name in COMMANDS:
        options = rng.choice(OPTIONS.get(name, ((),)))
        if options[-1:] == ("reference",) and options[-2] != "--reference":
            yield Command((name, *options))  # beside the damaged model an honest one is checked
        else:
            yield Command(
                (name, *options, *(("model", "out") if name == "quantize" else ("model",)))
            )
    option = rng.choice(("--exclude", "--bits-for", "--model-filename"))
    yield Command(("quantize", option, ""), shell=rng.choice(("bash", "zsh", "fish")))


def attempt(sandbox: Path, recipe: Recipe, every: bool = False) -> dict[str, int]:
    """The exit codes on one input, by command.

    Args:
        sandbox: where it may happen.
        recipe: of the input.
        every: use every command even where loading refuses the model.

    Raises:
        Fault: a command did what no input may make it do.
    """
    model = sandbox / "model"
    write_input(model, recipe.make())
    lines = list(commands(recipe))
    codes = {}
    try:
        if not every and _is_refused(model):
            lines = [random.Random(str(recipe)).choice(lines)]
        for line in lines:
            result = check(sandbox, line, may_say_no=line.arguments[0] == "dequantize-check")
            codes[f"{line.shell and 'completion of '}{line.arguments[0]}"] = result.code
            if result.code == 0 and (sandbox / "out").is_dir():
                _check_again(sandbox, line)
            check_outputs(sandbox)
    finally:
        _clear(sandbox)
    return codes


def _is_refused(model: Path) -> bool:
    try:
        Model.load(model)
    except ModelError:
        return True
    except Exception:  # every command is to meet it
        return False
    return False


def _check_again(sandbox: Path, line: Command) -> None:
    """What quantize has written can be read, whatever it was made from."""
    if "--save-model-filename" in line.arguments or "--save-params-filename" in line.arguments:
        return
    again = run("inspect", "-q", "out", cwd=sandbox)
    if again.code != 0 and "could be the program" not in again.stderr:
        raise Fault(f"quantize wrote what inspect refuses: {line}: {again.stderr[:300]!r}")


def _clear(sandbox: Path) -> None:
    for entry in sandbox.iterdir():
        if entry.name != "reference":
            if stat.S_ISDIR(entry.lstat().st_mode):
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def prepare(sandbox: Path, warm: bool = True) -> None:
    """A sandbox with the honest model that damaged ones are compared with; imports are done.

    Without `warm` they are not, and the first inputs take the blame for their memory.
    """
    settle()
    sandbox.mkdir(parents=True, exist_ok=True)
    honest = make(0, 0)
    write_input(sandbox / "reference", honest)
    if not warm:
        return
    for name, choices in OPTIONS.items():
        for options in choices:
            write_input(sandbox / "model", honest)
            run(name, *options, "model", *(["out"] if name == "quantize" else []), cwd=sandbox)
            _clear(sandbox)


def fuzz(sandbox: Path, seed: int, numbers: range, every: bool = False) -> Iterator[Outcome]:
    """Every input's number, exit codes, and what went wrong, if anything."""
    for number in numbers:
        recipe = Recipe.of(seed, number)
        try:
            yield number, attempt(sandbox, recipe, every), ""
        except Fault as fault:
            yield number, {}, f"{fault}\n    input {seed}:{number}, recipe {recipe}"


# ---- many processes -------------------------------------------------------------------------


def _work(pipe: Connection, scratch: Path, seed: int, numbers: range, every: bool) -> None:
    limit = memory("VmSize") + ADDRESS_SPACE
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    sandbox = Path(tempfile.mkdtemp(dir=scratch))
    prepare(sandbox)
    for number, codes, fault in fuzz(sandbox, seed, numbers, every):
        pipe.send((number, codes, fault))
    pipe.send(None)


class Workers:
    """Processes that share the inputs; one that hangs or dies is replaced after its input."""

    def __init__(
        self, scratch: Path, seed: int, numbers: range, count: int, every: bool = False
    ) -> None:
        self._context = mp.get_context("spawn")
        self._every = every
        self._scratch, self._seed, self._count = scratch, seed, count
        self._left = {index: numbers[index::count] for index in range(count)}
        self._running: dict[Connection, tuple[int, mp.process.BaseProcess, float]] = {}

    def run(self, seconds: float) -> Generator[Outcome, None, None]:
        """Results as they come, until all is done or the time is over."""
        until = time.monotonic() + seconds
        for index in self._left:
            self._start(index)
        try:
            while self._running and time.monotonic() < until:
                for ready in wait(list(self._running), timeout=1.0):
                    assert isinstance(ready, Connection)
                    yield from self._receive(ready)
                yield from self._replace_stuck()
        finally:
            for _, process, _ in self._running.values():
                process.kill()
                process.join()

    def _start(self, index: int) -> None:
        ours, theirs = self._context.Pipe(duplex=False)
        numbers = self._left[index]
        process = self._context.Process(
            target=_work,
            args=(theirs, self._scratch, self._seed, numbers, self._every),
            daemon=True,
        )
        process.start()
        theirs.close()
        self._running[ours] = (index, process, time.monotonic())

    def _receive(self, pipe: Connection) -> Iterator[Outcome]:
        index, process, _ = self._running[pipe]
        try:
            message = pipe.recv()
        except EOFError:
            process.join()
            yield from self._lost(pipe, f"the process died ({process.exitcode})")
            return
        if message is None:
            del self._running[pipe]
            process.join()
            return
        self._left[index] = self._left[index][1:]
        self._running[pipe] = (index, process, time.monotonic())
        yield message

    def _replace_stuck(self) -> Iterator[Outcome]:
        for pipe, (_, process, last) in list(self._running.items()):
            if time.monotonic() - last > PATIENCE:
                process.kill()
                process.join()
                yield from self._lost(pipe, "the process hung")

    def _lost(self, pipe: Connection, what: str) -> Iterator[Outcome]:
        index, _, _ = self._running.pop(pipe)
        number = self._left[index][0]
        self._left[index] = self._left[index][1:]
        recipe = Recipe.of(self._seed, number)
        yield number, {}, f"{what}\n    input {self._seed}:{number}, recipe {recipe}"
        if self._left[index]:
            self._start(index)


def place() -> Path | None:
    """Where no disk is worn out, and no fsync waited for; None is the usual place."""
    shared = Path("/dev/shm")
    return shared if os.access(shared, os.W_OK) else None


def _repeat(recipe: Recipe) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        sandbox = Path(scratch) / "sandbox"
        prepare(sandbox)
        print(recipe.make().story)
        print(attempt(sandbox, recipe, every=True))
    return 0


def main() -> int:
    """Fuzz, tell every fault, and at the end the figures; 1 where there was a fault."""
    parser = argparse.ArgumentParser(prog="tests.security.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--recipe", help="of one input, instead of all these")
    parser.add_argument("--every", action="store_true", help="use every command on every input")
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args()
    numbers = range(options.first, options.first + options.inputs)
    assert subjects()
    if options.recipe:
        return _repeat(Recipe.parse(options.recipe))
    codes: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    started = time.monotonic()
    done = 0
    with (
        tempfile.TemporaryDirectory(dir=place(), ignore_cleanup_errors=True) as scratch,
        contextlib.closing(
            Workers(Path(scratch), options.seed, numbers, options.jobs, options.every).run(
                options.seconds
            )
        ) as results,
    ):
        for number, found, fault in results:
            done += 1
            codes.update(f"{name} {code}" for name, code in found.items())
            if fault:
                faults[fault.split(":")[0]] += 1
                print(f"FAULT {fault}", flush=True)
            if options.verbose:
                print(number, found, make(options.seed, number).story, flush=True)
            if done % 5000 == 0:
                rate = done / (time.monotonic() - started)
                print(f"{done} inputs, {rate:.0f}/s, {faults.total()} faults", flush=True)
    seconds = time.monotonic() - started
    print(f"seed {options.seed}: {done} inputs in {seconds:.0f} s, {done / seconds:.0f}/s, "
          f"{codes.total()} commands")  # fmt: skip
    print("exit codes:", dict(sorted(codes.items())))
    print("faults:", dict(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

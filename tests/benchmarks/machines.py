"""Many small models with `--accurate`: GNU parallel here, and over two sshd on loopback."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from tests.cli.helpers import environment
from tests.oracles import envs
from tests.oracles.zoo import PPOCR
from tests.pages import DIGITS
from tests.ssh_hosts import local_hosts, missing

from .measure import NotMeasured, installed
from .report import Row, seconds
from .setting import Setting

HOSTS = ("build1", "build2")
_HERE = "ls models | parallel -j{jobs} weightquant quantize -q --accurate -j {threads}"
_WHERE = "models/{} out/{}"
_THERE = (
    "ls models | parallel -j1 --sshlogin build1,build2 --workdir ... "
    "--transferfile models/{} --return out/{} --cleanup weightquant quantize -q --accurate -j 1"
)


def throughput(setting: Setting) -> Iterator[Row]:
    """One model at a time with two threads; two at a time, here and on two hosts, with one each."""
    if shutil.which("parallel") is None:
        raise NotMeasured("not installed: parallel")
    count, folder = 2 if setting.quick else 40, setting.scratch / "many"
    sources = [DIGITS]
    if not setting.quick and envs.stamp(envs.PPOCR).exists():
        sources.append(envs.ppocr_models() / PPOCR["ppocr_cls"][0])
    shutil.rmtree(folder / "models", ignore_errors=True)
    for index in range(count):
        shutil.copytree(sources[index % len(sources)], folder / "models" / f"model{index:02d}")
    lines = {
        "one": f"{_HERE.format(jobs=1, threads=2)} {_WHERE}",
        "two": f"{_HERE.format(jobs=2, threads=1)} {_WHERE}",
    }
    with ExitStack() as stack:
        own = {"PATH": _with_command(folder), "HOME": str(folder)}
        variables = environment({**installed(setting.scratch), **own})
        where = dict.fromkeys(lines, variables)
        if not setting.quick and not missing():
            shutil.rmtree(folder / "hosts", ignore_errors=True)
            hosts = stack.enter_context(local_hosts(folder / "hosts", HOSTS))
            lines["ssh"] = f"{_THERE} {_WHERE}"
            where["ssh"] = {**hosts.environment, "PYTHONDONTWRITEBYTECODE": ""}
        found = _take_turns(folder, lines, where, max(setting.few(), 1))
    told = f"{count} small models with `--accurate`"
    yield _more(f"{told}, two at a time with one thread; one with two", found["two"], found["one"])
    if "ssh" in found:
        title = f"{told}, one thread each on two sshd; one here with two"
        yield _more(title, found["ssh"], found["one"])
    yield _one_thread(folder, variables)


def _more(title: str, mine: float, peer: float) -> Row:
    ratio = peer / mine
    told = f"{ratio:.2f} times the throughput"
    return Row(title, seconds(mine), seconds(peer), told, ">= 1.3 x", ratio >= 1.3)


def _one_thread(folder: Path, variables: Mapping[str, str]) -> Row:
    """Seconds of CPU per second of a run with `--jobs 1`: one where BLAS takes one thread, too."""
    model = sorted((folder / "models").iterdir())[0]
    command = [sys.executable, "-m", "weightquant_cli", "quantize", "-q", "--accurate", "-j1"]
    began = time.perf_counter()
    process = subprocess.Popen([*command, model, folder / "alone"], env=variables)
    _, status, usage = os.wait4(process.pid, 0)
    taken = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    shutil.rmtree(folder / "alone", ignore_errors=True)
    used = usage.ru_utime + usage.ru_stime
    ratio = used / taken
    title = "CPU of `--accurate -j 1`, BLAS included; its time"
    return Row(title, seconds(used), seconds(taken), f"{ratio:.2f} CPUs", "<= 1.05", ratio <= 1.05)


def _take_turns(
    folder: Path, lines: Mapping[str, str], where: Mapping[str, Mapping[str, str]], rounds: int
) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in lines}
    for _ in range(rounds):
        for name, line in lines.items():
            taken[name].append(_seconds(line, folder, where[name]))
    return {name: statistics.median(times) for name, times in taken.items()}


def _seconds(line: str, folder: Path, variables: Mapping[str, str]) -> float:
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    began = time.perf_counter()
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    taken = time.perf_counter() - began
    made = len(list(out.iterdir()))
    if done.returncode or made != len(list((folder / "models").iterdir())):
        raise NotMeasured(f"{line}: {made} models; {done.stderr.strip()[-300:]}")
    return taken


def _with_command(folder: Path) -> str:
    """PATH with our command in front."""
    script = folder / "bin" / "weightquant"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m weightquant_cli "$@"\n')
    script.chmod(0o755)
    return f"{script.parent}{os.pathsep}{os.environ['PATH']}"

"""What others do while a run goes on: `python -m tests.security.races [--points N] [KIND...]`.

    written       a file of the model is written to, its size and time of modification kept
    grown         a file of the model grows
    renamed       another file takes the place of a file of the model
    folders       the model's folder changes places with another model's
    linked        a file of the model becomes a link to a secret
    temporary     our temporary folder becomes a link to somewhere else
    added         something precious is put into the old output

Each happens just before one file operation of a run, at points spread over all of them. Then the
run ends with exit code 0 and just what it would have written undisturbed, or with 3 or 4, and then
nothing has changed. No secret is ever in an output, and nothing is ever written elsewhere.

With `users` (root only), a process of another user's does what `linked` and `temporary` do, as
fast as it can during so many runs, in folders that are that user's own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests import builders
from tests.builders import normal, record, tree
from tests.security.faults import remove, spread
from tests.security.operations import Operations, call_at
from tests.security.other_users import (
    another_user,
    given_away,
    open_home,
    swapping_files,
    taking_temporary_folders,
)
from tests.security.sandbox import run, settle

_ADDED = "added to the old output"
SECRET = b"only root may read this "
LINE = ("quantize", "-q", "-j", "1", "--force", "--report", "report.json", "model", "out")


@dataclass(frozen=True)
class Place:
    """A folder with a model, another one, an old output, and somebody's things.

    Attributes:
        home: the folder.
        whole: content of the output after a run from the model as it was; and by kind, from what
            the disturbance has made of it, which a run may find when it begins.
    """

    home: Path
    whole: dict[str, dict[str, bytes]]

    def reset(self) -> None:
        """Everything as it was at first."""
        for entry in self.home.iterdir():
            if entry.name != "kept":
                remove(entry)
        shutil.copytree(self.home / "kept", self.home, dirs_exist_ok=True, symlinks=True)


def prepare(home: Path) -> Place:
    """A place in which an undisturbed run has been seen."""
    kept = home / "kept"
    builders.write_model(kept / "model")
    other = builders.small_model()
    for name, array in builders.read_arrays(kept / "model").items():
        if array.dtype == "float32":
            other.records[name] = record(array * 3)
    other.write(kept / "other")
    (kept / "elsewhere").mkdir()
    # A secret of the size of a record, which would be read as one.
    (kept / "secret").write_bytes((kept / "model" / "fc1.w").read_bytes()[:-24] + SECRET)
    (kept / "secret").chmod(0o600)
    assert run("quantize", "-q", "--bits", "16", "model", "out", cwd=kept).code == 0
    place = Place(home, {})
    place.reset()
    for kind, act in {"": lambda _: None, **KINDS}.items():
        act(home)
        if run(*LINE, cwd=home).code == 0:
            place.whole[kind] = tree(home / "out")
        place.reset()
    return place


# ---- what others do -------------------------------------------------------------------------


def written(home: Path) -> None:
    path = home / "model" / "fc1.w"
    status = path.stat()
    with path.open("r+b") as stream:
        stream.seek(-40, os.SEEK_END)
        stream.write(normal(10).tobytes())
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def grown(home: Path) -> None:
    with (home / "model" / "fc1.w").open("ab") as stream:
        stream.write(b"more")


def renamed(home: Path) -> None:
    shutil.copy2(home / "other" / "fc1.w", home / "aside")
    (home / "aside").rename(home / "model" / "fc1.w")


def folders(home: Path) -> None:
    (home / "model").rename(home / "aside")
    (home / "other").rename(home / "model")
    (home / "aside").rename(home / "other")


def linked(home: Path) -> None:
    (home / "model" / "fc1.w").unlink()
    (home / "model" / "fc1.w").symlink_to("../secret")


def temporary(home: Path) -> None:
    for path in home.glob(".weightquant-out-*"):
        if path.is_dir() and not path.is_symlink():
            path.rename(home / "moved")
            path.symlink_to("elsewhere")
            return


def added(home: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        (home / "out" / "thesis.txt").write_bytes(b"years of work")


KINDS: dict[str, Callable[[Path], None]] = {
    act.__name__: act for act in (written, grown, renamed, folders, linked, temporary, added)
}


# ---- what may come of it --------------------------------------------------------------------


def attempt(place: Place, kind: str, at: int) -> tuple[str, list[str]]:
    """What came of one run that was disturbed at this operation, and what was wrong with it."""
    home = place.home
    before = tree(home / "out")
    done: list[str] = []

    def disturb() -> None:
        if kind == "added" and tree(home / "out") != place.whole[""]:  # it is the old one still
            done.append(_ADDED)
        KINDS[kind](home)

    with Operations(call_at(at, disturb)).watching():
        result = run(*LINE, cwd=home)
    out = tree(home / "out")
    theirs = out.pop("thesis.txt", None)
    faults = []
    if result.code not in (0, 3, 4):
        faults.append(f"exit {result.code}: {result.stderr}")
    elif result.code == 0 and out not in (place.whole[""], place.whole.get(kind)):
        faults.append("exit 0, and a mixture")
    elif result.code and out != before:
        faults.append(f"exit {result.code}, and the output changed")
    if tree(home / "elsewhere"):
        faults.append("written elsewhere, through a link")
    if any(SECRET in data for name, data in tree(home).items() if name.startswith("out")):
        faults.append("the secret is in the output")
    if kind == "added" and _ADDED in done and theirs is None:
        faults.append("the thesis is gone")
    place.reset()
    return f"{kind}: exit {result.code}", faults


def race(place: Place, kind: str, points: int, counts: Counter[str]) -> list[str]:
    """Disturb as many runs in this way; what was wrong."""
    with Operations(lambda _: None).watching() as whole:
        assert run(*LINE, cwd=place.home).code == 0
    place.reset()
    faults = []
    for at in spread(len(whole.seen), points):
        what, wrong = attempt(place, kind, at)
        counts[what] += 1
        faults += [f"{kind} at {whole.seen[at]}: {why}" for why in wrong]
    return faults


def against_users(points: int, counts: Counter[str]) -> list[str]:
    """Run beside a process of another user's, who owns the model's folder, or the output's."""
    faults = []
    for what in ("model", "output"):
        with open_home() as home:
            place = prepare(home)
            (home / "theirs").mkdir()
            (home / "model").rename(home / "theirs" / "model")
            given_away(home / ("theirs" if what == "output" else "theirs/model"))
            act = (
                swapping_files(home / "theirs" / "model" / "fc1.w", home / "secret")
                if what == "model"
                else taking_temporary_folders(home / "theirs", home / "elsewhere")
            )
            target = "out" if what == "model" else "theirs/out"
            for _ in range(points):
                with another_user(act):
                    result = run("quantize", "-q", "-f", "theirs/model", target, cwd=home)
                counts[f"another user's {what}: exit {result.code}"] += 1
                faults += _of_users(home, place, target, result.code)
                for path in (home / "theirs").iterdir():
                    if path.name != "model":
                        remove(path)
    return faults


def _of_users(home: Path, place: Place, target: str, code: int) -> list[str]:
    out = home / target
    found = tree(out) if out.is_dir() and not out.is_symlink() else {}
    faults = []
    if any(SECRET in data for data in found.values()):
        faults.append("the secret is in the output")
    if tree(home / "elsewhere"):
        faults.append("written elsewhere, through a link")
    if code not in (0, 3, 4) or (code == 0 and found != place.whole[""]):
        faults.append(f"exit {code}, with {sorted(found)}")
    return faults


def main() -> int:
    """Try all that was asked for, tell every fault and the figures; 1 where there was a fault."""
    parser = argparse.ArgumentParser(prog="tests.security.races", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", default=[*KINDS, "users"])
    parser.add_argument("--points", type=int, default=200)
    options = parser.parse_args()
    settle()
    counts: Counter[str] = Counter()
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        place = prepare(Path(os.path.realpath(scratch)))
        for kind in options.kinds:
            if kind != "users":
                faults += race(place, kind, options.points, counts)
            elif os.geteuid() == 0:
                faults += against_users(options.points, counts)
    for fault in faults:
        print("FAULT", fault)
    for what, count in sorted(counts.items()):
        print(f"{count:6} {what}")
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

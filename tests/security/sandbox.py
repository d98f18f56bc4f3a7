"""Run commands on a damaged model inside a folder of its own, and say what they did wrong.

An audit hook sees every file that Python code opens, renames or removes: nothing outside the
sandbox, nothing of the input may be written. Once set a hook stays, so it is quiet unless watched.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import socket
import sys
import threading
import time
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from json import JSONDecodeError, loads
from pathlib import Path
from typing import Any
from unittest import mock

from tests.cli.helpers import Result, environment, working_directory
from tests.security.mutate import Input
from weightquant_cli.__main__ import main
from weightquant_cli.cli.output import page as page_package

MAX_SECONDS = 10.0
MAX_EXTRA_BYTES = 100 << 20

# Documented; 70 would be an internal error, 130 and 143 need a signal.
CODES = (0, 1, 2, 3, 4)

# Kept whole: what the commands may leave behind in the sandbox beside the model.
PLAN = "given-plan.json"
OUTPUTS = ("out", "out2", "page.html", "report.json", "plan.json", "convert.sh")

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Where the paths stand in an event's arguments, each with the descriptor that it is relative to.
_CHANGING = {
    "os.rename": ((0, 2), (1, 3)), "os.remove": ((0, 1),), "os.rmdir": ((0, 1),),
    "os.mkdir": ((0, 2),), "os.link": ((0, 2), (1, 3)), "os.symlink": ((1, 2),),
    "os.truncate": ((0, None),), "os.chmod": ((0, 2),), "os.chown": ((0, 3),),
    "os.utime": ((0, 3),), "shutil.rmtree": ((0, 1),),
}  # fmt: skip
# Where the links lead that an input may hold in place of files.
_SECRET = ("/etc/hostname", "/dev/zero", "/proc/self/mem")
_NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pickle.",
          "socket.", "urllib.", "webbrowser.", "os.kill")  # fmt: skip


class Fault(AssertionError):
    """A command did what no input may make it do."""


@dataclass
class _Watch:
    """What the audit hook reports while it is on."""

    on: bool = False
    allowed: tuple[str, ...] = ()
    seen: list[str] = field(default_factory=list)
    opening: threading.local = field(default_factory=threading.local)


_watch = _Watch()


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if not _watch.on:
        return
    if event == "open":
        path, _, flags = args
        # An integer is a descriptor that was opened before, and so was looked at then.
        if not isinstance(path, int) and isinstance(flags, int):
            folder = getattr(_watch.opening, "folder", None)
            if flags & _WRITING:
                _allow(event, path, folder)
            elif path == "model":
                pass  # what the user names may be a link
            elif os.path.realpath(_whole(path, folder)) in _SECRET and not flags & os.O_NOFOLLOW:
                _watch.seen.append(f"{event} {path!r} for reading")
    elif event in _CHANGING:
        for path, folder in _CHANGING[event]:
            _allow(event, args[path], None if folder is None else args[folder])
    elif event.startswith(_NEVER):
        _watch.seen.append(f"{event} {args!r:.200}")


def _allow(event: str, path: Any, folder: int | None) -> None:
    if isinstance(path, int) or path == os.devnull or "__pycache__" in os.fsdecode(path):
        return
    whole = _whole(path, folder)
    if not whole.startswith(_watch.allowed):
        _watch.seen.append(f"{event} {whole!r}")


def _whole(path: Any, folder: int | None) -> str:
    """The absolute path, with no link in it but perhaps the last name."""
    above = os.getcwd() if folder is None or folder < 0 else os.readlink(f"/proc/self/fd/{folder}")
    name = os.path.join(above, os.fsdecode(path))
    return os.path.join(os.path.realpath(os.path.dirname(name)), os.path.basename(name))


def _open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    """os.open, which does not tell an audit hook what a path is relative to."""
    _watch.opening.folder = dir_fd
    try:
        return _real_open(path, flags, mode, dir_fd=dir_fd)
    finally:
        _watch.opening.folder = None


_real_open = os.open
_hooked = False


@contextlib.contextmanager
def watched(*allowed: Path) -> Iterator[list[str]]:
    """Collect every write outside paths that begin with one of `allowed`, and every process."""
    global _hooked
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    # A link in a file's place is replaced, not followed.
    _watch.allowed = tuple(str(Path(os.path.realpath(p.parent)) / p.name) for p in allowed)
    _watch.seen = []
    _watch.on = True
    try:
        with mock.patch.object(os, "open", _open):
            yield _watch.seen
    finally:
        _watch.on = False


def run(*arguments: str, cwd: Path) -> Result:
    """Run the command line in this process, whose environment `settle` has cleaned."""
    raw_out, raw_err = io.BytesIO(), io.BytesIO()
    out = io.TextIOWrapper(raw_out, encoding="utf-8")
    err = io.TextIOWrapper(raw_err, encoding="utf-8", errors="backslashreplace")
    with working_directory(cwd), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main(arguments)
        except SystemExit as end:  # of a completion
            code = int(end.code or 0)
    out.flush()
    err.flush()
    return Result(int(code), raw_out.getvalue(), raw_err.getvalue())


def settle() -> None:
    """Take from this process's environment what would change the output."""
    kept = environment()
    os.environ.clear()
    os.environ.update(kept)


def write_input(model: Path, given: Input) -> None:
    """Put an input on disk, its plan beside it; what no file system can hold is left out."""
    os.mkdir(model)
    model.with_name(PLAN).write_bytes(given.plan)
    for name, data in given.files.items():
        path = model / name
        with contextlib.suppress(OSError, ValueError):
            if os.path.commonpath([model, os.path.abspath(path)]) != str(model):
                continue
            if "/" in name:
                path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    for name, kind in given.specials.items():
        with contextlib.suppress(OSError, ValueError):
            if name:
                _replace(model / name, kind)
    if "" in given.specials:
        _replace_folder(model, given.specials[""])


def _replace_folder(model: Path, kind: str) -> None:
    """Something else in the folder's place; a link to the whole model lies beside it."""
    model.rename(model.with_name("elsewhere"))
    if kind == "link:inside":
        model.symlink_to("elsewhere")
    elif kind != "missing":
        _replace(model, kind)


def _replace(path: Path, kind: str) -> None:
    if kind == "sparse":
        os.truncate(path, path.stat().st_size + (1 << 36))
        return
    if kind == "unreadable":
        path.chmod(0)
        return
    content = path.read_bytes() if path.is_file() else b""
    path.unlink(missing_ok=True)
    match kind.partition(":"):
        case ("directory", _, _):
            path.mkdir()
        case ("fifo", _, _):
            os.mkfifo(path)
        case ("device", _, _):
            os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero
        case ("socket", _, _):
            with socket.socket(socket.AF_UNIX) as listener, _inside(path.parent):
                listener.bind(path.name)
        case ("empty", _, _):
            path.write_bytes(b"")
        case ("link", _, "inside"):
            (path.parent / "elsewhere").write_bytes(content)
            path.symlink_to("elsewhere")
        case ("link", _, "self"):
            path.symlink_to(path.name)
        case ("link", _, target):
            path.symlink_to(target)


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """A socket's path may have 107 bytes only."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Mode, size and time of change of everything under `folder`; reads nothing, so cannot hang."""
    found = {}
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(parent, name)
            info = os.lstat(path)
            size = 0 if os.path.isdir(path) and not os.path.islink(path) else info.st_size
            found[path] = (info.st_mode, size, info.st_mtime_ns if size else 0)
    return found


@dataclass(frozen=True)
class Command:
    """One command line on the sandbox, or with the name of a shell a completion of its end."""

    arguments: Sequence[str]
    shell: str = ""

    def __str__(self) -> str:
        return " ".join((*self.arguments, *(["(completed)"] if self.shell else [])))

    def run(self, cwd: Path) -> Result:
        """Run it, or let it be completed."""
        if not self.shell:
            return run(*self.arguments, cwd=cwd)
        asked = {
            "_WEIGHTQUANT_COMPLETE": f"{self.shell}_complete",
            "COMPLETE_BEFORE": " ".join(("weightquant", *self.arguments)),
            "COMPLETE_BEHIND": "model",
        }
        os.environ.update(asked)
        try:
            return run(cwd=cwd)
        finally:
            for name in asked:
                del os.environ[name]


def check(sandbox: Path, command: Command, may_say_no: bool = False) -> Result:
    """Run a command in the sandbox.

    Args:
        sandbox: holds `model`, and gets the outputs.
        command: its arguments; paths are relative to the sandbox.
        may_say_no: whether exit code 1 may come without a line on stderr.

    Raises:
        Fault: what it did wrong.
    """
    before = state(sandbox)
    script = "model/convert_to_lite.sh"
    allowed = [sandbox / name for name in (*OUTPUTS, ".weightquant-", script)]
    temporary = sandbox / "model" / ".weightquant-convert_to_lite.sh-"
    rest_peak()
    resident = memory("VmRSS")
    started = time.perf_counter()
    with watched(*allowed, temporary) as seen:
        result = command.run(sandbox)
    seconds = time.perf_counter() - started
    grown = memory("VmHWM") - resident
    after = state(sandbox)
    told = f"{command}: exit {result.code}, stderr {result.stderr[:300]!r}"
    if result.code not in CODES:
        raise Fault(f"undocumented exit code: {told}")
    if seconds > MAX_SECONDS:
        raise Fault(f"took {seconds:.1f} s: {told}")
    if grown > MAX_EXTRA_BYTES + sum(size for _, size, _ in before.values() if size < 1 << 30):
        raise Fault(f"took {grown >> 20} MiB: {told}")
    if seen:
        raise Fault(f"touched {seen[:3]}: {told}")
    changed = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    moved = script.replace("model", "elsewhere")  # where a link to the folder leads
    expected = tuple(str(sandbox / name) for name in (*OUTPUTS, script, moved))
    if any(not path.startswith(expected) for path in changed):
        raise Fault(f"changed {changed[:3]}: {told}")
    if result.code not in (0, 1) and changed and not _is_earlier_output(changed, sandbox):
        raise Fault(f"failed and left {changed[:3]}: {told}")
    lines = result.stderr.splitlines()
    if "-v" in command.arguments:  # one more line for every weight that was done by then
        lines = lines[-1:]
    needs_line = result.code > 1 or (result.code == 1 and not may_say_no)
    if needs_line and (len(lines) != 1 or not result.err.endswith(b"\n")):
        raise Fault(f"not one line: {told}")
    if "Traceback" in result.stderr or "Warning: " in result.stderr:
        raise Fault(f"Python's own words: {told}")
    for name, said in (("stdout", result.out), ("stderr", result.err)):
        if "always" in command.arguments:
            said = _COLOR.sub(b"", said)
        if command.shell:
            said = said.replace(b"\t", b"")
        refuse_controls(said, f"{name} of {command}")
    if "--json" in command.arguments and result.code in (0, 1) and result.out:
        _refuse_bad_json(result.out, str(command))
    return result


def _is_earlier_output(changed: list[str], sandbox: Path) -> bool:
    """A plan and a report are outputs of their own, written although a later one may fail."""
    names = ("plan.json", "report.json")
    return all(os.path.basename(path) in names for path in changed)


def check_outputs(sandbox: Path) -> None:
    """No control characters in what was written, well-formed documents, a harmless page.

    Raises:
        Fault: one of them is not so.
    """
    for name in ("plan.json", "report.json"):
        path = sandbox / name
        if path.exists():
            data = path.read_bytes()
            refuse_controls(data, name)
            _refuse_bad_json(data, name)
    page = sandbox / "page.html"
    if page.exists():
        data = page.read_bytes()
        refuse_controls(data, "the page")
        refuse_active_page(data.decode("utf-8"))
    for name in OUTPUTS[-4:]:
        (sandbox / name).unlink(missing_ok=True)
    for name in ("out", "out2"):
        shutil.rmtree(sandbox / name, ignore_errors=True)


# Format characters that reorder or hide text; line and paragraph separators; lone surrogates.
_CATEGORIES = ("Cc", "Cf", "Cs", "Zl", "Zp")
_COLOR = re.compile(rb"\x1b\[[0-9;]*m")
_SUSPICIOUS = re.compile(r"[^\n -~]")


def refuse_controls(data: bytes, what: str) -> None:
    """Refuse control characters, bidirectional marks and bytes that are not UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Fault(f"not UTF-8, {what}: {error}") from error
    for match in _SUSPICIOUS.finditer(text):
        if unicodedata.category(match[0]) in _CATEGORIES:
            near = text[max(match.start() - 30, 0) : match.start() + 30]
            raise Fault(f"a control character in {what}: {near!r}")


def _refuse_bad_json(data: bytes, what: str) -> None:
    try:
        loads(data, parse_constant=_refuse_constant)
    except (JSONDecodeError, UnicodeDecodeError, ValueError) as error:
        raise Fault(f"bad JSON, {what}: {error}") from error


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is none of JSON's numbers")


_SCRIPT = Path(page_package.__file__).with_name("page.js")


class _Page(HTMLParser):
    """Finds what a page of ours never has."""

    FORBIDDEN = ("script", "img", "iframe", "object", "embed", "base", "form", "link", "a")

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.FORBIDDEN:
            self.found.append(f"<{tag}>")
        for name, value in attrs:
            if name.startswith("on") or "javascript:" in (value or "").lower():
                self.found.append(f"<{tag} {name}={value!r}>")


def refuse_active_page(text: str) -> None:
    """Refuse a page with a script but ours, an event handler, or anything fetched or left for."""
    page = _Page()
    page.feed(text.replace(f"<script>{_SCRIPT.read_text('utf-8')}</script>", "", 1))
    page.close()
    if page.found:
        raise Fault(f"the page holds {page.found[:3]}")


# ---- memory, on Linux -----------------------------------------------------------------------


def memory(what: str) -> int:
    """Bytes, by a name of /proc/self/status; 0 where there is none."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) << 10 if found else 0


def rest_peak() -> None:
    """Let VmHWM start anew from what is resident now."""
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as stream:
        stream.write("5")

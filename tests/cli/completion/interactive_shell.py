"""A real bash, zsh or fish on a pseudo-terminal, with our completions installed for it.

`weightquant` is a stub there: asked for completions it is the program under test, and otherwise it
notes its arguments. So a test types a line with tabs and Enter, and sees what the shell made of it,
quoting included, without reading the screen.

The program answers in the tests' process, while that waits for the shell: a process for every tab
took most of the tests' time. In a bare shell the stub starts it, as a user's shell does.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import pty
import re
import select
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from types import TracebackType

import pytest

from tests.cli.helpers import command, environment, run

# Long enough for a loaded machine; nothing waits that long where all is well.
PATIENCE = 60
COLUMNS = 200

COMPLETIONS = Path(__file__).parents[3] / "completions"

TAB = "\t"
_CANCEL = "\x03"
_ENTER = "\r"

# The child of `subprocess` makes the pseudo-terminal its own, as a terminal's shell does.
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)

START = {
    "bash": ("bash", "--norc", "--noprofile", "-i"),
    "zsh": ("zsh", "-f", "-i"),
    "fish": ("fish", "--private"),
}

# How a user has set the shell up; what the wheel installs is found below `share`.
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")
SET_UP = {
    "bash": f"source {BASH_COMPLETION}",
    "zsh": "fpath=(%(share)s/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D",
    "fish": "true",
}
INSTALLED = {
    "weightquant.bash": "bash-completion/completions/weightquant",
    "_weightquant": "zsh/site-functions/_weightquant",
    "weightquant.fish": "fish/vendor_completions.d/weightquant.fish",
}


class InteractiveShell:
    """A shell in which one can type.

    Args:
        name: which one.
        root: an empty folder.
        bare: without bash-completion, compinit and the scripts that the wheel installs; the program
            is a process of its own.

    Attributes:
        folder: where it stands; also its home.
    """

    def __init__(self, name: str, root: Path, bare: bool = False) -> None:
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
        if name == "bash" and not bare and not BASH_COMPLETION.exists():
            pytest.skip("bash-completion is not installed")
        self.name = name
        self.folder = root / "home"
        self.folder.mkdir()
        self._call = root / "call"
        self._ready = root / "ready"
        self._shown = b""
        self._questions = Questions(root / "questions")
        program = f'exec {shlex.join(command())} "$@"' if bare else self._questions.script
        _add_stub(root, self._call, program)
        if not bare:
            _add_scripts(root)
        self._terminal, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *START[name]],
            cwd=self.folder,
            env=self._environment(root),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.run("true" if bare else SET_UP[name] % {"share": root / "share"})

    def __enter__(self) -> InteractiveShell:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        os.close(self._terminal)
        os.close(self._questions.asked)

    def arguments(self, keys: str) -> list[str]:
        """Type the keys and Enter; the arguments with which `weightquant` was then called."""
        self._call.unlink(missing_ok=True)
        self._type(keys + _ENTER)
        self._wait_for(self._call)
        return self._call.read_text("utf-8").split("\0")[:-1]

    def offers(self, keys: str, *texts: str) -> str:
        """Type the keys and tabs until all the texts are shown; what was shown, for looking on."""
        start = len(self._shown)
        self._type(keys + TAB + TAB)
        deadline = time.monotonic() + PATIENCE
        while not all(text in self._screen(start) for text in texts):
            assert time.monotonic() < deadline, self._screen(start)
            self._read()
        self.run("true", before=_CANCEL)
        return self._screen(start)

    def run(self, line: str, before: str = "") -> None:
        """Run a line, and wait until it is done."""
        self._ready.unlink(missing_ok=True)
        self._type(f"{before}{line}; touch {shlex.quote(str(self._ready))}{_ENTER}")
        self._wait_for(self._ready)

    def _type(self, keys: str) -> None:
        os.write(self._terminal, keys.encode("utf-8"))

    def _wait_for(self, path: Path) -> None:
        deadline = time.monotonic() + PATIENCE
        while not path.exists():
            assert time.monotonic() < deadline, self._screen(0)
            self._read()

    def _read(self) -> None:
        ready = select.select([self._terminal, self._questions.asked], [], [], 0.02)[0]
        if self._questions.asked in ready:
            self._questions.answer()
        if self._terminal in ready:
            self._shown += os.read(self._terminal, 65536)

    def _screen(self, start: int) -> str:
        """What was shown since then, without escape sequences."""
        text = self._shown[start:].decode("utf-8", "replace")
        return re.sub(
            r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[=>()][0-9A-B]?)", "", text
        )

    def _environment(self, root: Path) -> dict[str, str]:
        path = os.pathsep.join((str(root / "bin"), os.environ["PATH"]))
        shares = os.pathsep.join((str(root / "share"), "/usr/local/share", "/usr/share"))
        changes = {"PATH": path, "HOME": str(self.folder), "TERM": "xterm"}
        dirs = {f"XDG_{kind}_HOME": str(root / kind) for kind in ("CONFIG", "DATA", "CACHE")}
        return environment({**changes, **dirs, "XDG_DATA_DIRS": shares, "LC_ALL": "C.UTF-8"})


class Questions:
    """What the shell's scripts ask the program, answered in this process.

    Attributes:
        script: asks and prints the answer, in the program's place.
        asked: a descriptor that can be read when there is a question.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        os.mkfifo(folder / "asked")
        self.asked = os.open(folder / "asked", os.O_RDWR | os.O_NONBLOCK)
        self.script = (
            f'cd {shlex.quote(str(folder))}; mkfifo $$.answer; {{ echo "$OLDPWD"; env; }} >$$; '
            "echo $$ >asked; exec cat $$.answer"
        )
        self._folder = folder

    def answer(self) -> None:
        """Run the program for each question, with the environment and in the folder of it."""
        for process in os.read(self.asked, 4096).split():
            question = self._folder / process.decode()
            folder, *variables = question.read_text("utf-8").splitlines()
            env = dict(line.split("=", 1) for line in variables if "=" in line)
            completed = run(cwd=Path(folder), env=env)
            assert (completed.code, completed.err) == (0, b"")
            answer = Path(f"{question}.answer")
            with contextlib.suppress(ProcessLookupError, BrokenPipeError):  # the shell has ended it
                _give(answer, completed.out, int(process))
            question.unlink()
            answer.unlink()  # or a later process of this number could not make it


def _give(answer: Path, text: bytes, process: int) -> None:
    """Write to a named pipe that the process reads."""
    deadline = time.monotonic() + PATIENCE
    while True:
        os.kill(process, 0)
        assert time.monotonic() < deadline
        try:
            pipe = os.open(answer, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:  # it has not begun to read
                raise
            time.sleep(0.001)
        else:
            break
    with open(pipe, "wb") as stream:
        os.set_blocking(pipe, True)
        stream.write(text)


def _add_scripts(root: Path) -> None:
    """Put the committed scripts where an installed wheel has them."""
    for name, target in INSTALLED.items():
        (root / "share" / target).parent.mkdir(parents=True)
        shutil.copyfile(COMPLETIONS / name, root / "share" / target)


def _add_stub(root: Path, call: Path, program: str) -> None:
    """Put the stub on the shell's PATH.

    Args:
        root: the shell's own folder.
        call: gets the arguments of a call.
        program: what the stub does where it is asked for completions.
    """
    stub = root / "bin" / "weightquant"
    stub.parent.mkdir()
    noted = shlex.quote(str(call))
    stub.write_text(
        "#!/bin/sh\n"
        f'if [ -n "$_WEIGHTQUANT_COMPLETE" ]; then {program}; exit; fi\n'
        f"printf '%s\\0' \"$@\" > {noted}.part && mv -f {noted}.part {noted}\n"
    )
    stub.chmod(0o755)

"""Hosts to log in to by ssh, without a network: sshd's of our own on the loopback interface.

Keys, settings and home folders are all below one temporary folder. `ssh` on the path of
`LocalHosts.environment` knows the hosts by name, and the user's own settings are left alone.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.cli.helpers import environment

PROGRAMS = ("sshd", "ssh", "ssh-keygen", "rsync", "parallel")
PRIVILEGE_SEPARATION = Path("/run/sshd")
_SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"
_PATIENCE = 20

_SSHD = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {keys}/host
PidFile none
AuthorizedKeysFile {keys}/user.pub
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
MaxStartups 100
SetEnv PATH={path} HOME={home}
ForceCommand cd {home} && echo "$SSH_ORIGINAL_COMMAND" >>{home}/.commands && \
exec sh -c "$SSH_ORIGINAL_COMMAND"
"""

_SSH = """\
Host {name}
  HostName 127.0.0.1
  Port {port}
  IdentityFile {keys}/user
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile {keys}/known
  LogLevel ERROR
"""


@dataclass(frozen=True)
class LocalHosts:
    """Running hosts.

    Attributes:
        homes: name -> the folder that a login starts in.
        environment: for programs that log in; `weightquant` is there, and on the hosts.
    """

    homes: dict[str, Path]
    environment: dict[str, str]

    def commands(self, name: str) -> str:
        """What the host was asked to run so far."""
        log = self.homes[name] / ".commands"
        return log.read_text() if log.exists() else ""


def missing() -> list[str]:
    """What this machine lacks for it."""
    absent = [name for name in PROGRAMS if _find(name) is None]
    if os.getuid() == 0 and not PRIVILEGE_SEPARATION.is_dir():
        absent.append(f"{PRIVILEGE_SEPARATION}, which sshd needs when root starts it")
    return absent


@contextmanager
def local_hosts(folder: Path, names: Sequence[str]) -> Iterator[LocalHosts]:
    """Start a host of each name, and end them all afterwards."""
    keys, tools = folder / "keys", folder / "bin"
    keys.mkdir(parents=True)
    tools.mkdir()
    for key in ("host", "user"):
        _call("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / key)
    path = f"{tools}:{os.environ['PATH']}:{_SYSTEM}"
    _script(tools / "weightquant", f'exec "{sys.executable}" -m weightquant_cli "$@"')
    _script(tools / "ssh", f'exec "{_find("ssh")}" -F "{folder}/ssh_config" "$@"')
    servers: list[subprocess.Popen[bytes]] = []
    homes = {name: folder / name for name in names}
    try:
        for name, home in homes.items():
            port = _free_port()
            home.mkdir()
            values = {"name": name, "port": port, "keys": keys, "home": home, "path": path}
            with (folder / "ssh_config").open("a") as stream:
                stream.write(_SSH.format(**values))
            servers.append(_serve(folder / f"{name}.sshd_config", values))
        yield LocalHosts(homes, environment({"PATH": path, "HOME": str(folder)}))
    finally:
        for server in servers:
            server.terminate()
        for server in servers:
            server.wait()


def _serve(config: Path, values: dict[str, object]) -> subprocess.Popen[bytes]:
    # The command under test runs from the checkout there too.
    settings = _SSHD.format(**values)
    source = environment()["PYTHONPATH"]
    config.write_text(settings.replace("SetEnv ", f"SetEnv PYTHONPATH={source} "))
    log = config.with_suffix(".log")
    sshd = _find("sshd")
    assert sshd is not None
    server = subprocess.Popen([sshd, "-D", "-f", config, "-E", log])  # it wants its whole path
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", int(str(values["port"]))), 1).close()
            return server
        except OSError:
            if server.poll() is not None or time.monotonic() > end:
                server.kill()
                server.wait()
                raise RuntimeError(f"sshd did not start: {log.read_text()}") from None
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _script(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n")
    path.chmod(0o755)


def _find(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ['PATH']}:{_SYSTEM}")


def _call(program: str, *arguments: str | Path) -> None:
    subprocess.run([program, *arguments], check=True, stdin=subprocess.DEVNULL)

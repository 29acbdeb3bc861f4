"""Memory and disk that run out under Redis, by a foreign hand, and come back. Part of the nemesis.

Memory is filled by keys that belong to no release, up to a limit that is set for the time; the disk is a small file system
that the server's data has for itself, and that a file of others fills. Mounting it needs root.
"""

import contextlib
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import redis

from tests.servers import Server
from tests.waiting import until

_ROOM = 8 << 20  # bytes that are left before a shortage begins; whoever is foreign takes them
_FILLER = "foreign:filler"
_PROBE = "foreign:probe"


class Memory:
    """The server's memory. `fill` and `relieve` may come from different threads."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._relieved = threading.Event()
        self._relieved.set()
        self._thread: threading.Thread | None = None

    def fill(self) -> bool:
        """Fill it, and keep it full until `relieve`, or until the server is started again; False where it is full already."""
        if not self._relieved.is_set():
            return False
        with self._client() as client:
            client.config_set("maxmemory", int(client.info("memory")["used_memory"]) + _ROOM)
        self._relieved.clear()
        self._thread = threading.Thread(target=self._keep_full, name="filler", daemon=True)
        self._thread.start()
        return True

    def _client(self) -> Any:
        return redis.Redis(port=self.server.port, socket_timeout=5)

    def _keep_full(self) -> None:
        number = 0
        with contextlib.suppress(redis.ConnectionError, redis.TimeoutError), self._client() as client:
            while not self._relieved.wait(0.01) and int(client.config_get("maxmemory")["maxmemory"]):
                for size in (1 << 18, 1 << 13, 1 << 8):
                    while not self._relieved.is_set() and _takes(client, str(number), size):
                        number += 1

    def relieve(self) -> None:
        """Take away what is foreign, and the limit."""
        self._relieved.set()
        if self._thread is not None:
            self._thread.join()

        def free() -> bool:
            try:
                with self._client() as client:
                    client.config_set("maxmemory", 0)
                    client.delete(_FILLER)
                return True
            except (redis.RedisError, OSError):
                return False

        until(free, 60, "room in Redis")


class Disk:
    """A file system in memory on `folder`; use as a context manager around the server that has its data there.

    Args:
        folder: where it is mounted, if that is allowed; else `missing` says why not, and the folder is a plain one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.missing = ""

    def __enter__(self) -> "Disk":
        self.folder.mkdir(parents=True, exist_ok=True)
        try:
            said = self._mount("size=50%")
            self.missing = said.stderr.strip() if said.returncode else ""
        except FileNotFoundError as error:
            self.missing = str(error)
        return self

    def __exit__(self, *_: object) -> None:
        if not self.missing:
            kept = self.folder.parent / "redis.log"
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(self.folder / "server.log", kept)
            subprocess.run(["umount", "--lazy", self.folder], check=True, timeout=30)

    def _mount(self, options: str) -> "subprocess.CompletedProcess[str]":
        command = ["mount", "-t", "tmpfs", "-o", options, "trafficjobs-chaos", str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    def fill(self, server: Server, seconds: float) -> None:
        """Leave no room on it until the server has refused writes for so long; return once it takes them again."""
        used = shutil.disk_usage(self.folder).used
        self._check(self._mount(f"remount,size={used + _ROOM}"))
        foreign = self.folder / "foreign"
        try:
            with foreign.open("wb", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(bytes(1 << 16))
            with foreign.open("ab", buffering=0) as file, contextlib.suppress(OSError):
                while True:
                    file.write(b"x")
            until(lambda: _refuses(server), 30, "a write that is refused because of the disk")
            time.sleep(seconds)
        finally:
            foreign.unlink(missing_ok=True)
            self._check(self._mount("remount,size=50%"))
        until(lambda: not _refuses(server), 30, "a write after the disk was full")

    @staticmethod
    def _check(said: "subprocess.CompletedProcess[str]") -> None:
        if said.returncode:
            raise RuntimeError(f"mount: {said.stderr}")


def _takes(client: Any, field: str, size: int) -> bool:
    """Whether there is room for so many bytes more. The disk may be full as well."""
    try:
        client.hset(_FILLER, field, b"x" * size)
    except redis.exceptions.OutOfMemoryError:
        return False
    except redis.ResponseError as error:
        if not str(error).startswith("MISCONF"):
            raise
        return False
    return True


def _refuses(server: Server) -> bool:
    """Whether the server refuses a write because it cannot write its file."""
    with redis.Redis(port=server.port, socket_timeout=5) as client:
        try:
            client.set(_PROBE, b"x" * 1000, ex=60)
        except redis.ResponseError as error:
            return str(error).startswith("MISCONF")
    return False

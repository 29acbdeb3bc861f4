"""A TCP proxy in front of Redis that reads command by command, and kills whoever sends the one that it waits for.

`crash_points` puts it between Redis and the process that it kills: just before a command is passed on, or when it has run and
its reply is not passed on yet. A pipeline is taken apart, and each of its commands is a point of its own.
"""

import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import hiredis

_INCOMPLETE = object()
_SLICE = 1 << 18  # bytes of one read
_DEATH = 30.0  # seconds in which a process that was killed must be gone
BLOCKING = frozenset({"BLPOP", "XREAD"})  # may not be answered for long; killed once they were passed on
Command = tuple[str, int]  # the name of a command or script, and how many of that name came before


@dataclass(frozen=True)
class Point:
    """Where to kill: at this command, before it is passed on or after it has run."""

    name: str
    earlier: int
    after: bool

    def __str__(self) -> str:
        return f"{'after' if self.after else 'before'} {self.name} ({self.earlier + 1})"


class CountingProxy:
    """Listens on a port of its own; use as a context manager.

    Args:
        port: of the server on loopback.
        scripts: names of scripts by their sha, and by the name of their function.
    """

    def __init__(self, port: int, scripts: Mapping[str, str]) -> None:
        self.target, self.scripts = port, scripts
        self.commands: list[Command] = []
        self._met, self._gone = False, threading.Event()
        self._point: Point | None = None
        self._victims: Callable[[], Iterable[int]] = list
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="counting", daemon=True).start()

    def begin(self, point: Point | None = None, victims: Callable[[], Iterable[int]] = list) -> None:
        """Count anew, and kill these processes at the point, if one is given."""
        with self._lock:
            self.commands, self._seen = [], Counter()
            self._point, self._victims = point, victims
            self._met, self._gone = False, threading.Event()

    def end(self) -> tuple[list[Command], bool]:
        """Kill no more; the commands that came, and whether the point was met. Then whoever had sent the last one is gone."""
        with self._lock:
            self._point = None
            commands, met = self.commands, self._met
        if met and not self._gone.wait(_DEATH):
            raise AssertionError("a process that was killed is still there")
        return commands, met

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()

    def __enter__(self) -> "CountingProxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                return
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_Link(self, client, server).run, name="counted", daemon=True).start()

    def count(self, words: list[bytes]) -> tuple[Point | None, str]:
        """Note a command; the point, if it is the one to kill at, and the command's name."""
        name = self._name(words)
        with self._lock:
            earlier = self._seen[name]
            self._seen[name] += 1
            self.commands.append((name, earlier))
            point = self._point
            if point is None or (point.name, point.earlier) != (name, earlier):
                return None, name
            self._point, self._met = None, True
            return point, name

    def _name(self, words: list[bytes]) -> str:
        name = words[0].decode().upper()
        if name in ("EVALSHA", "FCALL"):
            return self.scripts[words[1].decode()]
        return f"{name} {words[1].decode().upper()}" if name == "CLIENT" else name

    def kill(self) -> None:
        """SIGKILL to the victims."""
        for pid in self._victims():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:  # it ended with another one of them
                pass

    def bury(self) -> None:
        """Who sent the last command is gone."""
        self._gone.set()


class _Link:
    """One connection, one command and its reply after the other."""

    def __init__(self, proxy: CountingProxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self._requests = hiredis.Reader(notEnoughData=_INCOMPLETE)
        self._replies = hiredis.Reader(notEnoughData=_INCOMPLETE)

    def run(self) -> None:
        """Until one side closes, or the point has come."""
        try:
            while self._serve():
                pass
        except OSError:
            pass
        finally:
            self.client.close()
            self.server.close()

    def _serve(self) -> bool:
        words: Any = self._requests.gets()
        if words is _INCOMPLETE:
            data = self.client.recv(_SLICE)
            self._requests.feed(data)
            return bool(data)
        point, name = self.proxy.count(words)
        if point is not None and not point.after:
            return self._die()
        self.server.sendall(hiredis.pack_command(tuple(words)))
        if point is not None and name in BLOCKING:
            return self._die()
        return self._reply(point)

    def _reply(self, point: Point | None) -> bool:
        """Pass a whole reply on, or none of it."""
        parts: list[bytes] = []
        while self._replies.gets() is _INCOMPLETE:
            data = self.server.recv(_SLICE)
            if not data:
                return False
            parts.append(data)
            self._replies.feed(data)
        if point is not None:
            return self._die()
        self.client.sendall(b"".join(parts))
        return True

    def _die(self) -> bool:
        """Kill, and hold the connection until the kernel has closed its other end: then the process is gone."""
        self.proxy.kill()
        self.client.settimeout(_DEATH)
        try:
            while self.client.recv(_SLICE):
                pass
        except ConnectionError:
            pass
        self.proxy.bury()
        return False

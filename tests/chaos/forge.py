"""A process that has imported everything and forks victims on command, so that one is there in milliseconds.

`Forge` starts it and speaks with it; `python -m tests.chaos.forge` is the process itself. It has no thread and no connection,
as the nursery of a worker has none. A victim runs one function of `tests.chaos.victims` and leaves by `os._exit`.
"""

import contextlib
import gc
import importlib
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import orjson

from lib.parents import die_with_parent

ROOT = Path(__file__).parents[2]  # not resolved: in a copy, the folder with the copies of lib and services
_PATIENCE = 60.0  # seconds in which it starts, and in which a victim ends


class Victim:
    """A process that was forked. It ends by itself, or is killed."""

    def __init__(self, forge: "Forge", pid: int) -> None:
        self._forge, self.pid = forge, pid
        self.status: int | None = None

    def ended(self, seconds: float = 0.0) -> bool:
        """Whether it has ended, after waiting so long for it."""
        if self.status is None and self._forge.readable(seconds):
            self.status = self._forge.hear()["status"]
        return self.status is not None

    def wait(self) -> int:
        """Its status, as `os.waitpid` tells it."""
        if not self.ended(_PATIENCE):
            os.kill(self.pid, signal.SIGKILL)
            self.ended(_PATIENCE)
            raise AssertionError(f"a victim did not end; {self._forge.log}:\n{self._forge.log.read_text()[-3000:]}")
        assert self.status is not None
        return self.status

    def terminate(self) -> None:
        """SIGTERM."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)


class Forge:
    """Use as a context manager. One victim at a time.

    Args:
        env: variables of the process and all that it forks.
        log: what they say.
    """

    def __init__(self, env: Mapping[str, str], log: Path) -> None:
        self.env, self.log = dict(env), log

    def __enter__(self) -> "Forge":
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "tests.chaos.forge"]
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )
        if not self.readable(_PATIENCE):
            self.__exit__(None, None, None)
            raise AssertionError(f"the forge did not start; see {self.log}")
        self.threads = self.hear()["threads"]
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(5)
        self._process.stdout.close()

    def fork(self, function: str, *args: Any, **env: str) -> Victim:
        """Have a function of `tests.chaos.victims` called with `args`, which JSON can say, under further variables."""
        assert self._process.stdin is not None
        self._process.stdin.write(orjson.dumps({"function": function, "args": args, "env": env}) + b"\n")
        self._process.stdin.flush()
        return Victim(self, self.hear()["pid"])

    def readable(self, seconds: float) -> bool:
        """Whether it says something within that time."""
        assert self._process.stdout is not None
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def hear(self) -> dict[str, Any]:
        """What it says next."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise AssertionError(f"the forge died; see {self.log}:\n{self.log.read_text()[-3000:]}")
        found: dict[str, Any] = orjson.loads(line)
        return found


def serve() -> None:
    """Fork as told, and tell of each end, until the pipe closes."""
    forge = os.getpid()
    orders, words = os.fdopen(os.dup(0), "rb", buffering=0), os.dup(1)
    os.dup2(2, 1)
    victims = importlib.import_module("tests.chaos.victims")  # only here: whoever speaks with a forge needs none of it
    victims.warm_up()
    gc.collect()
    gc.freeze()
    _say(words, threads=len(os.listdir("/proc/self/task")) if sys.platform == "linux" else 1)
    while line := orders.readline():
        order = orjson.loads(line)
        pid = os.fork()
        if pid == 0:
            os.close(words)
            orders.close()
            _become(order, victims, forge)
        _say(words, pid=pid)
        _say(words, status=os.waitpid(pid, 0)[1])
        _bury_orphans()


def _bury_orphans() -> None:
    """What a worker left that was killed: its nursery, and with that its children, die by the kernel's hand."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def _say(words: int, **message: Any) -> None:
    os.write(words, orjson.dumps(message) + b"\n")


def _become(order: dict[str, Any], victims: ModuleType, forge: int) -> None:
    """Be a victim, which does not outlive the forge."""
    code = 1
    try:
        die_with_parent(forge)
        os.environ |= order["env"]
        getattr(victims, order["function"])(*order["args"])
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()

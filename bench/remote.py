"""The runner's end of a contestant: starts its process (bench/driver.py), tells it what to do, and waits for the answer."""

import json
import os
import select
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from bench.contestant import PORT
from bench.entrants import Entrant
from bench.environments import ROOT, interpreter

_LOOK = 0.5  # seconds between two looks at whether the workers still run
_PATIENCE = 120.0  # seconds for one answer


class Remote:
    """One contestant in its environment, as a context manager.

    Args:
        entrant: which one.
        port: of the server, or of what stands before it.
        folder: for files of this measurement; what the contestant prints is in `contestant.log` there.

    Raises: NotInstalled where its environment cannot be made.
    """

    def __init__(self, entrant: Entrant, port: int, folder: Path) -> None:
        self.entrant, self.log = entrant, folder / "contestant.log"
        self.python = interpreter(entrant.environment)
        self.environment = {"PYTHONPATH": str(ROOT), PORT: str(port)}
        self._arguments = [f"bench.contestants.{entrant.place}", str(port), str(folder)]
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, do: str, alive: Callable[[], None] = lambda: None, **arguments: Any) -> Any:
        """Have it do something; its answer.

        Args:
            do: a method of `Driver`.
            alive: is called again and again meanwhile, and raises where there is no use in waiting.

        Raises: RuntimeError with what went wrong there.
        """
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        give_up = time.monotonic() + _PATIENCE
        try:
            process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
            process.stdin.flush()
            while not select.select([process.stdout], [], [], _LOOK)[0]:
                alive()
                if time.monotonic() > give_up:
                    raise RuntimeError(f"{self.entrant.name}: no answer to {do}")
            line = process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise RuntimeError(f"{self.entrant.name}: its process ended:\n{self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.entrant.name}: {answer['error']}")
        return answer["answer"]

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-2_000:]

    def __enter__(self) -> "Remote":
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [self.python, "-m", "bench.driver", *self._arguments],
                cwd=ROOT,
                env=os.environ | self.environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.close()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

"""What a queue must be able to do to be measured. One file in bench/contestants is one queue; bench/entrants.py lists them.

A contestant is made anew for each measurement, on a server of its own, with the defaults its documentation gives, and lives
in a process of its own environment (bench/driver.py), which imports nothing but this, the jobs and the queue. Where it is
better or worse off than the others, its docstring says so.
"""

import asyncio
import os
from abc import ABC, abstractmethod
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from bench.body import Ran

T = TypeVar("T")
_AT_ONCE = 100  # jobs that are sent concurrently
PORT = "BENCH_PORT"
"""The variable that tells a worker's process, and a contestant's, where the server is."""


def url() -> str:
    """Of the server, for those modules that a worker imports."""
    return f"redis://127.0.0.1:{os.environ[PORT]}"


@dataclass(frozen=True)
class Command:
    """One program to start, from the repository's root: arguments after the interpreter, and environment variables."""

    arguments: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)


class Contestant(ABC):
    """One queue on one server.

    Args:
        port: of the server, on 127.0.0.1.
        folder: for files of this measurement.
    """

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder

    @abstractmethod
    def commands(self, processes: int) -> list[Command]:
        """Programs that together run that many jobs at once, or, where one process runs many, are that many processes."""

    @abstractmethod
    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        """Submit one job for each number, one after the other, each durable before the next; their ids."""

    @abstractmethod
    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        """The same in the fastest way for many; their ids."""

    def submit_to(self, lane: str, number: int) -> str:
        """Submit one job that does nothing to a lane; its id."""
        return self.submit_each("noop", [number])[0]

    @abstractmethod
    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        """What the store shows of each job: its result once its record is terminal, else None."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""


class AsyncContestant(Contestant):
    """A queue whose client is asynchronous: each call enters a loop that lives as long as the contestant."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.loop = asyncio.new_event_loop()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it; what it returns."""
        return self.loop.run_until_complete(work)


class ConcurrentContestant(AsyncContestant):
    """One that has no batched submit: many are sent concurrently."""

    @abstractmethod
    async def send(self, body: str, number: int) -> str:
        """Submit one job; its id."""

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        async def one_by_one() -> list[str]:
            return [await self.send(body, number) for number in numbers]

        return self.run(one_by_one())

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        async def together() -> list[str]:
            ids: list[str] = []
            for at in range(0, len(numbers), _AT_ONCE):
                ids += await asyncio.gather(*(self.send(body, number) for number in numbers[at : at + _AT_ONCE]))
            return ids

        return self.run(together())

"""What a queue must be able to do to be measured. One file in bench/contestants is one queue; nothing else names it.

A contestant is made anew for each measurement, on a server of its own, with the defaults its documentation gives. Where it
is better or worse off than the others, its docstring says so.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from bench.body import Ran
from bench.workers import Command


class Contestant(ABC):
    """One queue on one server.

    Args:
        port: of the server, on 127.0.0.1.
        folder: for files of this measurement.
    """

    name: ClassVar[str]
    package: ClassVar[str] = ""
    """Distribution whose version is printed."""
    peer: ClassVar[bool] = True
    """False for ours."""
    share: ClassVar[float] = 1.0
    """Part of the asked number of jobs that it drains: less for those that would take minutes. Rates stay comparable."""
    lanes: ClassVar[Sequence[str]] = ("",)
    """Priorities and further queues whose latency is measured; "" is the plain one."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder

    @abstractmethod
    def commands(self, processes: int) -> list[Command]:
        """Programs that together run that many jobs at once, or, where one process runs many, are that many processes."""

    @abstractmethod
    def submit_each(self, numbers: Sequence[int]) -> list[str]:
        """Submit one job for each number, one after the other, each durable before the next; their ids."""

    @abstractmethod
    def submit_batch(self, numbers: Sequence[int]) -> list[str]:
        """The same in the fastest way for many; their ids."""

    def submit_to(self, lane: str, number: int) -> str:
        """Submit one job to a lane; its id."""
        return self.submit_each([number])[0]

    @abstractmethod
    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        """What the store shows of each job: its result once its record is terminal, else None."""

    @abstractmethod
    def close(self) -> None:
        """Close every connection."""

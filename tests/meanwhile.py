"""Threads that go on while a block runs: the base of what submits, asks or takes samples meanwhile."""

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Meanwhile:
    """Runs loops, each in a thread of its own, from when the block is entered until it is left, however it is left.

    Args:
        loops: what the threads do until `ending` is set.
    """

    def __init__(self, *loops: Callable[[], None]) -> None:
        self.ending = threading.Event()
        self._threads = [threading.Thread(target=loop) for loop in loops]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.ending.set()
        for thread in self._threads:
            thread.join()

"""The jobs that every contestant runs: nothing, 1 ms of work, 10 ms of waiting, and one analysis. Each says which one it was,
when it started and in which process.

The clock is the machine's monotonic one, so that times of different processes can be compared. All that is imported here is
in the environment of every peer.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

CPU, SLEEP = 0.001, 0.01  # seconds
ROWS, DAYS = 432_500, 2_500
CODES = Path(__file__).parents[1] / "build" / "bench" / "days.npy"


class Ran(NamedTuple):
    """What a job returned: its number, when it started (monotonic clock, seconds), its process, and what it counted."""

    number: int
    started: float
    process: int | str
    counted: int = 0


def noop(number: int) -> list[float]:
    """The fields of `Ran`, as JSON values."""
    return [number, time.monotonic(), os.getpid()]


def cpu(number: int) -> list[float]:
    """Computes for 1 ms of this process's own time."""
    ran, until = noop(number), time.thread_time() + CPU
    while time.thread_time() < until:
        pass
    return ran


def sleep(number: int) -> list[float]:
    """Waits for 10 ms, as for somebody else's answer."""
    ran = noop(number)
    time.sleep(SLEEP)
    return ran


def analysis(number: int) -> list[float]:
    """Opens a file of a day for each row of a year's data, and counts the rows of one day: another one in every job."""
    ran = noop(number)
    codes = np.load(CODES, mmap_mode="r")
    return [*ran, int((codes == number % DAYS).sum())]


BODIES: dict[str, Callable[[int], list[float]]] = {"noop": noop, "cpu": cpu, "sleep": sleep, "analysis": analysis}


def _asynchronous(body: Callable[[int], list[float]]) -> Callable[[int], Awaitable[list[float]]]:
    async def run(number: int) -> list[float]:
        return body(number)

    run.__name__ = run.__qualname__ = body.__name__
    return run


async def _sleep(number: int) -> list[float]:
    ran = noop(number)
    await asyncio.sleep(SLEEP)
    return ran


# For those that run their jobs in an event loop: what computes does so within it, and while one waits others run.
ASYNC_BODIES: dict[str, Callable[[int], Awaitable[list[float]]]] = {
    name: _asynchronous(body) for name, body in BODIES.items() if name != "sleep"
} | {"sleep": _sleep}


def make_file() -> None:
    """Write what `analysis` reads, the same in every run, where it is not yet there."""
    if CODES.exists():
        return
    CODES.parent.mkdir(parents=True, exist_ok=True)
    part = CODES.with_name(f"{os.getpid()}.npy")
    np.save(part, np.random.default_rng(1).integers(0, DAYS, ROWS, dtype=np.int32))
    part.replace(CODES)

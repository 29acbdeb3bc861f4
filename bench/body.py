"""The job that every contestant runs: it says which one it is, when it started and in which process, and does nothing else.

The clock is the machine's monotonic one, so that times of different processes can be compared.
"""

import os
import time
from typing import NamedTuple


class Ran(NamedTuple):
    """What a job returned: its number, when it started (monotonic clock, seconds) and the process that ran it."""

    number: int
    started: float
    pid: int


def noop(number: int) -> list[float]:
    """The fields of `Ran`, as JSON values."""
    return [number, time.monotonic(), os.getpid()]

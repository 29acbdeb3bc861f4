"""The one way a test waits: on a condition, with a deadline and a name for what did not come."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(condition: Callable[[], T | None], seconds: float, what: str) -> T:
    """Call `condition` until it is true and return its value; AssertionError naming `what` after `seconds`."""
    give_up = time.monotonic() + seconds
    while True:
        if value := condition():
            return value
        if time.monotonic() > give_up:
            raise AssertionError(f"{what} did not come within {seconds:g} s")
        time.sleep(0.01)

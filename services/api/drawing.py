"""How many requests may draw at once: each takes a second and a thread, and pictures are drawn one after another anyway.

What a job draws is drawn by a worker. Streams and waits may hold half of a process's threads, drawing all others but one, so
that one is left for what is answered at once.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app

from services.api.kinds import TOO_MANY_PICTURES
from services.api.problems import Problem

_NAME = "trafficjobs.drawing"
_RETRY_AFTER = "2"  # seconds


def attach(extensions: dict[str, Any], threads: int) -> None:
    """Give an application with so many threads its places for drawing."""
    extensions[_NAME] = threading.BoundedSemaphore(max(1, threads - threads // 2 - 1))


@contextmanager
def drawing() -> Iterator[None]:
    """Hold a place for the block. Raises Problem (503) where none is free."""
    places: threading.BoundedSemaphore = current_app.extensions[_NAME]
    if not places.acquire(blocking=False):
        raise Problem(
            TOO_MANY_PICTURES,
            "As many requests draw as may; try again in a moment, or submit a job, which keeps its picture.",
            headers={"Retry-After": _RETRY_AFTER},
        )
    try:
        yield
    finally:
        places.release()

"""The one way these tests wait: look again and again until what is seen is good, with a deadline.

Who runs into the deadline is told what was awaited and what was seen last.
"""

import time
from collections.abc import Callable
from typing import TypeVar

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from trafficjobs.errors import Unavailable

T = TypeVar("T")
_PASSING = (ApiException, HTTPError, Unavailable)  # a moment's trouble of the API of Kubernetes, or of ours


def until(look: Callable[[], T], good: Callable[[T], object], seconds: float, what: str, every: float = 0.3) -> T:
    """What `look` returned as soon as it is `good`. AssertionError with what was seen last, after `seconds`."""
    give_up = time.monotonic() + seconds
    while True:
        seen: object
        try:
            seen = found = look()
            if good(found):
                return found
        except _PASSING as error:
            seen = f"{type(error).__name__}: {error}"
        if time.monotonic() > give_up:
            raise AssertionError(f"{what} did not come within {seconds:g} s; seen last: {seen}")
        time.sleep(every)

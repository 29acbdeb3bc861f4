"""When to look at something again: as its events come, or without a stream of them after growing pauses."""

import time

from trafficjobs.events import Follower, NoStream
from trafficjobs.steps import Pause, Steps
from trafficjobs.transport import pauses

ENDED = frozenset({"complete", "failed", "cancelled"})
FIRST_PAUSE, LAST_PAUSE = 0.02, 2.0  # seconds between two looks
REDRAW = 0.1  # seconds between two looks at the progress
FOREVER = 10.0 * 366 * 86_400  # seconds


class Glances:
    """Moments at which a look at a job may show something new.

    Args:
        follower: of its events; None to do without.
        end: the last moment, on the monotonic clock.
    """

    def __init__(self, follower: Follower | None, end: float) -> None:
        self._follower = follower
        self._end = end
        self._first = True
        self._looked = 0.0
        self._pauses = pauses(FIRST_PAUSE, LAST_PAUSE / 2, 1.3)

    def next(self, changed: bool) -> Steps[bool]:
        """Return at the next one, the first at once; False after the end. `changed`: whether the last look showed something."""
        if self._first:
            self._first = False
            return True
        if self._follower is not None:
            try:
                return (yield from self._event(self._follower))
            except NoStream:
                self._follower = None
        if changed:
            self._pauses = pauses(FIRST_PAUSE, LAST_PAUSE / 2, 1.3)
        left = self._end - time.monotonic()
        if left > 0:
            yield Pause(min(next(self._pauses), left))
        return left > 0

    def _event(self, follower: Follower) -> Steps[bool]:
        while (event := (yield from follower.next())) is not None:
            seen = event.kind == "log" or (event.kind in ("progress", "partial") and time.monotonic() - self._looked < REDRAW)
            if not seen:
                self._looked = time.monotonic()
                return True
        return False

"""What happens to a job after an exception or a timeout: how often it is run again, and after how long.

A backoff is a short way to write intervals and becomes them here; scripts and records know intervals alone.
"""

from collections.abc import Sequence
from dataclasses import InitVar, dataclass

from lib.errors import InvalidInput

MAX_DELAY = 10 * 366 * 86_400  # seconds
MOST_RETRIES = 100


@dataclass(frozen=True)
class Backoff:
    """Intervals that grow: `first` seconds, then each `factor` times the one before, up to `longest`."""

    first: float
    factor: float = 2.0
    longest: float = MAX_DELAY

    def intervals(self, number: int) -> tuple[float, ...]:
        """The first `number` of them, without those at the end that repeat. Raises InvalidInput naming the field."""
        for name, low in (("first", 0.0), ("factor", 1.0), ("longest", 0.0)):
            if not low <= getattr(self, name) <= MAX_DELAY:
                raise InvalidInput(f"retry.backoff.{name}", f"must be {low:g} to {MAX_DELAY}, not {getattr(self, name):g}")
        found: list[float] = []
        interval = min(self.first, self.longest)
        while len(found) < number and (not found or interval > found[-1]):
            found.append(interval)
            interval = min(interval * self.factor, self.longest)
        return tuple(found)


@dataclass(frozen=True)
class Retry:
    """What happens after an exception or a timeout.

    Args:
        max: how often the job is run again.
        intervals: seconds before the first, second, ... retry; the last one repeats; empty: at once.
        jitter: each interval is lengthened by a random part of up to this fraction.
        interval: the intervals, or one number, as RQ spells it.
        backoff: intervals that grow, instead.

    Raises: InvalidInput where both intervals and a backoff are given, or the backoff is out of range.
    """

    max: int = 0
    intervals: Sequence[float] = ()
    jitter: float = 0.1
    interval: InitVar[float | Sequence[float] | None] = None
    backoff: InitVar[Backoff | None] = None

    def __post_init__(self, interval: float | Sequence[float] | None, backoff: Backoff | None) -> None:
        if interval is not None:
            object.__setattr__(self, "intervals", (interval,) if isinstance(interval, int | float) else tuple(interval))
        if backoff is not None:
            if self.intervals:
                raise InvalidInput("retry.backoff", "stands beside intervals; give one of them")
            object.__setattr__(self, "intervals", backoff.intervals(min(self.max, MOST_RETRIES)))

    def check(self) -> None:
        """Raises InvalidInput where a value is out of range."""
        if not 0 <= self.max <= MOST_RETRIES:
            raise InvalidInput("retry.max", f"must be 0 to {MOST_RETRIES}, not {self.max}")
        if any(not 0 <= interval <= MAX_DELAY for interval in self.intervals) or len(self.intervals) > MOST_RETRIES:
            raise InvalidInput("retry.intervals", f"must be at most {MOST_RETRIES} numbers of seconds from 0 on")
        if not 0 <= self.jitter <= 1:
            raise InvalidInput("retry.jitter", f"must be a fraction from 0 to 1, not {self.jitter}")

"""When something that recurs is due: a cron expression in a time zone, or a number of seconds. Pure arithmetic on times.

Cron as Debian's: at the change to summer time, what falls into the missing hour runs right after it; at the change back,
a fixed hour runs once. Source: cronsim.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, islice, takewhile
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from lib.errors import InvalidInput
from lib.zones import check_zone

NAMED = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
LONGEST = 366 * 86_400  # seconds between two times of `every`
_MOST_COUNTED = 10_000  # missed times that are counted


@dataclass(frozen=True)
class Recurrence:
    """Either `cron`, with its time zone, or `every` so many seconds from `anchor` (seconds since 1970) on.

    Raises: InvalidInput naming the field.
    """

    cron: str | None = None
    every: float | None = None
    timezone: str = "UTC"
    anchor: float = 0.0

    def __post_init__(self) -> None:
        if (self.cron is None) == (self.every is None):
            raise InvalidInput("cron", "either cron or every must be given, and not both")
        if self.every is not None and not 1 <= self.every <= LONGEST:
            raise InvalidInput("every", f"must be 1 to {LONGEST} seconds")
        try:
            check_zone(self.timezone)
        except ValueError as error:
            raise InvalidInput("timezone", str(error)) from None
        if self.cron is None:
            return
        if len(self._expression().split()) != 5:
            raise InvalidInput(
                "cron", "must have five fields (minute hour day month weekday), or be @hourly, @daily, @weekly, ..."
            )
        try:
            next(CronSim(self._expression(), datetime.now(UTC)))
        except CronSimError as error:
            raise InvalidInput("cron", f"cannot be read: {str(error).lower()}") from None
        except StopIteration:
            raise InvalidInput("cron", "never comes") from None

    def _expression(self) -> str:
        return NAMED.get((self.cron or "").strip().lower(), self.cron or "")

    def after(self, moment: float) -> Iterator[float]:
        """Its times after `moment`, seconds since 1970, in order."""
        if self.every is not None:
            yield from map(self._at, count(self._number(moment) + 1))
        for time in CronSim(self._expression(), datetime.fromtimestamp(moment, ZoneInfo(self.timezone))):
            yield time.timestamp()

    def next(self, moment: float) -> float | None:
        """The first time after `moment`; None where there is none in the next 50 years."""
        return next(self.after(moment), None)

    def newest(self, first: float, now: float) -> float:
        """The last of its times from `first`, which is one, up to `now`."""
        if self.every is not None:
            return max(first, self._at(self._number(now)))
        # One second more, since the backward walk leaves out where it starts.
        start = datetime.fromtimestamp(int(now) + 1, ZoneInfo(self.timezone))
        before = next(CronSim(self._expression(), start, reverse=True), None)
        return first if before is None else max(first, before.timestamp())

    def count(self, first: float, last: float) -> int:
        """How many of its times lie from `first`, which is one, to `last`; no more than 10,000 are counted."""
        if self.every is not None:
            return min(_MOST_COUNTED, self._number(last) - self._number(first) + 1)
        return 1 + sum(1 for _ in takewhile(lambda time: time <= last, islice(self.after(first), _MOST_COUNTED - 1)))

    def _at(self, number: int) -> float:
        """The time of that number, where the anchor's is 0."""
        return self.anchor + number * (self.every or 0)

    def _number(self, moment: float) -> int:
        """The number of the last time up to `moment`, as `_at` rounds them: a quotient alone is sometimes one too small."""
        number = int((moment - self.anchor) // (self.every or 1))
        return number + 1 if self._at(number + 1) <= moment else number

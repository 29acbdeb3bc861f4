"""The side of the client that watches all jobs at once: by their events, or by looking now and then. Part of `Client`."""

import time
from typing import Any, Generic

from trafficjobs.errors import NotFound
from trafficjobs.events import Follower, NoStream
from trafficjobs.job import J
from trafficjobs.shapes import JobRecord
from trafficjobs.steps import Item, Items, Pause, Steps
from trafficjobs.submitting import PAGE, Handles

KNOWN = 5_000  # jobs whose last record is kept
POLL = 0.5  # seconds between two looks, where the service has no stream


class Watching(Handles[J], Generic[J]):
    """All jobs of one service, as they change."""

    def _newest(self) -> Steps[list[JobRecord]]:
        """The newest jobs, the oldest of them first."""
        page: dict[str, Any] = yield from self._transport.json("GET", "/jobs", params={"limit": str(PAGE)})
        return list(page["jobs"][::-1])

    def _changed(self, before: list[JobRecord], end: float) -> Items[JobRecord]:
        """Records of jobs as they change, compared with those that were there `before`."""
        seen = {record["id"]: record for record in before}
        looks = _Looks(self, end)
        while (records := (yield from looks.next())) is not None:
            for record in records:
                if seen.get(record["id"]) != record:
                    seen.pop(record["id"], None)
                    seen[record["id"]] = record
                    yield Item(record)
            while len(seen) > KNOWN:
                del seen[next(iter(seen))]  # what has not changed for longest


class _Looks:
    """Looks at jobs that may have changed, until `end`."""

    def __init__(self, service: Watching[Any], end: float) -> None:
        self._service = service
        self._end = end
        self._follower: Follower | None = Follower(service._transport, "/events", end)
        self._next_poll = 0.0

    def next(self) -> Steps[list[JobRecord] | None]:
        """The records of the next one; None after the end."""
        if self._follower is not None:
            try:
                return (yield from self._by_event(self._follower))
            except NoStream:
                self._follower = None
        if self._next_poll > self._end:
            return None
        yield Pause(max(0.0, self._next_poll - time.monotonic()))
        found = yield from self._service._newest()
        self._next_poll = time.monotonic() + POLL
        return found

    def _by_event(self, follower: Follower) -> Steps[list[JobRecord] | None]:
        while (event := (yield from follower.next())) is not None:
            if event.kind in ("open", "reset"):
                return (yield from self._service._newest())
            if event.kind != "log" and isinstance(event.data, dict) and isinstance(event.data.get("id"), str):
                try:
                    return [(yield from self._service._job(event.data["id"])).record]
                except NotFound:
                    pass  # deleted
        return None

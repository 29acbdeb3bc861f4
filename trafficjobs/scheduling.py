"""The side of the client that deals with schedules, which submit a job again and again. Part of `Client`."""

import uuid
from collections.abc import Mapping
from typing import Any, Generic
from urllib.parse import quote

from trafficjobs.job import J
from trafficjobs.shapes import ScheduleRecord
from trafficjobs.steps import Steps, call
from trafficjobs.submitting import JSON, Handles, dumped


class Scheduling(Handles[J], Generic[J]):
    """Schedules of one service."""

    @call
    def create_schedule(
        self,
        job: Mapping[str, Any],
        *,
        cron: str | None = None,
        every: float | None = None,
        timezone: str | None = None,
        missed: str | None = None,
        id: str | None = None,
    ) -> Steps[ScheduleRecord]:
        """Let a job be submitted at every time of `cron`, or every so many seconds.

        Args:
            job: its body as POST /jobs takes it, without id, run_in, run_at, depends_on, allow_failure and debounce.
            cron: five fields, or @hourly, @daily, @weekly, @monthly.
            timezone: of cron; the service's by default.
            missed: what becomes of times at which nothing could fire: `once` (the default), `skip` or `all`.
            id: of the schedule; a fresh one by default.

        Raises: Invalid naming the field, Conflict where the id stands for another schedule.
        """
        body = _body(job, cron, every, timezone, missed) | {"id": id or str(uuid.uuid4())}
        return (yield from self._schedule("POST", "", body))

    @call
    def change_schedule(
        self,
        id: str,
        job: Mapping[str, Any],
        *,
        cron: str | None = None,
        every: float | None = None,
        timezone: str | None = None,
        missed: str | None = None,
    ) -> Steps[ScheduleRecord]:
        """Replace what a schedule does and when; it keeps its pause and its history. Raises Invalid, NotFound."""
        return (yield from self._schedule("PUT", f"/{quote(id, safe='')}", _body(job, cron, every, timezone, missed)))

    @call
    def schedules(self) -> Steps[list[ScheduleRecord]]:
        """Every schedule, in the order of their making."""
        found: list[ScheduleRecord] = (yield from self._transport.json("GET", "/schedules"))["schedules"]
        return found

    @call
    def schedule(self, id: str) -> Steps[ScheduleRecord]:
        """One schedule. Raises NotFound."""
        return (yield from self._schedule("GET", f"/{quote(id, safe='')}"))

    @call
    def pause_schedule(self, id: str) -> Steps[ScheduleRecord]:
        """Fire it no more until it is resumed. Raises NotFound."""
        return (yield from self._schedule("POST", f"/{quote(id, safe='')}/pause"))

    @call
    def resume_schedule(self, id: str) -> Steps[ScheduleRecord]:
        """Let it go on with its next time. Raises NotFound."""
        return (yield from self._schedule("POST", f"/{quote(id, safe='')}/resume"))

    @call
    def trigger_schedule(self, id: str) -> Steps[J]:
        """Submit its job now, beside its times. Raises NotFound, QueueFull."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        path = f"/schedules/{quote(id, safe='')}/trigger"
        return self._handle((yield from self._transport.json("POST", path, headers=headers)))

    @call
    def delete_schedule(self, id: str) -> Steps[None]:
        """Delete a schedule; what it has submitted stays. Raises NotFound."""
        yield from self._transport.delete(f"/schedules/{quote(id, safe='')}")

    def _schedule(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Steps[ScheduleRecord]:
        sent = {} if body is None else {"content": dumped(body), "headers": JSON}
        found: ScheduleRecord = yield from self._transport.json(method, f"/schedules{path}", **sent)
        return found


def _body(
    job: Mapping[str, Any], cron: str | None, every: float | None, timezone: str | None, missed: str | None
) -> dict[str, Any]:
    values = {"job": dict(job), "cron": cron, "every": every, "timezone": timezone, "missed": missed}
    return {name: value for name, value in values.items() if value is not None}

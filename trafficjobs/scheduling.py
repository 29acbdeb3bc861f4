"""The side of the client that deals with schedules, which submit a job again and again. Part of `Client`."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from trafficjobs.job import Job
from trafficjobs.shapes import ScheduleRecord
from trafficjobs.submitting import dumped
from trafficjobs.transport import Transport


class Scheduling:
    """Schedules of one service."""

    _transport: Transport

    def create_schedule(
        self,
        job: Mapping[str, Any],
        *,
        cron: str | None = None,
        every: float | None = None,
        timezone: str | None = None,
        missed: str | None = None,
        id: str | None = None,
    ) -> ScheduleRecord:
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
        return self._schedule("POST", "", body)

    def change_schedule(
        self,
        id: str,
        job: Mapping[str, Any],
        *,
        cron: str | None = None,
        every: float | None = None,
        timezone: str | None = None,
        missed: str | None = None,
    ) -> ScheduleRecord:
        """Replace what a schedule does and when; it keeps its pause and its history. Raises Invalid, NotFound."""
        return self._schedule("PUT", f"/{quote(id, safe='')}", _body(job, cron, every, timezone, missed))

    def schedules(self) -> list[ScheduleRecord]:
        """Every schedule, in the order of their making."""
        found: list[ScheduleRecord] = self._transport.json("GET", "/schedules")["schedules"]
        return found

    def schedule(self, id: str) -> ScheduleRecord:
        """One schedule. Raises NotFound."""
        return self._schedule("GET", f"/{quote(id, safe='')}")

    def pause_schedule(self, id: str) -> ScheduleRecord:
        """Fire it no more until it is resumed. Raises NotFound."""
        return self._schedule("POST", f"/{quote(id, safe='')}/pause")

    def resume_schedule(self, id: str) -> ScheduleRecord:
        """Let it go on with its next time. Raises NotFound."""
        return self._schedule("POST", f"/{quote(id, safe='')}/resume")

    def trigger_schedule(self, id: str) -> Job:
        """Submit its job now, beside its times. Raises NotFound, QueueFull."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        return Job(self._transport, self._transport.json("POST", f"/schedules/{quote(id, safe='')}/trigger", headers=headers))

    def delete_schedule(self, id: str) -> None:
        """Delete a schedule; what it has submitted stays. Raises NotFound."""
        self._transport.send("DELETE", f"/schedules/{quote(id, safe='')}")

    def _schedule(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> ScheduleRecord:
        sent = {} if body is None else {"content": dumped(body), "headers": {"Content-Type": "application/json"}}
        found: ScheduleRecord = self._transport.json(method, f"/schedules{path}", **sent)
        return found


def _body(
    job: Mapping[str, Any], cron: str | None, every: float | None, timezone: str | None, missed: str | None
) -> dict[str, Any]:
    values = {"job": dict(job), "cron": cron, "every": every, "timezone": timezone, "missed": missed}
    return {name: value for name, value in values.items() if value is not None}

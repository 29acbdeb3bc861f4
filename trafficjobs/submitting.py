"""The side of the client that deals with jobs: submit them, find them, watch them. Part of `Client`.

Every submit carries an id and an Idempotency-Key of its own, made once per call, so that sending it again after a lost
answer finds the job that is there.
"""

import datetime
import json
import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, Generic
from urllib.parse import quote

from trafficjobs.errors import Invalid, TrafficjobsError
from trafficjobs.events import Event, Follower, events_of
from trafficjobs.glances import FOREVER
from trafficjobs.job import J, JobCalls
from trafficjobs.notebook import Jobs
from trafficjobs.shapes import JobRecord
from trafficjobs.steps import Items, Steps, call, items
from trafficjobs.transport import Transport

PAGE = 100  # jobs
JSON = {"Content-Type": "application/json"}


class Handles(Generic[J]):
    """What makes handles of jobs."""

    _transport: Transport

    def _handle(self, record: JobRecord) -> J:
        raise NotImplementedError

    def _job(self, id: str) -> Steps[J]:
        return self._handle((yield from self._transport.json("GET", f"/jobs/{quote(id, safe='')}")))


class Submitting(Handles[J], Generic[J]):
    """Jobs of one service."""

    @call
    def submit(
        self,
        operation: str,
        params: Mapping[str, Any] | None = None,
        /,
        *,
        id: str | None = None,
        priority: str | None = None,
        queue: str | None = None,
        run_in: float | None = None,
        run_at: datetime.datetime | str | None = None,
        depends_on: Iterable[JobCalls[Any] | str] = (),
        allow_failure: bool | None = None,
        unique: bool | None = None,
        throttle: float | None = None,
        debounce: float | None = None,
        unique_key: str | None = None,
        cache: bool | None = None,
        concurrency_key: str | None = None,
        timeout: float | None = None,
        retry: int | Mapping[str, Any] | None = None,
        result_ttl: int | None = None,
        failed_ttl: int | None = None,
        notify: Iterable[str | Mapping[str, Any]] | None = None,
        idempotency_key: str | None = None,
        **parameters: Any,
    ) -> Steps[J]:
        """Submit a job.

        Args:
            operation: one of `operations()`.
            params, parameters: its parameters; as a mapping where a name is one of those here. Dates may be date objects.
            id: of the job; a fresh one by default.
            priority: high, normal or low.
            queue: one of `queues()`.
            run_in: seconds until it joins its queue; from the end of the last job that it depends on.
            run_at: when it joins its queue, instead; ISO 8601, UTC where no zone is named.
            depends_on: jobs that must be complete before; with `allow_failure`, that must have ended.
            unique: while an equal job has not ended, take that one.
            throttle: take the last equal job where it was accepted within so many seconds.
            debounce: seconds for which it waits for another equal one, which takes its place and waits anew.
            unique_key: what makes jobs of the operation equal; their parameters by default.
            cache: False to run it also where an equal job has a result for the same data.
            concurrency_key: only as many of the operation's jobs with this key run at once as it allows, or one.
            timeout: seconds that a run may take.
            retry: how often it is run again after an exception or a timeout, or `{"max", "intervals", "jitter"}`,
                or with `"backoff": {"first", "factor", "longest"}` instead of intervals.
            result_ttl, failed_ttl: seconds for which it is kept once it is complete or cancelled, and once it has failed.
            notify: who is told of its end: URLs and e-mail addresses, or `{"webhook" or "email", "on": ["failed", ...]}`.
            idempotency_key: a key of your own, where a program that starts again must find the job that it had submitted.

        Raises: Invalid naming the field, Conflict where the id or key stands for another job, QueueFull, Unavailable.
        """
        body = {"operation": operation, "params": {**(params or {}), **parameters}}
        options: dict[str, Any] = {"id": id, "priority": priority, "queue": queue, "run_in": run_in, "run_at": run_at}
        options |= {"depends_on": [str(getattr(each, "id", each)) for each in depends_on] or None, "allow_failure": allow_failure}
        options |= {"unique": unique, "throttle": throttle, "debounce": debounce, "unique_key": unique_key, "cache": cache}
        options |= {"concurrency_key": concurrency_key, "timeout": timeout, "result_ttl": result_ttl, "failed_ttl": failed_ttl}
        options["notify"] = [target_of(each) for each in notify] if notify is not None else None
        options["retry"] = {"max": retry} if isinstance(retry, int) else dict(retry) if retry is not None else None
        given = {name: value for name, value in options.items() if value is not None}
        return (yield from self._submitted(body | given, idempotency_key))

    @call
    def submit_body(self, body: Mapping[str, Any], idempotency_key: str | None = None) -> Steps[J]:
        """Submit a job by its body, as POST /jobs takes it: `{"operation", "params", ...}` or `{"start", "end"}`."""
        return (yield from self._submitted(body, idempotency_key))

    @call
    def submit_many(self, bodies: Iterable[Mapping[str, Any]]) -> Steps[Jobs[J]]:
        """Submit jobs by their bodies, in the order given, one after another. `submit_batch` takes many in one request.

        Raises: as `submit`, at the first that is refused; `accepted` of the exception has the jobs submitted before it.
        """
        jobs: Jobs[J] = Jobs()
        try:
            for body in bodies:
                jobs.append((yield from self._submitted(body, None)))
        except TrafficjobsError as error:
            error.accepted = list(jobs)
            raise
        return jobs

    @call
    def job(self, id: str) -> Steps[J]:
        """A job that was submitted before. Raises NotFound."""
        return (yield from self._job(id))

    @items
    def jobs(
        self,
        *,
        status: str | None = None,
        operation: str | None = None,
        batch: str | None = None,
        fingerprint: str | None = None,
        search: str | None = None,
        since: datetime.datetime | str | None = None,
        until: datetime.datetime | str | None = None,
        limit: int | None = None,
    ) -> Items[J]:
        """Jobs, the newest first, page by page as they are asked for.

        Args:
            fingerprint: only failed jobs that are alike; of a group of `failures()`, or a job's.
            search: only jobs whose id begins with this text, or whose operation, submitter, parameters or error message contain
                it, in any case. Where few do, all jobs are looked at, 5,000 a request.
            since, until: submitted from then on, and before then; ISO 8601, UTC where no zone is named.
            limit: how many at most.
        """
        filters = {
            "status": status,
            "operation": operation,
            "batch": batch,
            "fingerprint": fingerprint,
            "search": search,
            "since": since,
            "until": until,
        }
        params = {name: plain(value) for name, value in filters.items() if value is not None}
        yield from self._transport.pages("/jobs", "jobs", params, PAGE, limit, self._handle)

    @items
    def events(self, timeout: float | None = None, after: str | None = None, status: str | None = None) -> Items[Event]:
        """What happens to all jobs (`status`, `progress`, `partial`) and what callers do beside it (`action`), as it happens.

        Lost connections are gone on from. `reset` says that events are missing before the next one.

        Args:
            timeout: seconds; None goes on for good.
            after: id of the last event that is known; those since then come first.
            status: only events of jobs that are in this state then.

        Raises: Invalid; Unavailable where the service has no stream to give, or went away for good.
        """
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        path = "/events" if status is None else f"/events?status={quote(status, safe='')}"
        yield from events_of(Follower(self._transport, path, end, after))

    def _submitted(self, body: Mapping[str, Any], idempotency_key: str | None) -> Steps[J]:
        key = idempotency_key or uuid.uuid4().hex
        if not body.get("id") and idempotency_key is None:
            body = {**body, "id": str(uuid.uuid4())}
        headers = JSON | {"Idempotency-Key": key}
        return self._handle((yield from self._transport.json("POST", "/jobs", content=dumped(body), headers=headers)))


def target_of(given: str | Mapping[str, Any], on: Iterable[str] = ()) -> dict[str, Any]:
    """Somebody to be told, as a body has it: a URL is a webhook, another text an e-mail address."""
    if not isinstance(given, str):
        return dict(given)
    return {"webhook" if "://" in given else "email": given} | ({"on": list(on)} if on else {})


def plain(value: Any) -> Any:
    """A value of Python's as JSON has it: dates as ISO 8601, numbers of numpy as numbers."""
    if isinstance(value, datetime.date):
        return value.isoformat()
    if callable(item := getattr(value, "item", None)):
        return item()
    if isinstance(value, str):
        return value
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def dumped(body: Mapping[str, Any]) -> bytes:
    """A body as JSON. Raises Invalid."""
    try:
        return json.dumps(body, default=plain, allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise Invalid(f"The job cannot be written as JSON: {error}.") from None

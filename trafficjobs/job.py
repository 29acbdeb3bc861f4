"""A submitted job as the client holds it: ask for its state, wait for its end, fetch what it left, cancel, retry, delete.

A handle keeps the last record it has seen; only what says so asks the service, and showing it in a notebook never does. It
may be dropped at any time and made anew from the id.
"""

import time
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote

from trafficjobs.errors import Conflict, JobCancelled, JobFailed, ResultTimeout, Unavailable
from trafficjobs.events import Event, Follower, events_of
from trafficjobs.glances import ENDED, FIRST_PAUSE, FOREVER, LAST_PAUSE, Glances
from trafficjobs.notebook import job_html
from trafficjobs.results import File, csv_reader
from trafficjobs.shapes import DeliveryRecord, FileRecord, JobRecord, LogLine
from trafficjobs.steps import Awaiting, Blocking, Item, Items, Pause, Steps, call, items
from trafficjobs.transport import Transport, pauses

WAIT = 20  # seconds that one request asks the service to wait; short enough for every proxy on the way
SHORT = 30.0  # seconds; who waits no longer is served by polling, which ends on time
LOG_PAGE = 1_000
PICTURES = "image/png, image/svg+xml;q=0.5"

J = TypeVar("J", bound="JobCalls[Any]")


class JobCalls(Generic[J]):
    """What one can do with a job: all that `Job` and `AsyncJob` have in common."""

    def __init__(self, transport: Transport, record: JobRecord) -> None:
        self._transport = transport
        self.record = record

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.status}>"

    def _repr_html_(self) -> str:
        return job_html(self.record)

    @property
    def id(self) -> str:
        return self.record["id"]

    @property
    def status(self) -> str:
        """When last looked at: waiting, scheduled, submitted, in-progress, complete, failed or cancelled."""
        return self.record["status"]

    @property
    def ended(self) -> bool:
        """Whether it had ended when last looked at."""
        return self.status in ENDED

    def value(self) -> Any:
        """The result of a job that has ended, as last seen. Raises JobFailed, JobCancelled."""
        if self.status == "failed":
            raise JobFailed(dict(self.record))
        if self.status == "cancelled":
            raise JobCancelled(f"Job {self.id} was cancelled and has no result.")
        return self.record.get("result")

    @call
    def refresh(self) -> Steps[J]:
        """Look again. Raises NotFound where it was deleted or has expired."""
        return (yield from self._look())

    @call
    def wait(self, timeout: float | None = None) -> Steps[J]:
        """Return when the job has ended, however it did.

        Args:
            timeout: seconds; None waits for as long as it takes.

        Raises: ResultTimeout, NotFound, Unavailable.
        """
        return (yield from self._end(timeout))

    @call
    def result(self, timeout: float | None = 30.0) -> Steps[Any]:
        """The result, as the JSON value it is, once the job is complete.

        Args:
            timeout: seconds to wait for it; None waits for as long as it takes.

        Raises: JobFailed with the evidence, JobCancelled, ResultTimeout, NotFound, Unavailable.
        """
        return (yield from self._end(timeout)).value()

    @call
    def frame(self, timeout: float | None = 30.0) -> Steps[Any]:
        """The result as a data frame of pandas, once the job is complete: its file of that form, or the table that it is.

        Texts that a spreadsheet would run as a formula have a ' before them, as in every CSV of the service.

        Raises: Invalid where the result is no table or pandas is not installed; otherwise as `result`.
        """
        reader = csv_reader()
        (yield from self._end(timeout)).value()
        return reader((yield from self._fetch("text/csv")).content)

    @call
    def picture(self, timeout: float | None = 30.0) -> Steps[File]:
        """The picture that the job has made, which a notebook shows, once the job is complete.

        Raises: Invalid where it has none; otherwise as `result`.
        """
        (yield from self._end(timeout)).value()
        return (yield from self._fetch(PICTURES))

    @items
    def watch(self, timeout: float | None = None) -> Items[JobRecord]:
        """The record now, and again whenever it has changed; the last one is that of the ended job.

        Raises: ResultTimeout, NotFound, Unavailable.
        """
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        seen: JobRecord | None = None
        follower = Follower(self._transport, f"{self._path}/events", end)
        glances = Glances(None if timeout is not None and timeout < SHORT else follower, end)
        changed = False
        while (yield from glances.next(changed)):
            yield from self._look()
            if changed := self.record != seen:
                seen = self.record
                yield Item(seen)
            if self.ended:
                return
        raise ResultTimeout(dict(self.record), timeout or 0.0)

    @items
    def events(self, timeout: float | None = None, after: str | None = None) -> Items[Event]:
        """What happens to it, as it happens: first its record as `job`, then its moves, its progress and the lines it logs.

        Args:
            timeout: seconds; None goes on until the job has ended.
            after: id of the last event that is known; only what came later.

        Raises: NotFound; Unavailable where the service has no stream to give, or went away for good.
        """
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        yield from events_of(Follower(self._transport, f"{self._path}/events", end, after))

    @call
    def cancel(self) -> Steps[J]:
        """Cancel it: at once where it waits, soon where it runs. Raises Conflict where it has ended otherwise."""
        self.record = yield from self._transport.json("POST", f"{self._path}/cancel")
        return self._self

    @call
    def retry(self) -> Steps[J]:
        """Run a failed or cancelled job again. Raises Conflict where it has not ended, or is complete."""
        run = (yield from self._look()).record.get("run", 0)  # with it, a request that is sent again is the same retry
        self.record = yield from self._transport.json("POST", f"{self._path}/retry", json={"run": run})
        return self._self

    @call
    def delete(self) -> Steps[None]:
        """Delete it with its log and files. Raises Conflict while it runs, NotFound."""
        yield from self._transport.delete(self._path)

    @items
    def log(self, after: str | None = None) -> Items[LogLine]:
        """The lines it has written so far, the oldest first; `after` goes on after the line of that id."""
        full = True
        while full:
            lines, full = yield from self._lines(after)
            for line in lines:
                after = line["id"]
                yield Item(line)

    @items
    def follow_log(self) -> Items[LogLine]:
        """The lines it has written and those it writes, until it has ended."""
        after: str | None = None
        growing = pauses(10 * FIRST_PAUSE, LAST_PAUSE)
        full = ended = False
        while not ended or full:
            if not full:
                ended = (yield from self._look()).ended  # asked before the lines: what is written last is not missed
            lines, full = yield from self._lines(after)
            for line in lines:
                after = line["id"]
                growing = pauses(10 * FIRST_PAUSE, LAST_PAUSE)
                yield Item(line)
            if not (ended or full):
                yield Pause(next(growing))

    @call
    def deliveries(self) -> Steps[list[DeliveryRecord]]:
        """The webhooks and e-mails about its end, with every attempt, the oldest first."""
        found: list[DeliveryRecord] = (yield from self._transport.json("GET", f"{self._path}/deliveries"))["deliveries"]
        return found

    @call
    def resend(self, delivery: str) -> Steps[DeliveryRecord]:
        """Send a delivery again, or now instead of later; the receiver sees the same id. Raises NotFound."""
        path = f"{self._path}/deliveries/{quote(delivery, safe='')}/resend"
        found: DeliveryRecord = yield from self._transport.json("POST", path)
        return found

    @call
    def files(self) -> Steps[list[FileRecord]]:
        """The files it has made."""
        return (yield from self._files())

    @call
    def download(self, name: str) -> Steps[bytes]:
        """The bytes of one of its files. Raises NotFound."""
        return (yield from self._download(name))

    @call
    def fetch(self, accept: str) -> Steps[File]:
        """The result in another form, such as `image/png` or `text/csv`, once the job is complete.

        Raises: Invalid where it has no such form, Conflict where the job has not ended, JobFailed, JobCancelled.
        """
        return (yield from self._fetch(accept))

    # Steps that several of these take.

    @property
    def _path(self) -> str:
        return f"/jobs/{quote(self.id, safe='')}"

    @property
    def _self(self) -> J:
        return cast("J", self)

    def _look(self) -> Steps[J]:
        self.record = yield from self._transport.json("GET", self._path)
        return self._self

    def _end(self, timeout: float | None) -> Steps[J]:
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        growing = pauses(FIRST_PAUSE, LAST_PAUSE)
        while not self.ended:
            asked = int(min(WAIT, end - time.monotonic()))
            began = time.monotonic()
            yield from self._look_for(asked)
            if self.ended:
                break
            now = time.monotonic()
            if now >= end:
                raise ResultTimeout(dict(self.record), timeout or 0.0)
            if asked > 0 and now - began >= min(1.0, asked / 2):  # it did wait
                growing = pauses(FIRST_PAUSE, LAST_PAUSE)
            else:
                yield Pause(min(next(growing), end - now))
        return self._self

    def _look_for(self, seconds: int) -> Steps[None]:
        """Look again, and let the service wait for the end of the job if it does that and has a thread for it."""
        if seconds > 0:
            try:
                headers = {"Prefer": f"wait={seconds}"}
                timeout = seconds + self._transport.timeout
                self.record = yield from self._transport.json("GET", self._path, headers=headers, timeout=timeout, patience=0.0)
                return
            except Unavailable:
                pass
        yield from self._look()

    def _lines(self, after: str | None) -> Steps[tuple[list[LogLine], bool]]:
        """A page of the log, and whether there may be another one."""
        params = {"limit": str(LOG_PAGE)} | ({"after": after} if after else {})
        lines: list[LogLine] = (yield from self._transport.json("GET", f"{self._path}/log", params=params))["lines"]
        return lines, len(lines) >= LOG_PAGE

    def _files(self) -> Steps[list[FileRecord]]:
        found: list[FileRecord] = (yield from self._transport.json("GET", f"{self._path}/files"))["files"]
        return found

    def _download(self, name: str) -> Steps[bytes]:
        path = f"{self._path}/files/{quote(name, safe='')}"
        return (yield from self._transport.send("GET", path, headers={"Accept": "*/*"})).content

    def _fetch(self, accept: str) -> Steps[File]:
        response = yield from self._transport.send("GET", f"{self._path}/results", headers={"Accept": accept})
        if response.status_code == 202:
            raise Conflict(f"Job {self.id} has no result yet: it is {response.json()['status']}.")
        kind = response.headers.get("Content-Type", "application/octet-stream")
        if kind.startswith("application/json") and (yield from self._look()).status == "failed":
            raise JobFailed(dict(self.record))
        return File(response.content, kind)


class Job(JobCalls["Job"], Blocking):
    """One job of one service. Made by `Client.submit`, `Client.job` and `Client.jobs`."""


class AsyncJob(JobCalls["AsyncJob"], Awaiting):
    """One job of one service, whose methods are awaited. Made by `AsyncClient.submit`, `.job` and `.jobs`."""

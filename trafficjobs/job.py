"""A submitted job as the client holds it: ask for its state, wait for its end, fetch what it left, cancel, retry, delete.

A handle keeps the last record it has seen; only what says so asks the service. It may be dropped at any time and made
anew from the id.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from trafficjobs.errors import Conflict, JobCancelled, JobFailed, NotFound, ResultTimeout, Unavailable
from trafficjobs.events import NoStream, follow
from trafficjobs.shapes import DeliveryRecord, FileRecord, JobRecord, LogLine
from trafficjobs.transport import Transport, pauses

if TYPE_CHECKING:
    from typing import Self

ENDED = frozenset({"complete", "failed", "cancelled"})
WAIT = 20  # seconds that one request asks the service to wait; short enough for every proxy on the way
SHORT = 30.0  # seconds; who waits no longer is served by polling, which ends on time
FIRST_PAUSE, LAST_PAUSE = 0.02, 2.0  # seconds between two looks
REDRAW = 0.1  # seconds between two looks at the progress
LOG_PAGE = 1_000
FOREVER = 10.0 * 366 * 86_400  # seconds


@dataclass(frozen=True)
class File:
    """Bytes that a job has made, and their type."""

    content: bytes
    content_type: str


class Job:
    """One job of one service. Made by `Client.submit`, `Client.job` and `Client.jobs`."""

    def __init__(self, transport: Transport, record: JobRecord) -> None:
        self._transport = transport
        self.record = record

    def __repr__(self) -> str:
        return f"<Job {self.id} {self.status}>"

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

    @property
    def _path(self) -> str:
        return f"/jobs/{quote(self.id, safe='')}"

    def refresh(self) -> "Self":
        """Look again. Raises NotFound where it was deleted or has expired."""
        self.record = self._transport.json("GET", self._path)
        return self

    def wait(self, timeout: float | None = None) -> "Self":
        """Return when the job has ended, however it did.

        Args:
            timeout: seconds; None waits for as long as it takes.

        Raises: ResultTimeout, NotFound, Unavailable.
        """
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        growing = pauses(FIRST_PAUSE, LAST_PAUSE)
        while not self.ended:
            asked = int(min(WAIT, end - time.monotonic()))
            began = time.monotonic()
            self._look(asked)
            if self.ended:
                break
            now = time.monotonic()
            if now >= end:
                raise ResultTimeout(dict(self.record), timeout or 0.0)
            if asked > 0 and now - began >= min(1.0, asked / 2):  # it did wait
                growing = pauses(FIRST_PAUSE, LAST_PAUSE)
            else:
                time.sleep(min(next(growing), end - now))
        return self

    def _look(self, seconds: int) -> None:
        """Look again, and let the service wait for the end of the job if it does that and has a thread for it."""
        if seconds > 0:
            try:
                headers = {"Prefer": f"wait={seconds}"}
                timeout = seconds + self._transport.timeout
                self.record = self._transport.json("GET", self._path, headers=headers, timeout=timeout, patience=0.0)
                return
            except Unavailable:
                pass
        self.refresh()

    def result(self, timeout: float | None = 30.0) -> Any:
        """The result, as the JSON value it is, once the job is complete.

        Args:
            timeout: seconds to wait for it; None waits for as long as it takes.

        Raises: JobFailed with the evidence, JobCancelled, ResultTimeout, NotFound, Unavailable.
        """
        return self.wait(timeout).value()

    def value(self) -> Any:
        """The result of a job that has ended, as last seen. Raises JobFailed, JobCancelled."""
        if self.status == "failed":
            raise JobFailed(dict(self.record))
        if self.status == "cancelled":
            raise JobCancelled(f"Job {self.id} was cancelled and has no result.")
        return self.record.get("result")

    def watch(self, timeout: float | None = None) -> Iterator[JobRecord]:
        """The record now, and again whenever it has changed; the last one is that of the ended job.

        Raises: ResultTimeout, NotFound, Unavailable.
        """
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        seen: JobRecord | None = None
        for _ in self._glances(end, timeout is not None and timeout < SHORT):
            self.refresh()
            if self.record != seen:
                seen = self.record
                yield seen
            if self.ended:
                return
        raise ResultTimeout(dict(self.record), timeout or 0.0)

    def _glances(self, end: float, poll: bool) -> Iterator[None]:
        """Ends whenever a look may show something new, until `end`."""
        yield
        if not poll:
            try:
                looked = 0.0
                for event in follow(self._transport, f"{self._path}/events", end):
                    if event.kind == "log" or (event.kind in ("progress", "partial") and time.monotonic() - looked < REDRAW):
                        continue
                    looked = time.monotonic()
                    yield
                return
            except NoStream:
                pass
        growing, before = pauses(FIRST_PAUSE, LAST_PAUSE / 2, 1.3), self.record
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(next(growing), left))
            yield
            if self.record != before:
                growing, before = pauses(FIRST_PAUSE, LAST_PAUSE / 2, 1.3), self.record

    def cancel(self) -> "Self":
        """Cancel it: at once where it waits, soon where it runs. Raises Conflict where it has ended otherwise."""
        self.record = self._transport.json("POST", f"{self._path}/cancel")
        return self

    def retry(self) -> "Self":
        """Run a failed or cancelled job again. Raises Conflict where it has not ended, or is complete."""
        run = self.refresh().record.get("run", 0)  # with it, a request that is sent again is the same retry
        self.record = self._transport.json("POST", f"{self._path}/retry", json={"run": run})
        return self

    def delete(self) -> None:
        """Delete it with its log and files. Raises Conflict while it runs, NotFound."""
        try:
            self._transport.send("DELETE", self._path, patience=0.0)
        except Unavailable:
            try:
                self._transport.send("DELETE", self._path)
            except NotFound:
                pass  # deleted the first time, and only the answer was lost

    def log(self, after: str | None = None) -> Iterator[LogLine]:
        """The lines it has written so far, the oldest first; `after` goes on after the line of that id."""
        while True:
            params = {"limit": str(LOG_PAGE)} | ({"after": after} if after else {})
            page = self._transport.json("GET", f"{self._path}/log", params=params)
            yield from page["lines"]
            if len(page["lines"]) < LOG_PAGE:
                return
            after = page["next"]

    def follow_log(self) -> Iterator[LogLine]:
        """The lines it has written and those it writes, until it has ended."""
        after: str | None = None
        growing = pauses(10 * FIRST_PAUSE, LAST_PAUSE)
        while True:
            self.refresh()
            ended = self.ended  # asked before the lines: what is written last is not missed
            for line in self.log(after):
                after = line["id"]
                growing = pauses(10 * FIRST_PAUSE, LAST_PAUSE)
                yield line
            if ended:
                return
            time.sleep(next(growing))

    def deliveries(self) -> list[DeliveryRecord]:
        """The webhooks and e-mails about its end, with every attempt, the oldest first."""
        found: list[DeliveryRecord] = self._transport.json("GET", f"{self._path}/deliveries")["deliveries"]
        return found

    def resend(self, delivery: str) -> DeliveryRecord:
        """Send a delivery again, or now instead of later; the receiver sees the same id. Raises NotFound."""
        found: DeliveryRecord = self._transport.json("POST", f"{self._path}/deliveries/{quote(delivery, safe='')}/resend")
        return found

    def files(self) -> list[FileRecord]:
        """The files it has made."""
        found: list[FileRecord] = self._transport.json("GET", f"{self._path}/files")["files"]
        return found

    def download(self, name: str) -> bytes:
        """The bytes of one of its files. Raises NotFound."""
        return self._transport.send("GET", f"{self._path}/files/{quote(name, safe='')}", headers={"Accept": "*/*"}).content

    def fetch(self, accept: str) -> File:
        """The result in another form, such as `image/png` or `text/csv`, once the job is complete.

        Raises: Invalid where it has no such form, Conflict where the job has not ended, JobFailed, JobCancelled.
        """
        response = self._transport.send("GET", f"{self._path}/results", headers={"Accept": accept})
        if response.status_code == 202:
            raise Conflict(f"Job {self.id} has no result yet: it is {response.json()['status']}.")
        kind = response.headers.get("Content-Type", "application/octet-stream")
        if kind.startswith("application/json") and self.refresh().status == "failed":
            raise JobFailed(dict(self.record))
        return File(response.content, kind)

"""The client of the HTTP API: `Client(url, token).submit("top_locations", n=5).result(timeout=30)`.

Requests are sent again while the service is away or full, and nothing is ever done twice by it: every submit carries an
id and an Idempotency-Key of its own, made once per call. One client keeps its connections and may be shared by threads.
"""

import datetime
import time
import uuid
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import parse_qs, quote, urlsplit

import httpx

from trafficjobs import profiles, uploads
from trafficjobs.batching import Batching
from trafficjobs.errors import Unavailable, error_of
from trafficjobs.failing import Failing
from trafficjobs.job import Job
from trafficjobs.scheduling import Scheduling
from trafficjobs.shapes import Health, OperationRecord, VersionRecord
from trafficjobs.steering import Steering
from trafficjobs.submitting import Submitting, plain
from trafficjobs.transport import Transport


class Client(Submitting, Batching, Scheduling, Failing, Steering):
    """A service of trafficjobs.

    Args:
        url: such as http://127.0.0.1:5000; by default TRAFFICJOBS_URL, or the profile in use, or that address.
        token: for signing in; by default TRAFFICJOBS_TOKEN, or that of the profile, which goes to its own address only.
        profile: name of a profile, as `trafficjobs profile set` makes it.
        timeout: seconds without a byte after which an answer counts as lost.
        patience: seconds during which a request is sent again while the service is away or full.
        transport: another way to the service than the network, for tests.

    Raises: TrafficjobsError, here and from every method; of the class that says what happened.
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        profile: str | None = None,
        timeout: float = 30.0,
        patience: float = 30.0,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.target = profiles.resolve(url, token, profile)
        self._transport = Transport(self.target.url, self.target.token, timeout, patience, transport)

    @property
    def url(self) -> str:
        return self._transport.url

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Operations

    def operations(self) -> list[OperationRecord]:
        """What jobs can do."""
        found: list[OperationRecord] = self._transport.json("GET", "/operations")["operations"]
        return found

    def operation(self, name: str) -> OperationRecord:
        """One operation, with the JSON Schema of its parameters. Raises NotFound."""
        found: OperationRecord = self._transport.json("GET", f"/operations/{quote(name, safe='')}")
        return found

    def templates(self) -> dict[str, dict[str, Any]]:
        """For every operation a body that works as it stands."""
        found: dict[str, dict[str, Any]] = self._transport.json("GET", "/templates")
        return found

    # Data

    def load(
        self, source: str | Path | IO[bytes] | None = None, *, mode: str = "replace", progress: uploads.Progress | None = None
    ) -> Job:
        """Upload a file of incidents (CSV, JSON, JSON lines); the job that loads it.

        Args:
            source: a path, or a file opened in binary mode; None loads the file that the service itself is set to.
            mode: replace, or append to what is there.
            progress: called with the bytes sent and, where they are known, those in all.

        Raises: Invalid, Unavailable. What cannot be gone back in, such as a pipe, is not sent again: look by `jobs` then.
        """
        with uploads.Upload(source, progress) as upload:
            headers = upload.headers | {"Idempotency-Key": uuid.uuid4().hex}
            options: dict[str, Any] = {"params": {"mode": mode}, "headers": headers, "repeatable": upload.rewindable}
            return Job(self._transport, self._transport.json("POST", "/data", body=upload.body, **options))

    def data(
        self,
        *,
        search: str | None = None,
        start: datetime.date | str | None = None,
        end: datetime.date | str | None = None,
        issue: str | None = None,
        limit: int | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Incidents in the order of time, page by page as they are asked for.

        Args:
            search: text in the address or the issue, or the beginning of a report id.
            start, end: first and last local day.
            issue: label of an issue.
            limit: how many at most.

        Raises: Invalid, NotFound where no data is loaded.
        """
        filters = {"search": search, "start": start, "end": end, "issue": issue}
        params = {name: plain(value) for name, value in filters.items() if value is not None}
        left = limit
        while left is None or left > 0:
            page = self._transport.send("GET", "/data", params={**params, "limit": str(min(1_000, left or 1_000))})
            rows = self._transport.decoded(page)
            yield from rows
            following = parse_qs(urlsplit(page.links.get("next", {}).get("url", "")).query).get("after")
            if not following:
                return
            params["after"] = following[0]
            left = None if left is None else left - len(rows)

    def incident(self, report_id: str) -> dict[str, Any]:
        """One incident. Raises NotFound."""
        found: dict[str, Any] = self._transport.json("GET", f"/data/{quote(report_id, safe='')}")
        return found

    def versions(self) -> list[VersionRecord]:
        """The versions of the data that are kept, the newest first. Raises NotFound where no data is loaded."""
        found: list[VersionRecord] = self._transport.json("GET", "/data/versions")["versions"]
        return found

    # The service

    def metrics(self) -> str:
        """What Prometheus reads, in its text format."""
        return self._transport.send("GET", "/metrics", headers={"Accept": "text/plain"}).text

    def health(self) -> Health:
        """Whether the service can serve, what it has checked, and how its clock stands. Raises Unavailable."""
        began = time.monotonic()
        try:
            response = self._transport.http.get("/readyz")
        except httpx.HTTPError as error:
            raise Unavailable(f"{self.url} cannot be reached: {error or type(error).__name__}.") from None
        latency = time.monotonic() - began
        if not response.is_success and response.status_code != 503:
            raise error_of(response)
        answer = self._transport.decoded(response)
        try:
            told = parsedate_to_datetime(response.headers["Date"]).timestamp() + 0.5  # it stands for a whole second
            skew = time.time() - latency / 2 - told
        except (KeyError, ValueError):
            skew = 0.0
        detail = str(answer.get("detail") or answer.get("status") or "")
        return Health(
            ready=response.is_success, detail=detail, checks=answer.get("checks") or {}, latency=latency, clock_skew=skew
        )

"""The side of the client that looks at the service itself: what jobs can do, whether it is well. Part of `Client`."""

import time
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

import httpx

from trafficjobs.errors import error_of
from trafficjobs.shapes import Examination, Health, HistoryPoint, OperationRecord
from trafficjobs.steps import Request, Steps, call
from trafficjobs.transport import Transport


class Serving:
    """One service."""

    _transport: Transport

    @call
    def operations(self) -> Steps[list[OperationRecord]]:
        """What jobs can do."""
        found: list[OperationRecord] = (yield from self._transport.json("GET", "/operations"))["operations"]
        return found

    @call
    def operation(self, name: str) -> Steps[OperationRecord]:
        """One operation, with the JSON Schema of its parameters. Raises NotFound."""
        found: OperationRecord = yield from self._transport.json("GET", f"/operations/{quote(name, safe='')}")
        return found

    @call
    def templates(self) -> Steps[dict[str, dict[str, Any]]]:
        """For every operation a body that works as it stands."""
        found: dict[str, dict[str, Any]] = yield from self._transport.json("GET", "/templates")
        return found

    @call
    def metrics(self) -> Steps[str]:
        """What Prometheus reads, in its text format."""
        return (yield from self._transport.send("GET", "/metrics", headers={"Accept": "text/plain"})).text

    @call
    def history(self, seconds: float = 3_600) -> Steps[list[HistoryPoint]]:
        """How fast jobs came and ended, how long they waited and ran, and what stood where; the oldest first.

        Args:
            seconds: how far back, 60 to a week.

        Raises: Invalid.
        """
        found = yield from self._transport.json("GET", "/history", params={"seconds": f"{seconds:g}"})
        points: list[HistoryPoint] = found["points"]
        return points

    @call
    def examination(self) -> Steps[Examination]:
        """What is wrong with the service, thing by thing. Raises Forbidden below the role admin, NotFound by an older service."""
        found: Examination = yield from self._transport.json("GET", "/doctor")
        return found

    @call
    def health(self) -> Steps[Health]:
        """Whether the service can serve, what it has checked, and how its clock stands. Raises Unavailable."""
        began = time.monotonic()
        try:
            response: httpx.Response = yield Request("GET", "/readyz")
        except httpx.HTTPError as error:
            raise self._transport.failure(error) from None
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

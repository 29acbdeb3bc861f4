"""The side of the client that deals with batches: many jobs under one id, submitted by one request. Part of `Client`."""

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from trafficjobs.errors import ResultTimeout
from trafficjobs.job import FOREVER
from trafficjobs.shapes import BatchRecord
from trafficjobs.submitting import PAGE, dumped, target_of
from trafficjobs.transport import Transport, pauses

_LONGEST_PAUSE = 2.0  # seconds between two looks at a batch


class Batching:
    """Batches of one service."""

    _transport: Transport

    def submit_batch(
        self,
        jobs: Iterable[Mapping[str, Any]],
        *,
        id: str | None = None,
        queue: str | None = None,
        notify: Iterable[str | Mapping[str, Any]] | None = None,
    ) -> BatchRecord:
        """Submit up to 10,000 jobs: all of them, or none.

        Args:
            jobs: their bodies as POST /jobs takes them, without queue. They may depend on each other by their ids, in any order.
            id: of the batch; a fresh one by default.
            queue: of all of them; the default queue by default.
            notify: who is told of its end, as `submit` has it.

        Raises: Invalid naming the job and field, Conflict where an id is taken, QueueFull, Unavailable.
        """
        # With ids for all, the same batch can be sent again after a lost answer.
        bodies = [body if body.get("id") else {**body, "id": str(uuid.uuid4())} for body in jobs]
        body: dict[str, Any] = {"id": id or str(uuid.uuid4()), "jobs": bodies} | ({"queue": queue} if queue else {})
        if notify is not None:
            body["notify"] = [target_of(each) for each in notify]
        headers = {"Content-Type": "application/json"}
        made: BatchRecord = self._transport.json("POST", "/batches", content=dumped(body), headers=headers)
        return made

    def batch(self, id: str) -> BatchRecord:
        """One batch. Raises NotFound."""
        return self._batch("GET", id)

    def batches(self, limit: int | None = None) -> Iterator[BatchRecord]:
        """Batches, the newest first, page by page as they are asked for."""
        params: dict[str, str] = {}
        left = limit
        while left is None or left > 0:
            page = self._transport.json("GET", "/batches", params={**params, "limit": str(min(PAGE, left or PAGE))})
            yield from page["batches"]
            if page["next"] is None:
                return
            params["cursor"] = page["next"]
            left = None if left is None else left - len(page["batches"])

    def wait_for_batch(self, id: str, timeout: float | None = None) -> BatchRecord:
        """The batch, once all of its jobs have ended. Raises NotFound; ResultTimeout after `timeout` seconds."""
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        for pause in pauses(0.1, _LONGEST_PAUSE):
            found = self.batch(id)
            if found["ended"] is not None:
                return found
            if time.monotonic() + pause > end:
                raise ResultTimeout(dict(found), timeout or 0.0)
            time.sleep(pause)
        raise AssertionError("pauses end never")

    def cancel_batch(self, id: str) -> dict[str, int]:
        """Cancel what has not ended of it: how many waited (`cancelled`) and how many run (`told`). Raises NotFound."""
        found: dict[str, int] = self._transport.json("POST", f"/batches/{quote(id, safe='')}/cancel")
        return found

    def retry_batch(self, id: str) -> int:
        """Run its failed and cancelled jobs again; how many. Raises NotFound."""
        return int(self._transport.json("POST", f"/batches/{quote(id, safe='')}/retry")["retried"])

    def _batch(self, method: str, id: str) -> BatchRecord:
        found: BatchRecord = self._transport.json(method, f"/batches/{quote(id, safe='')}")
        return found

"""The side of the client that deals with batches: many jobs under one id, submitted by one request. Part of `Client`."""

import time
import uuid
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from trafficjobs.errors import ResultTimeout
from trafficjobs.glances import FOREVER
from trafficjobs.shapes import BatchRecord, DeliveryRecord
from trafficjobs.steps import Items, Pause, Steps, call, items
from trafficjobs.submitting import JSON, PAGE, dumped, target_of
from trafficjobs.transport import Transport, pauses

_LONGEST_PAUSE = 2.0  # seconds between two looks at a batch


class Batching:
    """Batches of one service."""

    _transport: Transport

    @call
    def submit_batch(
        self,
        jobs: Iterable[Mapping[str, Any]],
        *,
        id: str | None = None,
        queue: str | None = None,
        notify: Iterable[str | Mapping[str, Any]] | None = None,
    ) -> Steps[BatchRecord]:
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
        made: BatchRecord = yield from self._transport.json("POST", "/batches", content=dumped(body), headers=JSON)
        return made

    @call
    def batch(self, id: str) -> Steps[BatchRecord]:
        """One batch. Raises NotFound."""
        return (yield from self._batch(id))

    @items
    def batches(self, limit: int | None = None) -> Items[BatchRecord]:
        """Batches, the newest first, page by page as they are asked for."""
        return self._transport.pages("/batches", "batches", {}, PAGE, limit)

    @call
    def wait_for_batch(self, id: str, timeout: float | None = None) -> Steps[BatchRecord]:
        """The batch, once all of its jobs have ended. Raises NotFound; ResultTimeout after `timeout` seconds."""
        end = time.monotonic() + (FOREVER if timeout is None else timeout)
        for pause in pauses(0.1, _LONGEST_PAUSE):
            found = yield from self._batch(id)
            if found["ended"] is not None:
                return found
            if time.monotonic() + pause > end:
                raise ResultTimeout(dict(found), timeout or 0.0)
            yield Pause(pause)
        raise AssertionError("pauses end never")

    @call
    def cancel_batch(self, id: str) -> Steps[dict[str, int]]:
        """Cancel what has not ended of it: how many waited (`cancelled`) and how many run (`told`). Raises NotFound."""
        found: dict[str, int] = yield from self._transport.json("POST", f"{_path(id)}/cancel")
        return found

    @call
    def retry_batch(self, id: str) -> Steps[int]:
        """Run its failed and cancelled jobs again; how many. Raises NotFound.

        It is sent once: sent again, it would run what has failed again meanwhile.
        """
        done = yield from self._transport.json("POST", f"{_path(id)}/retry", repeatable=False)
        return int(done["retried"])

    @call
    def batch_deliveries(self, id: str) -> Steps[list[DeliveryRecord]]:
        """The webhooks and e-mails about its end, with every attempt, the oldest first. Raises NotFound."""
        found: list[DeliveryRecord] = (yield from self._transport.json("GET", f"{_path(id)}/deliveries"))["deliveries"]
        return found

    @call
    def resend_of_batch(self, id: str, delivery: str) -> Steps[DeliveryRecord]:
        """Send a delivery of a batch again, or now instead of later; the receiver sees the same id. Raises NotFound."""
        path = f"{_path(id)}/deliveries/{quote(delivery, safe='')}/resend"
        found: DeliveryRecord = yield from self._transport.json("POST", path)
        return found

    def _batch(self, id: str) -> Steps[BatchRecord]:
        found: BatchRecord = yield from self._transport.json("GET", _path(id))
        return found


def _path(id: str) -> str:
    return f"/batches/{quote(id, safe='')}"

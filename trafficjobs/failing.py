"""The side of the client that deals with what has failed: groups of jobs, and many of them run again. Part of `Client`."""

from typing import Any
from urllib.parse import quote

from trafficjobs.shapes import FailureRecord
from trafficjobs.steps import Items, Steps, call, items
from trafficjobs.submitting import JSON, PAGE, dumped
from trafficjobs.transport import Transport


class Failing:
    """Failures of one service."""

    _transport: Transport

    @items
    def failures(self) -> Items[FailureRecord]:
        """Groups of failed jobs that are alike, those seen last first, page by page as they are asked for."""
        return self._transport.pages("/failures", "failures", {}, PAGE)

    @call
    def retry_failed(
        self, fingerprint: str | None = None, *, operation: str | None = None, queue: str | None = None
    ) -> Steps[int]:
        """Run failed jobs again: all of them, or those that failed alike; how many that were.

        Without the role admin these are the caller's own. What fails again meanwhile is left alone; so the first request,
        which has no place to go on from yet, is sent once.

        Args:
            fingerprint: of a group of `failures()`, and the `fingerprint` of its jobs.
            operation, queue: only jobs of theirs.

        Raises: Invalid naming the argument.
        """
        path = "/failures/retry" if fingerprint is None else f"/failures/{quote(fingerprint, safe='')}/retry"
        body: dict[str, Any] = {"operation": operation, "queue": queue, "cursor": None}
        retried: int = 0
        while True:
            done = yield from self._transport.json(
                "POST", path, repeatable=body["cursor"] is not None, content=dumped(body), headers=JSON
            )
            retried += done["retried"]
            if done["next"] is None:
                return retried
            body["cursor"] = done["next"]

"""The side of the client that deals with what has failed: groups of jobs, and many of them run again. Part of `Client`."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from trafficjobs.shapes import FailureRecord
from trafficjobs.submitting import dumped
from trafficjobs.transport import Transport


class Failing:
    """Failures of one service."""

    _transport: Transport

    def failures(self) -> Iterator[FailureRecord]:
        """Groups of failed jobs that are alike, those seen last first, page by page as they are asked for."""
        params: dict[str, str] = {}
        while True:
            page = self._transport.json("GET", "/failures", params=params)
            yield from page["failures"]
            if page["next"] is None:
                return
            params["cursor"] = page["next"]

    def retry_failed(self, fingerprint: str | None = None, *, operation: str | None = None, queue: str | None = None) -> int:
        """Run failed jobs again: all of them, or those that failed alike; how many that were.

        Without the role admin these are the caller's own. What fails again meanwhile is left alone.

        Args:
            fingerprint: of a group of `failures()`, and the `fingerprint` of its jobs.
            operation, queue: only jobs of theirs.

        Raises: Invalid naming the argument.
        """
        path = "/failures/retry" if fingerprint is None else f"/failures/{quote(fingerprint, safe='')}/retry"
        body: dict[str, Any] = {"operation": operation, "queue": queue, "cursor": None}
        retried: int = 0
        while True:
            headers = {"Content-Type": "application/json"}
            done = self._transport.json("POST", path, content=dumped(body), headers=headers)
            retried += done["retried"]
            if done["next"] is None:
                return retried
            body["cursor"] = done["next"]

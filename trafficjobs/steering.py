"""The side of the client that deals with queues and workers as wholes. Part of `Client`.

Pause holds what would go out of a queue, drain what would come in, and purge throws away what waits.
"""

from typing import Any
from urllib.parse import quote

from trafficjobs.shapes import QueueRecord, WorkerRecord
from trafficjobs.submitting import dumped
from trafficjobs.transport import Transport


class Steering:
    """Queues and workers of one service. What changes something wants the role admin and raises NotFound."""

    _transport: Transport

    def queues(self) -> list[QueueRecord]:
        """Every queue, and what stands in it."""
        found: list[QueueRecord] = self._transport.json("GET", "/queues")["queues"]
        return found

    def pause(self, queue: str) -> QueueRecord:
        """Stop a queue; what runs, runs on, and jobs are accepted."""
        return self._queue(queue, "pause")

    def resume(self, queue: str) -> QueueRecord:
        """Let a paused queue go on."""
        return self._queue(queue, "resume")

    def drain(self, queue: str) -> QueueRecord:
        """Have a queue accept nothing more; what stands in it runs to its end."""
        return self._queue(queue, "drain")

    def open(self, queue: str) -> QueueRecord:
        """Let a drained queue accept jobs again."""
        return self._queue(queue, "open")

    def purge(self, queue: str, *, scheduled: bool = False, foreign: bool = False) -> int:
        """Cancel the jobs that wait in a queue; how many that were.

        Args:
            scheduled: also those that wait for their time, retries included.
            foreign: also drop entries that other programs put on its lists and that are no job yet.
        """
        sent: dict[str, Any] = {"content": dumped({"scheduled": scheduled, "foreign": foreign})}
        sent["headers"] = {"Content-Type": "application/json"}
        cancelled: int = 0
        while True:
            done = self._transport.json("POST", f"/queues/{quote(queue, safe='')}/purge", **sent)
            cancelled += done["cancelled"]
            if not done["left"]:
                return cancelled

    def _queue(self, queue: str, action: str) -> QueueRecord:
        found: QueueRecord = self._transport.json("POST", f"/queues/{quote(queue, safe='')}/{action}")
        return found

    def workers(self) -> list[WorkerRecord]:
        """The workers that beat."""
        found: list[WorkerRecord] = self._transport.json("GET", "/workers")["workers"]
        return found

    def drain_worker(self, name: str) -> WorkerRecord:
        """Let a worker end what it runs and take no more, until it is resumed or stops."""
        return self._worker(name, "drain")

    def resume_worker(self, name: str) -> WorkerRecord:
        """Let a drained worker take jobs again."""
        return self._worker(name, "resume")

    def _worker(self, name: str, action: str) -> WorkerRecord:
        found: WorkerRecord = self._transport.json("POST", f"/workers/{quote(name, safe='')}/{action}")
        return found

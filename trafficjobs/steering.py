"""The side of the client that deals with queues and workers as wholes. Part of `Client`.

Pause holds what would go out of a queue, drain what would come in, and purge throws away what waits.
"""

from typing import Any
from urllib.parse import quote

from trafficjobs.shapes import QueueRecord, WorkerRecord
from trafficjobs.steps import Steps, call
from trafficjobs.submitting import JSON, dumped
from trafficjobs.transport import Transport


class Steering:
    """Queues and workers of one service. What changes something wants the role admin and raises NotFound."""

    _transport: Transport

    @call
    def queues(self) -> Steps[list[QueueRecord]]:
        """Every queue, and what stands in it."""
        found: list[QueueRecord] = (yield from self._transport.json("GET", "/queues"))["queues"]
        return found

    @call
    def queue(self, name: str) -> Steps[QueueRecord]:
        """One queue. Raises NotFound."""
        found: QueueRecord = yield from self._transport.json("GET", f"/queues/{quote(name, safe='')}")
        return found

    @call
    def pause(self, queue: str) -> Steps[QueueRecord]:
        """Stop a queue; what runs, runs on, and jobs are accepted."""
        return (yield from self._queue(queue, "pause"))

    @call
    def resume(self, queue: str) -> Steps[QueueRecord]:
        """Let a paused queue go on."""
        return (yield from self._queue(queue, "resume"))

    @call
    def drain(self, queue: str) -> Steps[QueueRecord]:
        """Have a queue accept nothing more; what stands in it runs to its end."""
        return (yield from self._queue(queue, "drain"))

    @call
    def open(self, queue: str) -> Steps[QueueRecord]:
        """Let a drained queue accept jobs again."""
        return (yield from self._queue(queue, "open"))

    @call
    def purge(self, queue: str, *, scheduled: bool = False, foreign: bool = False) -> Steps[int]:
        """Cancel the jobs that wait in a queue; how many that were.

        It is sent once: sent again, it would cancel what was submitted meanwhile.

        Args:
            scheduled: also those that wait for their time, retries included.
            foreign: also drop entries that other programs put on its lists and that are no job yet.
        """
        sent: dict[str, Any] = {"content": dumped({"scheduled": scheduled, "foreign": foreign}), "headers": JSON}
        cancelled: int = 0
        while True:
            done = yield from self._transport.json("POST", f"/queues/{quote(queue, safe='')}/purge", repeatable=False, **sent)
            cancelled += done["cancelled"]
            if not done["left"]:
                return cancelled

    def _queue(self, queue: str, action: str) -> Steps[QueueRecord]:
        found: QueueRecord = yield from self._transport.json("POST", f"/queues/{quote(queue, safe='')}/{action}")
        return found

    @call
    def workers(self) -> Steps[list[WorkerRecord]]:
        """The workers that beat."""
        found: list[WorkerRecord] = (yield from self._transport.json("GET", "/workers"))["workers"]
        return found

    @call
    def drain_worker(self, name: str) -> Steps[WorkerRecord]:
        """Let a worker end what it runs and take no more, until it is resumed or stops."""
        return (yield from self._worker(name, "drain"))

    @call
    def resume_worker(self, name: str) -> Steps[WorkerRecord]:
        """Let a drained worker take jobs again."""
        return (yield from self._worker(name, "resume"))

    def _worker(self, name: str, action: str) -> Steps[WorkerRecord]:
        found: WorkerRecord = yield from self._transport.json("POST", f"/workers/{quote(name, safe='')}/{action}")
        return found

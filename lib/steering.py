"""What is done to a whole queue (pause and resume, drain and open, purge) or a whole worker (drain and resume), and a note of
what was done by whom. Part of `lib.jobs.Jobs`.

Pause holds what would go out of a queue, drain what would come in, and purge throws away what waits; see docs/decisions. A
drained worker ends what it runs and takes no more. Each may be sent twice.
"""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from lib.errors import Conflict, UnknownWorker
from lib.store import Store, text

_CHUNK = 100  # entries in one call of the script, so that none blocks Redis for long
_LISTS = [priority + paused for paused in ("", ".paused") for priority in ("high", "normal", "low")]


@dataclass(frozen=True)
class Purged:
    """What a purge has done.

    Args:
        cancelled: jobs.
        foreign: entries of others that belong to no job: left where they are, or dropped if that was asked for.
        left: entries that it had no time to look at; ask again.
    """

    cancelled: int
    foreign: int
    left: int


class Steering:
    """The side of `Jobs` that deals with wholes. Methods of queues raise UnknownQueue, of workers UnknownWorker."""

    store: Store
    _queue: Callable[..., str]

    def pause(self, queue: str | None = None) -> None:
        """Stop claims from a queue; running jobs run on, and new ones are accepted. Twice is the same as once."""
        self.store.run("pause", self._queue(queue))

    def resume(self, queue: str | None = None) -> None:
        """Let a paused queue go on, in its order."""
        self.store.run("resume", self._queue(queue))

    def drain(self, queue: str | None = None) -> None:
        """Accept nothing more for a queue; what stands in it runs to its end. Twice is the same as once.

        Submits and explicit retries are refused with QueueDraining, schedules hold their firing. What other programs push to
        its lists themselves cannot be held up.
        """
        self.store.run("drain", self._queue(queue), 1)

    def open(self, queue: str | None = None) -> None:
        """Let a drained queue accept jobs again."""
        self.store.run("drain", self._queue(queue), 0)

    def purge(
        self, queue: str | None = None, *, scheduled: bool = False, foreign: bool = False, by: str = "", seconds: float = 1.0
    ) -> Purged:
        """Cancel the jobs that wait in a queue and were submitted before this call; those that run, run on.

        Args:
            scheduled: also those that wait for their time, retries included.
            foreign: also drop entries that other programs have put on its lists and that are no job yet.
            by: name of whom the records show as having cancelled them.
            seconds: after which it ends, `left` saying how much there is still to look at.
        """
        name, give_up = self._queue(queue), time.monotonic() + seconds
        clock = self.store.read(lambda records: records.time())
        until = 1_000_000 * clock[0] + clock[1]
        cancelled = others = left = 0
        for place in [*_LISTS, "unserved", "limited", *(["scheduled"] if scheduled else [])]:
            todo, kept = None, 0
            while todo != 0:
                most = _CHUNK if todo is None else min(todo, _CHUNK)
                args = (name, place, most if time.monotonic() < give_up else 0, kept, until, int(foreign), by)
                seen, behind, done, foreigners = text(self.store.run("purge", *args))
                cancelled, others, kept = cancelled + done, others + foreigners, kept + seen - done
                todo = behind if todo is None else todo - seen
                if not seen:
                    left += todo if time.monotonic() >= give_up else 0
                    break
        return Purged(cancelled, others, left)

    def drain_worker(self, worker: str) -> None:
        """Let a worker end what it runs and take no more, until it is resumed or stops. Raises Conflict for a consumer."""
        self._order(worker, "drain")

    def resume_worker(self, worker: str) -> None:
        """Let a drained worker take jobs again. Raises Conflict for a consumer."""
        self._order(worker, "resume")

    def note(self, action: str, target: str, by: str, request_id: str) -> None:
        """Write into the stream of events what a caller has done that is no move of a job. Raises StoreUnavailable."""
        self.store.run("note", secrets.token_hex(8), action, target, by, request_id)

    def _order(self, worker: str, order: str) -> None:
        code = text(self.store.run("steer_worker", worker, order))
        if code == "UNKNOWN":
            raise UnknownWorker(f"No worker called {worker[:80]!r} beats; it has stopped, or never was.")
        if code == "CONSUMER":
            raise Conflict(f"{worker} is a program that consumes by itself and takes no orders; stop it where it runs.")

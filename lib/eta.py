"""When jobs will have ended, learned from how long those before them ran. Part of `lib.jobs.Jobs`.

The scripts count every run and its time; this reads the counters at most once a second in a process, so that an estimate
costs a job nothing on its way. Where nothing is known there is no estimate: no run of the operation yet, no worker that beats
and serves it, or a paused queue.
"""

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lib.reading import iso, object_of
from lib.records import Job
from lib.states import IN_PROGRESS, SCHEDULED, SUBMITTED
from lib.store import Store, text

_LIFETIME = 1.0  # seconds for which what was read is used
_KEPT = 60.0  # seconds for which it will do where nobody may be asked


@dataclass(frozen=True)
class Servers:
    """The children of one worker, and what they serve."""

    queues: frozenset[str]
    operations: frozenset[str]
    children: int


@dataclass(frozen=True)
class Estimates:
    """What was known at one moment.

    Args:
        now: Redis's time, seconds; `read` is this process's monotonic time at that moment.
        means: seconds a run of an operation takes on average.
        overall: of all operations, weighted by their runs; None where nothing has run.
        paused: queues.
    """

    now: float
    read: float
    means: Mapping[str, float]
    overall: float | None
    servers: tuple[Servers, ...]
    paused: frozenset[str]

    def of(self, job: Job, position: int | None = None) -> float | None:
        """Seconds until a job that waits, is scheduled or runs will have ended; None where that is not known.

        Args:
            position: how many jobs run before it, while it waits.
        """
        mean = self.means.get(job.operation)
        if job.status == IN_PROGRESS:
            return _left(job, mean, self._clock())
        children = self.children(job.queue, job.operation)
        if mean is None or not children or job.queue in self.paused:
            return None
        if job.status == SCHEDULED and job.due is not None:
            return self.until(_seconds(job.due)) + mean
        if job.status == SUBMITTED and position is not None and self.overall is not None:
            return position * self.overall / children + mean
        return None

    def of_mix(self, remaining: Mapping[str, int], queue: str) -> float | None:
        """Seconds until so many jobs of each operation will have ended, if they were next in a queue; None where not known."""
        if not any(remaining.values()):
            return 0.0
        operations = [operation for operation, number in remaining.items() if number]
        children = min(self.children(queue, operation) for operation in operations)
        if queue in self.paused or not children or any(operation not in self.means for operation in operations):
            return None
        work = sum(number * self.means[operation] for operation, number in remaining.items() if number)
        longest = max(self.means[operation] for operation in operations)
        return max(work / children, longest)

    def at(self, seconds: float) -> str | None:
        """So many seconds from now, as ISO 8601."""
        return iso(self._clock() + seconds)

    def until(self, moment: float) -> float:
        """Seconds from now to a time, in seconds since 1970; 0 for one that is over."""
        return max(0.0, moment - self._clock())

    def _clock(self) -> float:
        """Redis's time now."""
        return self.now + time.monotonic() - self.read

    def children(self, queue: str, operation: str) -> int:
        """Children of workers that beat, take jobs, serve the queue and know the operation."""
        return sum(each.children for each in self.servers if queue in each.queues and operation in each.operations)


class Estimating:
    """How long things will take."""

    store: Store
    _known: Estimates | None = None

    def last_estimates(self) -> Estimates | None:
        """What was known when this process last asked, at most a minute ago; None where it has not. Asks nobody."""
        known = self._known
        return None if known is None or time.monotonic() - known.read > _KEPT else known

    def estimates(self) -> Estimates:
        """What is known now, at most a second old: at most one round trip. Raises StoreUnavailable."""
        known = self._known
        if known is None or time.monotonic() - known.read > _LIFETIME:
            self._known = known = _estimates(*text(self.store.run("pace")))
        return known


def _estimates(now: str, runs: list[str | int], workers: list[str], paused: list[str]) -> Estimates:
    triples = list(zip(runs[::3], map(int, runs[1::3]), map(float, runs[2::3]), strict=True))
    means = {str(operation): micros / 1e6 / number for operation, number, micros in triples if number}
    total = sum(number for _, number, _ in triples)
    overall = sum(micros for *_, micros in triples) / 1e6 / total if total else None
    servers = []
    for words in workers:
        said = object_of(words) or {}  # {}: another program has put it there
        if said.get("kind") == "worker" and not said.get("stopping") and not said.get("draining"):
            try:
                servers.append(Servers(frozenset(said["queues"]), frozenset(said["operations"]), int(said["children"])))
            except (KeyError, TypeError, ValueError):
                pass
    return Estimates(float(now), time.monotonic(), means, overall, tuple(servers), frozenset(paused))


def _left(job: Job, mean: float | None, now: float) -> float | None:
    """Seconds that a running job will still take: by its progress, else by the mean."""
    if job.started is None:
        return None
    elapsed = max(0.0, now - _seconds(job.started))
    done, total = (job.progress or {}).get("done"), (job.progress or {}).get("total")
    if isinstance(done, int | float) and isinstance(total, int | float) and 0 < done <= total:
        left = float(elapsed * (total - done) / done)
        if math.isfinite(left):
            return left
    return None if mean is None else max(0.0, mean - elapsed)


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()

"""The ledger of a release's jobs: every id that was accepted, against what the service says in the end.

The promise: each accepted job ends, and ends once. Asked are the records, the list of all jobs, the durable counters and
the line that every run leaves in its job's log.
"""

import re
import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.e2e.waits import until
from trafficjobs import Client, Job
from trafficjobs.glances import ENDED

_ENDS = re.compile(r"^trafficjobs_jobs_(completed|failed|cancelled)_total\{.*\} (\S+)$", re.M)
_RAN = "ran on "
_CHARGES = ("releases", "crashes", "lost", "retries")


@dataclass(frozen=True)
class Seen:
    """A job when it was looked at: its record, and the pods on which its runs began, by the job's own log, in order."""

    record: dict[str, Any]
    pods: list[str]

    def __str__(self) -> str:
        record = self.record
        ran = " then ".join(pod.rpartition("-")[2] for pod in self.pods) or "nowhere"
        counted = {name: record[name] for name in ("attempt", *_CHARGES) if record[name]}
        return f"{record['id'][:8]} {record['operation']} {record['status']}, ran on {ran}, {counted}"

    @property
    def ended(self) -> bool:
        return self.record["status"] in ENDED

    @property
    def ended_at(self) -> float:
        """When it ended, in seconds of the epoch."""
        return _seconds(self.record["ended"])

    @property
    def first_run(self) -> tuple[float, float]:
        """When its first run began and was over, in seconds of the epoch."""
        run = self.record["attempts"][0] if self.record["attempts"] else self.record
        return _seconds(run["started"]), _seconds(run["ended"])

    @property
    def touched(self) -> bool:
        """Whether a run of it was cut short."""
        return any(self.record[name] for name in _CHARGES)

    @property
    def untouched(self) -> bool:
        """Whether it ran once, from beginning to end, in one place."""
        once = self.record["status"] == "complete" and self.record["attempt"] == 1 and not self.touched
        return once and len(self.pods) == 1 and self.record["result"]["pod"] == self.pods[0]


class Accepted:
    """Jobs of one release.

    Args:
        client: with a token that may submit and read.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.ids: set[str] = set()
        self._lock = threading.Lock()

    def submit(self, operation: str, /, number: int = 1, **params: Any) -> list[Job]:
        """Submit so many jobs alike."""
        return [self.note(self.client.submit(operation, params)) for _ in range(number)]

    def note(self, job: Job) -> Job:
        """Enter a job that was accepted."""
        with self._lock:
            self.ids.add(job.id)
        return job

    def running(self, jobs: Iterable[Job]) -> bool:
        """Whether all of these run now, in the code of their operation."""
        return all(job.refresh().status == "in-progress" and self.pods_of(job) for job in jobs)

    def end(self, jobs: list[Job], seconds: float) -> list[Seen]:
        """Wait for the end of these jobs."""
        until(
            lambda: Counter(job.refresh().status for job in jobs if not job.ended) or Counter(),
            lambda unfinished: not unfinished,
            seconds,
            f"the end of {len(jobs)} jobs",
        )
        return [self.see(job) for job in jobs]

    def see(self, job: Job) -> Seen:
        """A job as it was when last looked at."""
        return Seen(dict(job.record), self.pods_of(job))

    def pods_of(self, job: Job) -> list[str]:
        """The pods on which its runs began, in order."""
        lines = [str(entry["line"]) for entry in job.log()]
        return [line.removeprefix(_RAN) for line in lines if line.startswith(_RAN)]

    def check(self) -> None:
        """Every accepted id is there once, has ended, and as many ends were counted as there are jobs."""
        jobs = list(self.client.jobs())
        listed = Counter(job.id for job in jobs)
        assert not self.ids - listed.keys(), f"accepted and not there: {self.ids - listed.keys()}"
        assert set(listed.values()) <= {1}, f"listed more than once: {[jid for jid, n in listed.items() if n > 1]}"
        open_jobs = [job for job in jobs if job.status not in ENDED]
        assert not open_jobs, f"not ended: {open_jobs}"
        counted = sum(float(value) for _, value in _ENDS.findall(self.client.metrics()))
        assert counted == len(jobs), f"{counted:.0f} ends were counted of {len(jobs)} jobs"


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()

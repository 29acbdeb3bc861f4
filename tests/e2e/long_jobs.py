"""What becomes of jobs that run for longer than the lists stay empty: one observation for two tests.

KEDA takes the last pod away once nothing has called for it for the cooldown. With the running jobs in the formula they
call for their pods; without them the pods go, with what they run. The grace is shorter than the jobs, so that the drain
cannot hide it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.accepted import Seen
from tests.e2e.release import Release
from tests.e2e.values import COOLDOWN, POLL
from tests.e2e.waits import until

JOBS, CONCURRENCY = 4, 2
GRACE = 20  # seconds; the worker hands back what still runs 10 s before its end
JOB = 75  # seconds
QUIET = COOLDOWN + 2 * POLL  # seconds of empty lists after which KEDA has surely acted
# One pod more for every waiting job: the jobs spread, although the first pod takes two of them.
VALUES = {
    "worker": {
        "concurrency": CONCURRENCY,
        "terminationGracePeriodSeconds": GRACE,
        "keda": {"jobsPerPod": 1, "maxReplicas": 3},
    }
}


@dataclass(frozen=True)
class Observation:
    """What was seen of every job until its first run was over, and which pods were told to go under such a run."""

    jobs: list[Seen]
    told_to_go: list[str]

    @property
    def harmed(self) -> list[str]:
        """Jobs whose first run did not go from beginning to end."""
        return [str(each) for each in self.jobs if not each.untouched]

    @property
    def quiet(self) -> float:
        """Seconds during which all ran and nothing waited."""
        return min(each.first_run[1] for each in self.jobs) - max(each.first_run[0] for each in self.jobs)

    def tell(self, figure: Callable[[str], None]) -> None:
        """Note what was seen."""
        spread = Counter(each.pods[0].rpartition("-")[2] for each in self.jobs)
        figure(f"{len(self.jobs)} jobs of {JOB} s on {dict(spread)}, all at work with empty lists for {self.quiet:.0f} s")
        for text in (*self.harmed, *(f"told to go at work: {pod}" for pod in self.told_to_go)):
            figure(text)


def told_to_go_at_work(release: Release, jobs: list[Seen]) -> list[str]:
    """Pods that were told to go before the first runs on them were over."""
    busy_until = {pod: max(each.first_run[1] for each in jobs if each.pods[0] == pod) for pod in {each.pods[0] for each in jobs}}
    pods = [release.pods.pod(name) for name in busy_until]
    return [pod.name for pod in pods if pod.deleting is not None and pod.deleting < busy_until[pod.name]]


def observe(release: Release) -> Observation:
    """Run jobs on several pods at once, and watch them while nothing waits until each has ended, or was touched."""
    release.wait_for_zero(300)
    jobs = release.accepted.submit("nap", JOBS, seconds=JOB)
    until(lambda: release.accepted.running(jobs), lambda all_run: all_run, 5 * 30, f"{JOBS} jobs running side by side")
    (queue,) = release.client().queues()
    assert queue["depth"] == 0
    seen = until(
        lambda: [release.accepted.see(job.refresh()) for job in jobs],
        lambda all_seen: all(each.ended or each.touched for each in all_seen),
        5 * JOB,
        "the end of every first run",
    )
    assert len({each.pods[0] for each in seen}) > 1, "all jobs were on one pod"
    return Observation(seen, told_to_go_at_work(release, seen))

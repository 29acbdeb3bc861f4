"""What becomes of jobs that run for longer than the lists stay empty: one observation for two tests.

KEDA takes the last pod away once nothing has called for it for the cooldown. With the running jobs in the formula they
call for their pods; without them the pods go, with what they run. The grace is shorter than the jobs, so that the drain
cannot hide it.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.accepted import Ended
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
    """What was seen: every job at its end, and whether pods went while jobs ran on them."""

    ended: list[Ended]
    told_to_go: list[str]
    quiet: float

    @property
    def harmed(self) -> list[str]:
        """Jobs that did not run once, from beginning to end, in one place."""
        return [str(each) for each in self.ended if not each.untouched]

    def tell(self, figure: Callable[[str], None]) -> None:
        """Note what was seen."""
        spread = Counter(each.pods[0].rpartition("-")[2] for each in self.ended)
        figure(f"{len(self.ended)} jobs of {JOB} s on {dict(spread)}; the lists were empty for {self.quiet:.0f} s")
        for text in (*self.harmed, *(f"told to go with running jobs: {pod}" for pod in self.told_to_go)):
            figure(text)


def told_to_go_with_jobs(release: Release, ended: list[Ended]) -> list[str]:
    """Pods that were told to go before the jobs that began on them had ended."""
    last = {pod: max(each.ended_at for each in ended if each.pods[0] == pod) for pod in {each.pods[0] for each in ended}}
    pods = [release.pods.pod(name) for name in last]
    return [pod.name for pod in pods if pod.deleting is not None and pod.deleting < last[pod.name]]


def observe(release: Release) -> Observation:
    """Run jobs on several pods at once, and watch them to their end while nothing waits."""
    release.wait_for_zero(300)
    jobs = release.accepted.submit("nap", JOBS, seconds=JOB)
    until(lambda: release.accepted.running(jobs), lambda all_run: all_run, 5 * 30, f"{JOBS} jobs running side by side")
    (queue,) = release.client().queues()
    assert queue["depth"] == 0
    holding = {job.id: release.accepted.pods_of(job)[-1] for job in jobs}
    assert len(set(holding.values())) > 1, holding
    ended = release.accepted.end(jobs, 5 * JOB)
    told = told_to_go_with_jobs(release, ended)
    quiet = min(each.ended_at for each in ended) - max(each.started_at for each in ended)
    return Observation(ended, told, quiet)

"""Worker pods are deleted in the middle of a job: kindly, with less grace than the job needs, and by force."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.accepted import Seen
from tests.e2e.release import Release
from tests.e2e.values import LEASE
from tests.e2e.waits import until

GRACE = 40  # seconds; jobs have 10 less
VALUES = {"worker": {"concurrency": 1, "terminationGracePeriodSeconds": GRACE, "keda": {"maxReplicas": 2}}}
pytestmark = pytest.mark.usefixtures("at_zero")
LONG_GRACE = 120  # seconds; only what does not listen is there for so long
# Python takes 5 s before it reads the first line of a program.
SLOW_START = {
    "operations": {"files": {"sitecustomize.py": "import time\n\ntime.sleep(5)\n"}},
    "worker": {"extraEnv": [{"name": "PYTHONPATH", "value": "/operations:/app"}], "terminationGracePeriodSeconds": LONG_GRACE},
}


def _run_and_delete(release: Release, seconds: float, grace: int | None = None) -> Seen:
    """The end of a job whose pod was deleted as soon as it ran."""
    jobs = release.accepted.submit("nap", seconds=seconds)
    until(lambda: release.accepted.running(jobs), lambda runs: runs, 5 * 30, "a job at work")
    (pod,) = release.accepted.pods_of(jobs[0])
    options: dict[str, Any] = {} if grace is None else {"grace_period_seconds": grace}
    release.cluster.core.delete_namespaced_pod(pod, release.namespace, **options)
    (ended,) = release.accepted.end(jobs, 5 * (GRACE + LEASE + 30 + seconds))
    gone = release.pods.pod(pod)
    assert gone.deleting
    assert gone.deleting < ended.ended_at
    return ended


def test_a_job_that_is_shorter_than_the_grace_ends_where_it_runs(release: Release, figure: Callable[[str], None]) -> None:
    ended = _run_and_delete(release, GRACE - 20)
    figure(str(ended))
    assert ended.untouched


def test_a_job_that_is_longer_than_the_grace_is_handed_back_and_not_charged(
    release: Release, figure: Callable[[str], None]
) -> None:
    ended = _run_and_delete(release, GRACE + 10)
    figure(str(ended))
    record = ended.record
    assert (record["status"], record["attempt"], record["releases"]) == ("complete", 2, 1)
    assert (record["crashes"], record["lost"]) == (0, 0)
    assert record["attempts"][0]["outcome"] == "worker stopped"
    assert len(set(ended.pods)) == 2


def test_a_job_whose_pod_is_killed_by_force_is_run_again_when_its_lease_ends(
    release: Release, figure: Callable[[str], None]
) -> None:
    ended = _run_and_delete(release, 20, grace=0)
    record = ended.record
    (first,) = record["attempts"]
    figure(f"{ended}: {first['outcome']}: {first['error']['message']}")
    assert (record["status"], record["attempt"], record["lost"]) == ("complete", 2, 1)
    assert (record["crashes"], record["releases"]) == (0, 0)
    assert first["outcome"] == "lost"
    assert len(set(ended.pods)) == 2


def test_a_pod_that_is_told_to_go_before_its_program_listens_does_not_stay(
    release: Release, figure: Callable[[str], None]
) -> None:
    """The kernel drops a signal that PID 1 has no handler for: the pod would claim jobs until its grace is over."""
    release.upgrade(SLOW_START)
    release.wait_for_zero(300)
    jobs = release.accepted.submit("where")
    (pod,) = until(
        lambda: [pod for pod in release.pods.alive("worker") if pod.started], lambda pods: len(pods) == 1, 5 * 30, "a container"
    )
    assert pod.ready is None
    release.cluster.core.delete_namespaced_pod(pod.name, release.namespace)
    until(lambda: pod.gone, lambda gone: gone, LONG_GRACE + 60, "the end of the pod")
    figure(f"told to go while it started: {pod}")
    assert pod.gone
    assert pod.deleting
    assert pod.gone - pod.deleting < LONG_GRACE - 5, "it was killed when its grace was over"
    (ended,) = release.accepted.end(jobs, 5 * 60)
    assert ended.untouched


def test_every_accepted_job_has_ended_once(release: Release) -> None:
    release.accepted.check()

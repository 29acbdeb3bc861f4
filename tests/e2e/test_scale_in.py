"""Scaling in takes any pod, also one that works: its jobs run to their end there, where the grace is longer than they are.

With worker.deletionCost the pods without work are taken first.
"""

import time
from collections.abc import Callable

import pytest

from tests.e2e.long_jobs import told_to_go_at_work
from tests.e2e.release import Release
from tests.e2e.waits import until

AT_ONCE = {"scaleDown": {"stabilizationWindowSeconds": 0}}
VALUES = {
    "worker": {
        "concurrency": 1,
        "terminationGracePeriodSeconds": 120,
        "keda": {"maxReplicas": 3, "behavior": AT_ONCE},
    }
}
pytestmark = pytest.mark.usefixtures("at_zero")


def test_pods_that_are_scaled_in_at_work_run_their_jobs_to_the_end(release: Release, figure: Callable[[str], None]) -> None:
    jobs = release.accepted.submit("nap", 3, seconds=60)
    until(lambda: release.accepted.running(jobs), lambda all_run: all_run, 5 * 30, "three jobs on three pods")
    release.upgrade({"worker": {"keda": {"maxReplicas": 1}}}, wait=False)
    ended = release.accepted.end(jobs, 5 * 60)
    told = told_to_go_at_work(release, ended)
    figure(f"of {len({each.pods[0] for each in ended})} pods at work {len(told)} were told to go, and ended their jobs first")
    assert len(told) == 2
    assert all(each.untouched for each in ended), [str(each) for each in ended]


def test_with_deletion_cost_the_pods_without_work_go_first(release: Release, figure: Callable[[str], None]) -> None:
    # The scaler comes when a pod has been idle for a moment, as it does by default after five minutes.
    calm = {"scaleDown": {"stabilizationWindowSeconds": 15}}
    release.upgrade({"worker": {"deletionCost": True, "keda": {"maxReplicas": 3, "behavior": calm}}})
    release.wait_for_zero(300)  # else a pod of before the upgrade may take a job in the moment before it hears that it is to go
    began = time.time()
    jobs = [release.accepted.submit("nap", seconds=seconds)[0] for seconds in (50, 100, 100)]
    until(lambda: release.accepted.running(jobs), lambda all_run: all_run, 5 * 30, "three jobs on three pods")
    ended = release.accepted.end(jobs, 5 * 100)
    first, second, _ = sorted(each.ended_at for each in ended)
    idle = [pod for pod in release.pods.pods("worker", since=began) if pod.deleting and first < pod.deleting < second]
    figure(f"scaled in while two jobs ran: {[str(pod) for pod in idle]}")
    assert len(idle) == 1
    assert told_to_go_at_work(release, ended) == []
    assert all(each.untouched for each in ended), [str(each) for each in ended]
    release.accepted.check()

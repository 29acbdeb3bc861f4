"""Processes of a worker die under their jobs: by the kernel for want of memory, and all at once with their container.

The record of each job says what happened, what may be run again is, and no other job is lost. Where the kernel kills one
process (control groups version 1) the container lives on; where it kills the whole container (version 2) the next one
finds the marks on the emptyDir.
"""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.e2e.accepted import Seen
from tests.e2e.release import Release
from tests.e2e.waits import until

# A lease that is longer than Kubernetes waits before it starts a container again: the marks tell, not the lease.
VALUES = {
    "config": {"leaseSeconds": 60, "maxCrashes": 2},
    "worker": {"concurrency": 2, "memoryPerJob": "0", "resources": {"limits": {"memory": "768Mi"}}, "keda": {"maxReplicas": 1}},
}
pytestmark = pytest.mark.usefixtures("at_zero")
TOO_MUCH = 1500  # MB


def _crash(ended: Seen, number: int = 0) -> dict[str, Any]:
    """The evidence of one attempt's crash."""
    attempt = ended.record["attempts"][number]
    assert attempt["outcome"] == "crash", attempt
    evidence: dict[str, Any] = attempt["error"]["evidence"]
    return evidence


def _end_at_once(evidence: dict[str, Any]) -> bool:
    return "killed at once" in evidence["summary"]


def _nursery_restarts(release: Release) -> float:
    counted = re.search(r"^trafficjobs_nursery_restarts_total (\S+)$", httpx.get(f"{release.url}/metrics", timeout=30).text, re.M)
    assert counted is not None
    return float(counted[1])


def test_a_container_whose_processes_are_all_killed_at_once_leaves_its_evidence(
    release: Release, figure: Callable[[str], None]
) -> None:
    (neighbour,) = release.accepted.submit("nap", seconds=15)
    until(lambda: release.accepted.running([neighbour]), lambda runs: runs, 5 * 30, "the neighbour at work")
    (killer,) = release.accepted.submit("end_container", runs=1)
    ended = release.accepted.end([killer, neighbour], 5 * 40)
    figure("; ".join(str(each) for each in ended))
    for each in ended:
        assert each.record["status"] == "complete"
        assert (each.record["attempt"], each.record["crashes"], each.record["lost"]) == (2, 1, 0)
        assert _end_at_once(_crash(each))
        assert each.pods[0] == each.pods[1], "the same pod, in its next container"
    assert release.pods.pod(ended[0].pods[0]).restarts == 1


def test_a_job_that_the_kernel_kills_for_want_of_memory_says_so(release: Release, figure: Callable[[str], None]) -> None:
    (neighbour,) = release.accepted.submit("nap", seconds=20)
    until(lambda: release.accepted.running([neighbour]), lambda runs: runs, 5 * 30, "the neighbour at work")
    (eater,) = release.accepted.submit("eat", mb=TOO_MUCH, runs=1)
    fed, spared = release.accepted.end([eater, neighbour], 5 * 40)
    found = _crash(fed)
    figure(f"{fed}: {found['summary']}; beside it: {spared}")
    assert fed.record["status"] == spared.record["status"] == "complete"
    assert (fed.record["attempt"], fed.record["crashes"], fed.record["lost"]) == (2, 1, 0)
    if _end_at_once(found):
        assert _end_at_once(_crash(spared))
    else:
        assert (found["signal"], found["oom_killed"]) == ("SIGKILL", True)
        assert found["peak_memory_bytes"] > 300 * 2**20
        # Before the memory of the first is free the kernel may take a second process: the nursery, whose children end with it.
        assert spared.untouched or (_nursery_restarts(release) and _crash(spared)["signal"] == "SIGKILL"), str(spared)


def test_a_job_that_is_killed_again_and_again_fails_with_the_evidence(release: Release, figure: Callable[[str], None]) -> None:
    (eater,) = release.accepted.submit("eat", mb=TOO_MUCH)
    (ended,) = release.accepted.end([eater], 5 * 60)
    record = ended.record
    figure(f"{ended}: {record['error']['message']}")
    assert (record["status"], record["crashes"], record["lost"], record["attempt"]) == ("failed", 3, 0, 3)
    assert record["error"]["reason"] == "crash"
    assert record["result"] == {"error": record["error"]["message"]}
    (after,) = release.accepted.end(release.accepted.submit("where"), 5 * 30)
    assert after.untouched
    release.accepted.check()

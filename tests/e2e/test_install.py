"""A fresh release in a namespace that enforces restricted Pod Security: it comes up, passes its own test, goes to zero,
and scales from there and back. With the chart's own persistence, two API pods, and KEDA found by the chart itself."""

import time
from collections import Counter
from collections.abc import Callable

from tests.e2e.release import Release
from tests.e2e.values import COOLDOWN, POLL
from tests.e2e.waits import until

VALUES = {"api": {"replicas": 2}, "redis": {"persistence": {"enabled": True}}}
# A scaler that was made before Redis was up is looked at again after a minute or two.
TO_ZERO = 120 + 5 * (COOLDOWN + 2 * POLL)
FROM_ZERO = 5 * 30  # seconds; the first result is promised within half a minute


def test_the_release_is_ready_in_a_namespace_that_enforces_restricted_pod_security(
    release: Release, figure: Callable[[str], None]
) -> None:
    pods = release.pods.pods("api") + release.pods.pods("redis") + release.pods.pods("worker")
    assert {pod.component for pod in pods} == {"api", "redis", "worker"}
    figure(f"helm install to ready: {release.seconds_to_ready:.0f} s")
    for pod in pods:
        figure(str(pod))


def test_keda_is_found_and_takes_the_workers_to_zero(release: Release, figure: Callable[[str], None]) -> None:
    assert release.scaled_object()["spec"]["minReplicaCount"] == 0
    began = time.monotonic()
    release.wait_for_zero(TO_ZERO)
    figure(f"ready to zero workers: {time.monotonic() - began:.0f} s")


def test_helm_test_passes_from_zero_replicas(release: Release, figure: Callable[[str], None]) -> None:
    told = release.helm.test()
    assert "Without a token: 401" in told
    assert "the result is right" in told
    figure(next(line for line in told.splitlines() if "the result is right" in line))
    release.wait_for_zero(TO_ZERO)


def test_the_first_job_at_zero_replicas_calls_a_worker(release: Release, figure: Callable[[str], None]) -> None:
    release.wait_for_zero(TO_ZERO)
    submitted = time.time()
    jobs = release.accepted.submit("where")
    (ended,) = release.accepted.end(jobs, FROM_ZERO)
    seen = time.time()
    (pod,) = release.pods.pods("worker", since=submitted)
    assert ended.untouched
    assert ended.pods == [pod.name]
    assert pod.started
    claimed, over = ended.first_run
    figure(f"first job at zero replicas to result: {seen - submitted:.1f} s")
    moments = {"pod made": pod.created, "container runs": pod.started, "claimed": claimed, "ended": over}
    figure("of these: " + ", ".join(f"{what} +{at - submitted:.1f}" for what, at in moments.items()))


def test_forty_jobs_scale_from_zero_to_several_and_back(release: Release, figure: Callable[[str], None]) -> None:
    release.wait_for_zero(TO_ZERO)
    began = time.time()
    jobs = [job for n in range(40) for job in release.accepted.submit("nap", seconds=1 + n % 2)]
    ended = release.accepted.end(jobs, 5 * 60)
    figure(f"40 jobs of 1 to 2 s from zero: {time.time() - began:.0f} s on {release.pods.most('worker', began)} pods")
    assert all(each.untouched for each in ended), [str(each) for each in ended if not each.untouched]
    shares = Counter(each.pods[0] for each in ended)
    assert len(shares) > 1, shares
    release.wait_for_zero(5 * (COOLDOWN + 2 * POLL))
    until(lambda: release.client().workers(), lambda workers: not workers, 60, "no worker that beats")
    release.accepted.check()


def test_no_pod_was_restarted(release: Release) -> None:
    names = ("api", "redis", "worker")
    restarted = [str(pod) for name in names for pod in release.pods.pods(name) if pod.restarts]
    assert not restarted

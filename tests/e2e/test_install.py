"""A fresh release in a namespace that enforces restricted Pod Security: it comes up, passes its own test, goes to zero,
and scales from there and back. With the chart's own persistence, two API pods, and KEDA found by the chart itself."""

import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.portforward import PortForward
from tests.e2e.release import NAME, Release
from tests.e2e.values import COOLDOWN, POLL
from tests.e2e.waits import until

VALUES = {"api": {"replicas": 2}, "redis": {"persistence": {"enabled": True}}, "dashboard": {"scalerView": True}}
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


def test_doctor_is_content_with_the_release_and_its_objects(release: Release) -> None:
    release.wait_for_zero(TO_ZERO)
    command = [sys.executable, "-m", "trafficjobs", "doctor", "--kubernetes", "--namespace", release.namespace, "--release", NAME]
    signed_in = os.environ | {"TRAFFICJOBS_TOKEN": release.token("admin")}
    done = subprocess.run([*command, "--url", release.url], env=signed_in, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stdout + done.stderr
    for told in ("✓ rights: ", "✓ keda operator: ", "✓ triggers: ", "✓ secrets: "):
        assert told in done.stdout, done.stdout


def test_the_dashboard_shows_the_scaler_at_zero(release: Release) -> None:
    release.wait_for_zero(TO_ZERO)
    signed_in = {"Authorization": f"Bearer {release.token('view')}"}
    most = release.scaled_object()["spec"]["maxReplicaCount"]

    def shown() -> str:
        text = httpx.get(f"{release.url}/ui", headers=signed_in, timeout=10).raise_for_status().text
        return text.partition('id="scaler"')[2].partition("</section>")[0]

    card = until(shown, lambda text: 'data-name="Wanted" class="number">0<' in text, 60, "no pod that is wanted")
    assert 'data-name="Ready" class="number">0<' in card
    assert f"0 to {most}" in card
    assert "warning" not in card


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


def test_at_zero_workers_every_api_pod_shows_the_metrics_of_all_jobs(release: Release, tmp_path: Path) -> None:
    release.wait_for_zero(5 * (COOLDOWN + 2 * POLL))
    records = [job.record for job in release.client().jobs()]
    ended = Counter(record["operation"] for record in records)
    assert {record["status"] for record in records} == {"complete"}
    assert ended["nap"] == 40
    pods = release.pods.present("api")
    assert len(pods) == 2
    for pod in pods:
        with PortForward(release.namespace, f"pod/{pod.name}", 5000, tmp_path / pod.name) as forward:
            text = until(partial(_scrape, forward.url), lambda text: bool(text), 30, "an answer of the pod")
        found: dict[str, dict[str, float]] = defaultdict(dict)
        for sample in (sample for family in text_string_to_metric_families(text) for sample in family.samples):
            found[sample.name][sample.labels.get("operation", "")] = sample.value
        assert found["trafficjobs_workers"] == {"": 0}
        for name in (
            "trafficjobs_jobs_completed_total",
            "trafficjobs_job_run_seconds_count",
            "trafficjobs_job_wait_seconds_count",
        ):
            assert found[name] == ended, (pod.name, name)
        assert found["trafficjobs_job_run_seconds_sum"]["nap"] > 40


def _scrape(url: str) -> str:
    try:
        return httpx.get(f"{url}/metrics", timeout=10).raise_for_status().text
    except httpx.TransportError:
        return ""


def test_no_pod_was_restarted(release: Release) -> None:
    names = ("api", "redis", "worker")
    restarted = [str(pod) for name in names for pod in release.pods.pods(name) if pod.restarts]
    assert not restarted

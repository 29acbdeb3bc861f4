"""Scaling by CPU, which a cluster with metrics-server does: the API under load, and workers where KEDA is not wanted."""

import functools
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.cluster import kubectl
from tests.e2e.release import FULL, Release
from tests.e2e.waits import until

TARGET = 50  # per cent of the request
SCALING = {"enabled": True, "minReplicas": 1, "targetCPUUtilizationPercentage": TARGET}
VALUES = {
    "keda": {"enabled": False},
    "api": {"resources": {"requests": {"cpu": "100m"}}, "autoscaling": {**SCALING, "maxReplicas": 2}},
    "worker": {"resources": {"requests": {"cpu": "100m"}}, "autoscaling": {**SCALING, "maxReplicas": 2}},
}
ONE_MEASUREMENT = 180  # seconds, of which metrics-server and the controller take up to a minute each
REQUESTS, THREADS = 15_000, 2  # at most; a few thousand are usual
PAUSE = 0.01  # seconds of a thread between two requests: enough load for the target, and the machine is not ours alone


@pytest.fixture(scope="module", autouse=True)
def _metrics() -> None:
    """Without metrics-server, which kind comes without, nobody knows of CPU."""
    if "metrics.k8s.io/" not in kubectl("api-versions"):
        pytest.skip("the cluster has no metrics-server")


def _measured(release: Release, name: str) -> list[int]:
    """The CPU that the HPA knows of, in per cent of the request; empty until it knows."""
    status = release.cluster.scaling.read_namespaced_horizontal_pod_autoscaler(name, release.namespace).status
    found = [each.container_resource for each in status.current_metrics or [] if each.container_resource]
    return [each.current.average_utilization for each in found if each.current.average_utilization is not None]


def _replicas(release: Release) -> int:
    return int(release.cluster.apps.read_namespaced_deployment(f"{FULL}-api", release.namespace).spec.replicas or 0)


def _ask(release: Release) -> int:
    """Send requests until there are more pods, or no more may be sent; how many."""
    headers = {"Authorization": f"Bearer {release.token('view')}"}
    with httpx.Client(base_url=release.url, headers=headers, timeout=30) as client:
        for number in range(REQUESTS // THREADS):
            if number % 50 == 0 and _replicas(release) > 1:
                return number
            client.get("/jobs?limit=1").raise_for_status()
            time.sleep(PAUSE)
    return REQUESTS // THREADS


def test_the_autoscalers_of_api_and_workers_get_a_value(release: Release, figure: Callable[[str], None]) -> None:
    for name in (f"{FULL}-api", f"{FULL}-worker-default"):
        seen = until(functools.partial(_measured, release, name), len, ONE_MEASUREMENT, f"the CPU of {name}")
        figure(f"{name} idle: {seen[0]} % of its request")


def test_the_api_gets_more_pods_under_load(release: Release, figure: Callable[[str], None]) -> None:
    until(lambda: _measured(release, f"{FULL}-api"), lambda seen: seen and seen[0] < TARGET, ONE_MEASUREMENT, "an idle API")
    assert _replicas(release) == 1
    release.client().queues()  # the way to it is open from here on
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        sent = sum(pool.map(lambda _: _ask(release), range(THREADS)))
    until(lambda: _replicas(release), lambda number: number == 2, 30, "a second pod of the API")
    figure(f"a second pod of the API after {time.monotonic() - began:.0f} s of load, {sent} requests")
    release.wait_until_ready()


def test_without_keda_a_worker_stands_ready(release: Release) -> None:
    assert (
        release.cluster.custom.list_namespaced_custom_object("keda.sh", "v1alpha1", release.namespace, "scaledobjects")["items"]
        == []
    )
    (ended,) = release.accepted.end(release.accepted.submit("where"), 60)
    assert ended.untouched

"""Who reaches what in a release whose cluster enforces NetworkPolicy: what is needed is open, and to nobody else.

Every probe that must fail is one that succeeds from where it may: the same script, the same address, another pod.
"""

import json
import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.bystanders import Bystander, run_in, secret_env
from tests.e2e.cluster import Cluster
from tests.e2e.release import FULL, Release
from tests.e2e.waits import until

MONITORING = f"e2e-monitoring-{secrets.token_hex(2)}"
VALUES = {
    "redis": {"exporter": {"enabled": True}},
    "networkPolicy": {"metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": MONITORING}}}]},
    # One worker stays: it is spoken to, and the HPA that KEDA makes has something to scale.
    "worker": {"keda": {"minReplicas": 1}},
}
SPREADS_WITHIN = 30  # seconds until every node knows of a new pod


@pytest.fixture(scope="module")
def other_namespace(cluster: Cluster) -> Iterator[str]:
    """The namespace that the values name as the one of whoever reads metrics."""
    cluster.create_namespace(MONITORING)
    yield MONITORING
    cluster.core.delete_namespace(MONITORING)


@pytest.fixture(scope="module")
def elsewhere(cluster: Cluster) -> Iterator[Bystander]:
    """A stranger in a namespace of its own, who listens."""
    namespace = f"e2e-elsewhere-{secrets.token_hex(2)}"
    cluster.create_namespace(namespace)
    listen = ("python", "-m", "http.server", "8080", "--directory", "/tmp")
    yield Bystander(cluster, namespace, "stranger", command=listen)
    cluster.core.delete_namespace(namespace)


@pytest.fixture(scope="module")
def stranger(release: Release) -> Bystander:
    """One in the release's own namespace."""
    return Bystander(release.cluster, release.namespace, "stranger")


@pytest.fixture(scope="module")
def prometheus(release: Release, other_namespace: str) -> Bystander:
    """Where the values say that metrics are read."""
    return Bystander(release.cluster, other_namespace, "prometheus")


@pytest.fixture(scope="module")
def producer(release: Release) -> Bystander:
    """A program of somebody else that puts jobs on the lists."""
    login = [
        {"name": "REDIS_IP", "value": f"{FULL}-redis"},
        {"name": "REDIS_USERNAME", "value": "producer"},
        secret_env("REDIS_PASSWORD", f"{FULL}-redis", "producer-password"),
    ]
    return Bystander(release.cluster, release.namespace, "producer", {"trafficjobs.io/redis-client": "true"}, login)


def _address(release: Release, component: str, port: int) -> str:
    """Of a pod itself, which no Service stands before."""
    return f"{release.cluster.pods(release.namespace, component=component)[0].status.pod_ip}:{port}"


@pytest.fixture(scope="module")
def redis(release: Release) -> str:
    return f"{FULL}-redis.{release.namespace}.svc:6379"


@pytest.fixture(scope="module")
def exporter(release: Release) -> str:
    return f"{FULL}-redis.{release.namespace}.svc:9121"


@pytest.fixture(scope="module")
def worker(release: Release) -> str:
    return _address(release, "worker", 9100)


def _reaches(who: Bystander, *addresses: str) -> None:
    """All of these, once the policies know the pod."""
    expected = dict.fromkeys(addresses, "open")
    until(lambda: who.run("reach.py", *addresses), lambda seen: seen == expected, SPREADS_WITHIN, f"{who.name} connected")


def test_a_pod_with_the_label_of_redis_clients_reaches_redis_and_no_worker(
    producer: Bystander, redis: str, exporter: str, worker: str
) -> None:
    _reaches(producer, redis)
    assert producer.run("reach.py", exporter, worker) == {exporter: "closed", worker: "closed"}


def test_the_monitoring_reads_workers_and_exporter_and_no_redis(
    prometheus: Bystander, redis: str, exporter: str, worker: str
) -> None:
    _reaches(prometheus, exporter, worker)
    assert prometheus.run("reach.py", redis) == {redis: "closed"}


def test_a_stranger_reaches_neither_redis_nor_worker_nor_exporter(
    stranger: Bystander, producer: Bystander, prometheus: Bystander, redis: str, exporter: str, worker: str
) -> None:
    _reaches(producer, redis)
    _reaches(prometheus, exporter, worker)
    closed = dict.fromkeys((redis, exporter, worker), "closed")
    assert stranger.run("reach.py", *closed) == closed


def test_a_stranger_in_another_namespace_reaches_neither(
    elsewhere: Bystander, producer: Bystander, prometheus: Bystander, redis: str, exporter: str, worker: str
) -> None:
    _reaches(producer, redis)
    _reaches(prometheus, exporter, worker)
    closed = dict.fromkeys((redis, exporter, worker), "closed")
    assert elsewhere.run("reach.py", *closed) == closed


@pytest.mark.parametrize("who", ["stranger", "elsewhere"])
def test_a_stranger_reaches_the_api_and_is_asked_for_a_token(request: pytest.FixtureRequest, release: Release, who: str) -> None:
    bystander: Bystander = request.getfixturevalue(who)
    url = f"http://{FULL}-api.{release.namespace}.svc/jobs"
    status, body = bystander.run("get.py", url)[url]
    assert status == 401
    assert json.loads(body)["status"] == 401


def test_metrics_of_all_parts_are_read(release: Release, prometheus: Bystander, exporter: str, worker: str) -> None:
    urls = [f"http://{address}/metrics" for address in (worker, exporter, f"{FULL}-api.{release.namespace}.svc")]
    _reaches(prometheus, exporter, worker)
    answers = prometheus.run("get.py", *urls)
    assert {url: answers[url][0] for url in urls} == dict.fromkeys(urls, 200)
    of_worker, of_exporter, of_api = (answers[url][1] for url in urls)
    assert "trafficjobs_worker" in of_worker
    assert "\nredis_up 1" in of_exporter
    assert "trafficjobs_jobs_" in of_api


@pytest.mark.parametrize("component", ["api", "worker"])
def test_api_and_workers_go_nowhere_but_to_redis(
    release: Release, producer: Bystander, elsewhere: Bystander, redis: str, component: str
) -> None:
    out = f"{elsewhere.ip}:8080"
    _reaches(producer, out)
    pod = release.cluster.pods(release.namespace, component=component)[0].metadata.name
    seen = run_in(release.namespace, f"pod/{pod}", "reach.py", redis, out, container=component)
    assert seen == {redis: "open", out: "closed"}


def test_a_producer_may_put_on_the_lists_and_reads_no_record(release: Release, producer: Bystander, redis: str) -> None:
    (job,) = release.accepted.submit("where")
    _reaches(producer, redis)
    put = '["RPUSH", "hotqueue:exercise", "a message"]'
    refused = [f'["HGETALL", "job.{job.id}"]', '["LRANGE", "hotqueue:job-queue", "0", "-1"]', '["CONFIG", "GET", "*"]']
    answers = producer.run("produce.py", put, *refused)
    assert answers[put] == "1"
    for command in refused:
        assert answers[command].startswith("NoPermissionError"), answers[command]
    release.accepted.end([job], 150)


def test_whoever_reaches_redis_without_a_password_gets_nothing(release: Release, redis: str) -> None:
    name = [{"name": "REDIS_IP", "value": f"{FULL}-redis"}]
    nobody = Bystander(release.cluster, release.namespace, "nobody", {"trafficjobs.io/redis-client": "true"}, name)
    _reaches(nobody, redis)
    (said,) = nobody.run("produce.py", '["PING"]').values()
    assert said.startswith("AuthenticationError"), said


def test_the_operator_of_keda_reads_the_lists(release: Release, figure: Callable[[str], None]) -> None:
    def conditions() -> dict[str, str]:
        return {each["type"]: each["status"] for each in release.scaled_object().get("status", {}).get("conditions", [])}

    until(conditions, lambda seen: seen.get("Ready") == "True", 300, "the ScaledObject ready")
    name = f"keda-hpa-{FULL}-worker-default"

    def live() -> list[str]:
        status = release.cluster.scaling.read_namespaced_horizontal_pod_autoscaler(name, release.namespace).status
        active = any(each.type == "ScalingActive" and each.status == "True" for each in status.conditions or [])
        metrics = [each.external.current for each in status.current_metrics or [] if each.external]
        return [str(each.average_value or each.value) for each in metrics if active]

    figure(f"the scaler's metric, read through the policies: {until(live, len, 120, 'a live metric of the HPA')}")

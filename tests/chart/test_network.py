"""Who may reach what: every client against every port, by the rendered NetworkPolicies."""

from typing import Any

import pytest

from lib.settings import load_settings
from tests.chart.combinations import CA_TLS, KEDA
from tests.chart.pods import container, environment
from tests.chart.policies import Pod, allowed, pod_of
from tests.chart.rendering import FULL, Chart, Release, merged

EXPORTER: dict[str, Any] = {"redis": {"exporter": {"enabled": True}}, "debug": {"enabled": True}}
FRONTEND = {"podSelector": {"matchLabels": {"role": "frontend"}}}
FEEDER = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "feeds"}},
    "podSelector": {"matchLabels": {"a": "b"}},
}
OUTSIDE = {
    "operator": Pod({"app": "keda-operator"}, "keda"),
    "another of keda": Pod({"app": "keda-metrics-apiserver"}, "keda"),
    "an operator elsewhere": Pod({"app": "keda-operator"}, "other"),
    "prometheus": Pod({"app": "prometheus"}, "monitoring"),
    "producer": Pod({"trafficjobs.io/redis-client": "true"}),
    "a producer elsewhere": Pod({"trafficjobs.io/redis-client": "true"}, "other"),
    "stranger": Pod({"app": "stranger"}),
    "a stranger elsewhere": Pod({"app": "stranger"}, "other"),
    "frontend": Pod({"role": "frontend"}),
    "feeder": Pod({"a": "b"}, "feeds"),
    "another of feeds": Pod({"a": "c"}, "feeds"),
}
PORTS = {"redis": ("redis", 6379), "exporter": ("redis", 9121), "api": ("api", 5000), "worker": ("worker", 9100)}


def everybody(release: Release) -> dict[str, Pod]:
    """The pods of the release by component, and those around it."""
    workloads = release.of("Deployment") + release.of("StatefulSet")
    workloads += [{**found, "spec": found["spec"]["jobTemplate"]["spec"]} for found in release.of("CronJob")]
    own = {found["metadata"]["name"].removeprefix(f"{FULL}-"): pod_of(found) for found in workloads}
    return (
        OUTSIDE | own | {"worker": own["worker-default"], "test": Pod(release.get("Pod", f"{FULL}-test")["metadata"]["labels"])}
    )


def who_reaches(release: Release, what: str) -> set[str]:
    """The names of all that may reach a port."""
    pods = everybody(release)
    server, port = PORTS[what]
    return {name for name, client in pods.items() if allowed(release, client, pods[server], port)} - {server, "worker-default"}


ALL = OUTSIDE.keys() | {"api", "worker", "debug", "redis", "test"}
# Redis goes nowhere, and API and workers go to Redis only: they reach no other port of the release.
HELD = {"redis", "worker", "api"}


@pytest.mark.parametrize(
    ("values", "what", "expected"),
    [
        ({}, "redis", {"api", "worker", "debug", "producer"}),
        (KEDA, "redis", {"api", "worker", "debug", "producer", "operator"}),
        ({"backup": {"enabled": True}}, "redis", {"api", "worker", "debug", "producer", "backup"}),
        ({"networkPolicy": {"redisFrom": [FEEDER]}}, "redis", {"api", "worker", "debug", "producer", "feeder"}),
        ({}, "exporter", {"prometheus"}),
        ({}, "worker", {"prometheus"}),
        ({"networkPolicy": {"metricsFrom": []}}, "worker", set()),
        ({"networkPolicy": {"metricsFrom": []}}, "exporter", set()),
        ({}, "api", ALL - HELD),
        ({"networkPolicy": {"apiFrom": [FRONTEND]}}, "api", {"frontend", "test"}),
        ({"networkPolicy": {"enabled": False}}, "redis", ALL - {"redis"}),
        ({"networkPolicy": {"enabled": False}}, "api", ALL - {"api"}),
    ],
)
def test_a_port_is_reached_by_those_who_need_it_and_nobody_else(chart: Chart, values: Any, what: str, expected: set[str]) -> None:
    assert who_reaches(chart.render(merged(EXPORTER, values)), what) == expected


def test_another_operator_may_be_named(chart: Chart) -> None:
    named = {
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}},
        "podSelector": {"matchLabels": {"app": "keda-operator"}},
    }
    reached = who_reaches(chart.render(merged(KEDA, EXPORTER, {"networkPolicy": {"keda": named}})), "redis")
    assert "an operator elsewhere" in reached
    assert "operator" not in reached


def goes(release: Release, name: str) -> set[str]:
    """Where a pod of the release may go, of what lies outside of it."""
    pod = everybody(release)[name]
    anywhere = Pod({"app": "anything"}, "other")
    places = {"dns": (53, "UDP"), "dns by tcp": (53, "TCP"), "https": (443, "TCP"), "a redis": (6379, "TCP"), "smtp": (25, "TCP")}
    return {place for place, (port, protocol) in places.items() if allowed(release, pod, anywhere, port, protocol)}


@pytest.mark.parametrize("name", ["api", "worker"])
def test_api_and_workers_go_to_redis_and_ask_for_names_and_nowhere_else(chart: Chart, name: str) -> None:
    assert goes(chart.render(EXPORTER), name) == {"dns", "dns by tcp"}
    more = {"networkPolicy": {"extraEgress": [{"ports": [{"port": 25, "protocol": "TCP"}]}]}}
    assert goes(chart.render(merged(EXPORTER, more)), name) == {"dns", "dns by tcp", "smtp"}


def test_webhooks_go_to_the_internet_and_to_nothing_private(chart: Chart) -> None:
    release = chart.render(merged(EXPORTER, {"notifications": {"webhooks": {"enabled": True}}}))
    api, worker = everybody(release)["api"], everybody(release)["worker"]
    for address in ("93.184.216.34", "2606:4700::1111"):
        outside = Pod({}, "", address=address)
        assert [port for port in (22, 80, 443, 6379, 8080) if allowed(release, api, outside, port)] == [80, 443]
        assert not allowed(release, worker, outside, 443)
        assert not allowed(chart.render(EXPORTER), api, outside, 443)
    private = ("10.0.0.1", "172.16.5.5", "192.168.1.1", "169.254.169.254", "100.64.0.1", "127.0.0.1", "fd00::1", "fe80::1", "::1")
    special = ("64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::", "192.0.0.192", "168.63.129.16", "224.0.0.1", "255.255.255.255")
    for address in (*private, *special):
        assert not allowed(release, api, Pod({}, "", address=address), 443), address
    assert goes(release, "api") == {"dns", "dns by tcp"}


def test_workers_go_to_the_internet_for_files_of_data_where_that_is_allowed_and_the_api_does_not(chart: Chart) -> None:
    urls = ["data.austintexas.gov", "http://files.tools.svc:8080/exports/"]
    release = chart.render(merged(EXPORTER, {"config": {"dataUrls": urls, "dataUrlsAllow": [".tools.svc"]}}))
    api, worker = everybody(release)["api"], everybody(release)["worker"]
    outside = Pod({}, "", address="93.184.216.34")
    assert [port for port in (22, 80, 443, 6379, 8080) if allowed(release, worker, outside, port)] == [80, 443]
    assert not allowed(release, api, outside, 443)
    assert not allowed(release, worker, Pod({}, "", address="169.254.169.254"), 80)
    for name in ("api", "worker-default"):
        given = environment(container(release.get("Deployment", f"{FULL}-{name}"), name.partition("-")[0]))
        read = load_settings(data_urls=given["DATA_URLS"], data_urls_allow=given["DATA_URLS_ALLOW"])
        assert (read.data_urls, read.data_urls_allow) == (urls, [".tools.svc"])


def test_mail_goes_to_the_port_of_its_server_wherever_that_is(chart: Chart) -> None:
    mail = {"notifications": {"email": {"host": "mail", "from": "a@example.org", "port": 25}}}
    assert goes(chart.render(merged(EXPORTER, mail)), "api") == {"dns", "dns by tcp", "smtp"}
    assert goes(chart.render(merged(EXPORTER, mail)), "worker") == {"dns", "dns by tcp"}


def test_a_backup_goes_to_redis_alone_and_answers_nobody(chart: Chart) -> None:
    release = chart.render(merged(EXPORTER, {"backup": {"enabled": True}}))
    pods = everybody(release)
    assert goes(release, "backup") == {"dns", "dns by tcp"}
    assert [what for what, (name, port) in PORTS.items() if allowed(release, pods["backup"], pods[name], port)] == ["redis"]
    assert not [name for name, client in pods.items() if allowed(release, client, pods["backup"], 8080)]


def test_redis_goes_nowhere(chart: Chart) -> None:
    assert goes(chart.render(EXPORTER), "redis") == set()


def test_workers_that_say_what_their_deletion_costs_reach_kubernetes_and_the_api_does_not(chart: Chart) -> None:
    release = chart.render(merged(EXPORTER, {"worker": {"deletionCost": True}}))
    assert goes(release, "worker") == {"dns", "dns by tcp", "https"}
    assert goes(release, "api") == {"dns", "dns by tcp"}


def test_the_api_reaches_kubernetes_where_it_shows_the_scaler_and_workers_do_not(chart: Chart) -> None:
    release = chart.render(merged(EXPORTER, {"dashboard": {"scalerView": True}}))
    assert goes(release, "api") == {"dns", "dns by tcp", "https"}
    assert goes(release, "worker") == {"dns", "dns by tcp"}


def test_another_redis_is_reached_on_its_own_port_wherever_it_is(chart: Chart) -> None:
    release = chart.render(merged(CA_TLS, {"externalRedis": {"port": 25}}))
    workloads = {found["metadata"]["name"]: pod_of(found) for found in release.of("Deployment")}
    for pod in workloads.values():
        assert allowed(release, pod, Pod({}, "other"), 25)
        assert not allowed(release, pod, Pod({}, "other"), 6379)


def test_pods_of_another_release_are_strangers(chart: Chart) -> None:
    release = chart.render(EXPORTER)
    other = pod_of(chart.render(EXPORTER, name="other").of("Deployment")[0])
    assert not allowed(release, other, everybody(release)["redis"], 6379)
    assert not allowed(release, other, everybody(release)["worker"], 9100)


def test_all_pods_of_a_release_are_guarded(release: Release) -> None:
    if not release.of("NetworkPolicy"):
        return
    for found in release.of("Deployment") + release.of("StatefulSet"):
        component = found["metadata"]["labels"]["app.kubernetes.io/component"]
        open_to_all = {"api": 5000}
        for port in {22, 53, 80, 443, 5000, 6379, 9100, 9121} - {open_to_all.get(component)}:
            assert not allowed(release, OUTSIDE["stranger"], pod_of(found), port), f"{found['metadata']['name']} at {port}"

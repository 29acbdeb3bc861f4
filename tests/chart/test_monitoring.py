"""What the Prometheus Operator and Grafana are given: the right ports and pods, the right labels, and nothing that is off."""

import json
from typing import Any

import pytest

from lib.scripts import BUCKETS
from tests.chart.combinations import CPU, KEDA, MONITOR, MONITORED, POOLS, RELABELING
from tests.chart.pods import containers, pods
from tests.chart.rendering import FULL, NAMESPACE, Chart, Object, Release, merged

KINDS = ("ServiceMonitor", "PodMonitor", "PrometheusRule")
SCRAPED: Any = {"redis": {"exporter": {"enabled": True}}}


def chosen(selector: Object, found: list[Object]) -> list[Object]:
    """What a selector by labels matches."""
    return [each for each in found if selector["matchLabels"].items() <= each["metadata"]["labels"].items()]


def alerts(release: Release) -> dict[str, list[Object]]:
    """The alerts of a release by name."""
    (rule,) = release.of("PrometheusRule")
    found: dict[str, list[Object]] = {}
    for group in rule["spec"]["groups"]:
        for each in group["rules"]:
            if "alert" in each:
                found.setdefault(each["alert"], []).append(each)
    return found


def test_nothing_is_made_unless_it_is_asked_for(chart: Chart) -> None:
    release = chart.render(SCRAPED)
    assert not [found for kind in KINDS for found in release.of(kind)]
    assert release.find("ConfigMap", f"{FULL}-dashboard") is None


def test_each_part_is_asked_for_by_itself(chart: Chart) -> None:
    release = chart.render({"monitoring": {"podMonitor": {"enabled": True}}})
    assert [kind for kind in KINDS if release.of(kind)] == ["PodMonitor"]
    release = chart.render({"monitoring": {"serviceMonitor": {"enabled": True}}})
    assert [found["metadata"]["name"] for found in release.of("ServiceMonitor")] == [f"{FULL}-api"]


def test_a_service_monitor_leads_to_one_service_and_its_port(chart: Chart) -> None:
    release = chart.render(merged(MONITORED, SCRAPED))
    found = {}
    for monitor in release.of("ServiceMonitor"):
        (service,) = chosen(monitor["spec"]["selector"], release.of("Service"))
        (endpoint,) = monitor["spec"]["endpoints"]
        assert endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]
        found[service["metadata"]["name"]] = endpoint["port"]
    assert found == {f"{FULL}-api": "http", f"{FULL}-redis": "metrics"}


def test_the_pod_monitor_leads_to_the_workers_of_every_pool(chart: Chart) -> None:
    release = chart.render(merged(MONITORED, POOLS, {"debug": {"enabled": True}}))
    (monitor,) = release.of("PodMonitor")
    found = chosen(monitor["spec"]["selector"], [pod for _, pod in pods(release)])
    assert {pod["metadata"]["labels"]["trafficjobs.io/pool"] for pod in found} == {"default", "heavy"}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    for pod in found:
        assert endpoint["port"] in [port["name"] for each in containers(pod) for port in each.get("ports", [])]


def test_the_metrics_token_is_sent_where_the_api_wants_one(chart: Chart) -> None:
    def authorization(values: Any) -> Any:
        return chart.render(merged(MONITORED, values)).of("ServiceMonitor")[0]["spec"]["endpoints"][0].get("authorization")

    assert authorization({}) is None
    values = {"api": {"auth": {"metricsToken": {"secretName": "scrape", "key": "token"}}}}
    assert authorization(values) == {"credentials": {"name": "scrape", "key": "token"}}


def test_what_is_said_of_a_monitor_is_there_beside_what_the_rules_need(chart: Chart) -> None:
    labels = {"labels": {"team": "watch", "app.kubernetes.io/name": "stolen"}}
    release = chart.render(merged(MONITORED, {"monitoring": merged(labels, {"serviceMonitor": MONITOR, "podMonitor": MONITOR})}))
    for kind, key, ours in (("ServiceMonitor", "endpoints", 0), ("PodMonitor", "podMetricsEndpoints", 2)):
        (monitor,) = release.of(kind)
        assert monitor["metadata"]["labels"]["release"] == "kube-prometheus-stack"
        assert monitor["metadata"]["labels"]["team"] == "watch"
        assert monitor["metadata"]["labels"]["app.kubernetes.io/name"] == "trafficjobs"
        (endpoint,) = monitor["spec"][key]
        assert endpoint["relabelings"][ours:] == [RELABELING]
        assert len(endpoint["relabelings"]) == ours + 1
        assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("30s", "10s")
        assert endpoint["metricRelabelings"] == MONITOR["metricRelabelings"]


@pytest.mark.parametrize("monitored", [True, False])
def test_who_closes_the_api_lets_prometheus_in_all_the_same(chart: Chart, monitored: bool) -> None:
    values = merged({"networkPolicy": {"apiFrom": [{"podSelector": {}}]}}, MONITORED if monitored else {})
    release = chart.render(values)
    (rule,) = release.get("NetworkPolicy", f"{FULL}-api")["spec"]["ingress"]
    (scrapers,) = release.get("NetworkPolicy", f"{FULL}-worker")["spec"]["ingress"]
    assert [peer in rule["from"] for peer in scrapers["from"]] == [monitored]


def test_every_expression_is_of_this_release_alone(release: Release) -> None:
    for rule in (each for found in release.of("PrometheusRule") for group in found["spec"]["groups"] for each in group["rules"]):
        rest = rule["expr"]
        assert "{@" not in rest
        assert "(@" not in rest
        selectors = rest.count("{")
        assert selectors >= 1
        assert rest.count(f'namespace="{NAMESPACE}"') == selectors


def test_a_group_of_rules_is_told_from_that_of_another_release(chart: Chart) -> None:
    def groups(**of: str) -> set[str]:
        return {group["name"] for group in chart.render(MONITORED, **of).of("PrometheusRule")[0]["spec"]["groups"]}

    assert not groups(name="one") & groups(name="two")
    assert not groups(namespace="one") & groups(namespace="two")


def test_the_series_are_known_by_the_name_that_the_operator_gives_them(chart: Chart) -> None:
    release = chart.render(MONITORED)
    (service,) = chosen(release.of("ServiceMonitor")[0]["spec"]["selector"], release.of("Service"))
    assert "jobLabel" not in release.of("ServiceMonitor")[0]["spec"]
    assert f'job="{service["metadata"]["name"]}"' in alerts(release)["TrafficjobsApiDown"][0]["expr"]
    other = chart.render({"monitoring": {"rules": {"enabled": True, "job": "mine"}}})
    assert 'job="mine"' in alerts(other)["TrafficjobsApiDown"][0]["expr"]


def test_every_alert_says_how_bad_it_is_and_where_to_read_on(release: Release) -> None:
    if release.of("PrometheusRule"):
        for name, found in alerts(release).items():
            for alert in found:
                assert alert["labels"]["severity"] in ("critical", "warning")
                assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
                assert alert["annotations"]["runbook_url"].endswith(f"docs/runbook.md#{name.lower()}")


def test_alerts_can_be_left_out_and_labelled(chart: Chart) -> None:
    rules = {"disabled": ["TrafficjobsApiDown"], "alertLabels": {"team": "roads", "severity": "none"}}
    every = alerts(chart.render(MONITORED))
    found = alerts(chart.render(merged(MONITORED, {"monitoring": {"rules": rules}})))
    assert set(every) - set(found) == {"TrafficjobsApiDown"}
    for each in (each for same in found.values() for each in same):
        assert each["labels"]["team"] == "roads"
        assert each["labels"]["severity"] in ("critical", "warning")


def test_each_pool_has_an_alert_by_its_own_limit(chart: Chart) -> None:
    def limits(values: Any) -> dict[str, str]:
        found = alerts(chart.render(merged(MONITORED, POOLS, values)))["TrafficjobsQueueOutgrowsWorkers"]
        return {each["labels"]["pool"]: each["expr"].split(">=")[1].strip() for each in found}

    assert limits(KEDA) == {"default": "10", "heavy": "3"}
    assert limits({"keda": {"enabled": False}, "worker": {"replicas": 4}}) == {"default": "4", "heavy": "4"}
    by_cpu = {"keda": {"enabled": False}, "worker": {"autoscaling": {"enabled": True, "maxReplicas": 6}}}
    assert limits(by_cpu) == {"default": "6", "heavy": "6"}


@pytest.mark.parametrize("values", [KEDA, CPU])
def test_the_scalers_that_are_watched_are_those_that_there_are(chart: Chart, values: Any) -> None:
    release = chart.render(merged(MONITORED, POOLS, values))
    found = alerts(release)
    scaled = [each["metadata"]["name"] for each in release.of("ScaledObject")]
    autoscalers = [f"keda-hpa-{name}" for name in scaled]
    autoscalers += [each["metadata"]["name"] for each in release.of("HorizontalPodAutoscaler")]
    assert f'horizontalpodautoscaler=~"{"|".join(autoscalers)}"' in found["TrafficjobsAutoscalerBlind"][0]["expr"]
    assert ("TrafficjobsScalerFails" in found) == bool(scaled)
    for name in scaled:
        assert name in found["TrafficjobsScalerFails"][0]["expr"]


def test_the_volume_that_is_watched_is_the_one_that_there_is(chart: Chart) -> None:
    def claims(persistence: Any) -> list[str]:
        found = alerts(chart.render(merged(MONITORED, {"redis": {"persistence": persistence}})))
        return [
            each["expr"].split('persistentvolumeclaim="')[1].split('"')[0]
            for each in found.get("TrafficjobsVolumeNearlyFull", [])
        ]

    assert claims({}) == [f"data-{FULL}-redis-0"]
    assert claims({"existingClaim": "mine"}) == ["mine"]
    assert claims({"enabled": False}) == []


def test_the_bounds_that_may_be_chosen_are_those_that_are_counted_by(chart: Chart) -> None:
    refused = chart.refusal({"monitoring": {"slo": {"startSeconds": 7}}})
    assert refused.split("take one of ")[1].split("\n")[0].strip() == ", ".join(f"{bound:g}" for bound in BUCKETS)
    for bound in BUCKETS:
        release = chart.render(merged(MONITORED, {"monitoring": {"slo": {"startSeconds": bound}}}))
        assert f'le="{bound}"' in json.dumps(release.of("PrometheusRule")).replace("\\", "")


def test_the_board_is_found_by_the_sidecar(chart: Chart) -> None:
    def board(values: Any) -> Object:
        return chart.render(merged(MONITORED, {"monitoring": values})).get("ConfigMap", f"{FULL}-dashboard")

    plain = board({})
    assert plain["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert "annotations" not in plain["metadata"]
    assert list(plain["data"]) == ["trafficjobs.json"]
    own = {"label": "board", "labelValue": "yes", "folder": "Jobs", "folderAnnotation": "folder", "namespace": "watch"}
    other = board({"dashboard": own, "rules": {"runbookUrl": "https://wiki.example.org/jobs"}})
    assert other["metadata"]["labels"]["board"] == "yes"
    assert other["metadata"]["annotations"] == {"folder": "Jobs"}
    assert other["metadata"]["namespace"] == "watch"

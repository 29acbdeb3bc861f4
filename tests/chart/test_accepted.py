"""Odd values that are meant well are taken: umbrella charts, `--set`, pools taken away, other images, other gateways."""

import json
import re
import shutil
import subprocess
from typing import Any

import pytest

from tests.chart.combinations import CA_TLS, KEDA
from tests.chart.pods import container, containers, environment, pods
from tests.chart.rendering import CHART, FULL, NAMESPACE, VERSION, Chart, Release, documents, merged


def test_what_an_umbrella_chart_shares_is_no_mistake(chart: Chart) -> None:
    release = chart.render({"global": {"imageRegistry": "mirror.example", "postgresql": {"auth": {"x": 1}}, "environment": "qa"}})
    for _, pod in pods(release):
        for each in containers(pod):
            assert each["image"].startswith("mirror.example/")


def test_the_default_pool_may_be_taken_away(chart: Chart) -> None:
    release = chart.render(merged(KEDA, {"workers": {"default": None, "all": {"queues": ["job-queue"]}}}))
    assert [found["metadata"]["name"] for found in release.of("ScaledObject")] == [f"{FULL}-worker-all"]
    assert release.find("Deployment", f"{FULL}-worker-default") is None


def test_a_pool_may_serve_adopted_queues_only(chart: Chart) -> None:
    release = chart.render(merged(KEDA, {"workers": {"old": {"adoptQueues": ["old_queue"]}}}))
    given = environment(container(release.worker("old"), "worker"))
    assert (given["WORKER_QUEUES"], given["ADOPT_QUEUES"], given["QUEUES"]) == ("old_queue", "old_queue", "")
    assert len(release.scaler("old")["spec"]["triggers"]) == 4


def test_a_prefix_may_look_like_a_template_of_redis_cluster(chart: Chart) -> None:
    given = environment(container(chart.render({"config": {"keyPrefix": "{a}:"}}).worker(), "worker"))
    assert given["KEY_PREFIX"] == "{a}:"


def test_images_are_chosen_from_the_nearest_place(chart: Chart) -> None:
    digest = "sha256:" + "ab" * 32
    cases: list[tuple[Any, str]] = [
        ({}, f"ghcr.io/trafficjobs/worker:{VERSION}"),
        ({"image": {"tag": "7"}}, "ghcr.io/trafficjobs/worker:7"),
        ({"image": {"registry": ""}}, f"trafficjobs/worker:{VERSION}"),
        ({"worker": {"image": {"registry": "a.example:5000", "tag": "8"}}}, "a.example:5000/trafficjobs/worker:8"),
        ({"workers": {"default": {"image": {"repository": "mine/worker"}}}}, f"ghcr.io/mine/worker:{VERSION}"),
        ({"worker": {"image": {"digest": digest}}}, f"ghcr.io/trafficjobs/worker@{digest}"),
        ({"global": {"imageRegistry": "m.example"}, "image": {"registry": "x"}}, f"m.example/trafficjobs/worker:{VERSION}"),
    ]
    for values, image in cases:
        assert container(chart.render(values).worker(), "worker")["image"] == image


def test_redis_is_an_image_like_any_other(chart: Chart) -> None:
    image = {"repository": "library/redis", "tag": "8", "pullPolicy": "Always"}
    redis = container(chart.render({"redis": {"image": image}}).get("StatefulSet", f"{FULL}-redis"), "redis")
    assert (redis["image"], redis["imagePullPolicy"]) == ("docker.io/library/redis:8", "Always")


def test_tls_reaches_every_part_of_the_programs(chart: Chart) -> None:
    for name, pod in pods(chart.render(merged(CA_TLS, {"debug": {"enabled": True}}))):
        for each in containers(pod):
            if not name.startswith("Pod "):
                given = environment(each)
                assert (given["REDIS_TLS"], given["REDIS_CA_FILE"]) == ("true", "/run/secrets/redis-ca/ca.crt")
                assert "/run/secrets/redis-ca" in [mount["mountPath"] for mount in each["volumeMounts"]]


def test_redis_of_another_is_not_made_or_guarded_here(chart: Chart) -> None:
    release = chart.render(CA_TLS)
    for found in release.objects:
        assert found["metadata"]["labels"].get("app.kubernetes.io/component") != "redis", found["kind"]


def test_storage_classes_say_the_default_none_or_a_name(chart: Chart) -> None:
    def storage_class(values: Any) -> Any:
        (claim,) = chart.render(values).get("StatefulSet", f"{FULL}-redis")["spec"]["volumeClaimTemplates"]
        return claim["spec"].get("storageClassName")

    assert storage_class({}) is None
    assert storage_class({"redis": {"persistence": {"storageClass": "-"}}}) == ""
    assert storage_class({"redis": {"persistence": {"storageClass": "ssd"}}, "global": {"storageClass": "hdd"}}) == "ssd"
    assert storage_class({"global": {"storageClass": "hdd"}}) == "hdd"


def test_routes_lead_to_a_port_of_the_service(chart: Chart) -> None:
    gateway = {"enabled": True, "parentRefs": [{"name": "g"}], "pathPrefix": "/incidents"}
    release = chart.render({"api": {"ingress": {"enabled": True}, "httpRoute": gateway, "service": {"port": 8080}}})
    service = release.get("Service", f"{FULL}-api")
    (port,) = service["spec"]["ports"]
    (rule,) = release.get("HTTPRoute", f"{FULL}-api")["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": f"{FULL}-api", "port": port["port"]}]
    assert rule["filters"][0]["urlRewrite"]["path"] == {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    (path,) = release.get("Ingress", f"{FULL}-api")["spec"]["rules"][0]["http"]["paths"]
    assert path["backend"]["service"] == {"name": f"{FULL}-api", "port": {"name": port["name"]}}
    assert port["port"] == 8080


def test_the_services_lead_to_ports_of_their_pods(release: Release) -> None:
    for service in release.of("Service"):
        chosen = [pod for _, pod in pods(release) if service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()]
        ports = {port["name"] for pod in chosen for each in containers(pod) for port in each.get("ports", [])}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports


def test_the_test_pod_asks_the_service_by_name_and_port(chart: Chart) -> None:
    release = chart.render({"api": {"service": {"port": 8080}}})
    (test,) = release.get("Pod", f"{FULL}-test")["spec"]["containers"]
    address = re.fullmatch(r"http://([^:]+):(\d+)", environment(test)["BASE_URL"])
    assert address
    assert release.get("Service", address[1])["spec"]["ports"][0]["port"] == int(address[2])


@pytest.mark.skipif(shutil.which("helm") is None, reason="how --set reads a number is the program's matter")
def test_numbers_by_set_and_by_a_file_make_the_same(chart: Chart) -> None:
    numbers = {"config.maxUploadBytes": 5368709120, "worker.concurrency": 3, "api.service.port": 8080, "config.jobTimeout": 90}
    command = [
        "helm",
        "template",
        "shop",
        str(CHART),
        "-n",
        NAMESPACE,
        "--set",
        "redis.existingSecret=a,api.auth.existingSecret=b",
    ]
    for key, number in numbers.items():
        command += ["--set", f"{key}={number}"]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    values: dict[str, Any] = {"redis": {"existingSecret": "a"}, "api": {"auth": {"existingSecret": "b"}}}
    for key, number in numbers.items():
        section, _, rest = key.partition(".")
        for part in reversed(rest.split(".")):
            number = {part: number}  # type: ignore[assignment]
        values = merged(values, {section: number})
    by_file = sorted(json.dumps(found, sort_keys=True) for found in chart.render(values).objects)
    assert sorted(json.dumps(found, sort_keys=True) for found in documents(text)) == by_file

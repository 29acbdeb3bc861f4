"""Names fit for every release that Helm takes, two releases never share one, and what looks like a number stays a text."""

import re
from typing import Any

import pytest

from tests.chart.combinations import EVERYTHING, KEDA
from tests.chart.pods import pods
from tests.chart.rendering import Chart, Object, Release, merged

LONG = "a" * 53  # as long as Helm lets a release's name be
POOL = "a-pool-of-16-let"
LONG_POOL: dict[str, Any] = {"workers": {POOL: {"queues": ["another"]}}}
# A controller adds to these: 11 characters of a revision to a StatefulSet's name, which then is the value of a label.
LIMITS = {"Deployment": 63, "StatefulSet": 52, "Service": 63, "ScaledObject": 63, "Pod": 63}
DNS_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")


def labels(found: Object) -> list[str]:
    """The values of every label of an object, its pods and its claims."""
    inner = [pod["metadata"] for _, pod in pods(Release([found], ""))]
    claims = [claim["metadata"] for claim in found.get("spec", {}).get("volumeClaimTemplates", [])]
    return [value for each in [found["metadata"], *inner, *claims] for value in each.get("labels", {}).values()]


@pytest.mark.parametrize("name", ["a", "0", LONG, f"{LONG[:20]}-trafficjobs-{'b' * 20}", "a-" * 26 + "a"])
def test_names_and_labels_keep_their_limits(chart: Chart, name: str) -> None:
    assert len(POOL) == 16
    release = chart.render(merged(EVERYTHING, LONG_POOL), name=name)
    for found in release.objects:
        own = found["metadata"]["name"]
        assert DNS_NAME.fullmatch(own), own
        assert len(own) <= LIMITS.get(found["kind"], 253), own
        for value in labels(found):
            assert len(value) <= 63, value
            assert LABEL.fullmatch(value), value


def test_a_long_pool_name_beyond_the_limit_is_refused(chart: Chart) -> None:
    assert f"invalid propertyName '{POOL}x'" in chart.refusal({"workers": {POOL + "x": {"queues": ["another"]}}})


def names(release: Release) -> set[tuple[str, str]]:
    """What must not be there twice in a namespace."""
    return {(found["kind"], found["metadata"]["name"]) for found in release.objects}


def test_two_long_names_that_begin_alike_share_nothing(chart: Chart) -> None:
    first, second = (chart.render(KEDA, name=LONG[:-1] + end) for end in "bc")
    assert not names(first) & names(second)


def test_two_releases_in_one_namespace_share_nothing_and_choose_their_own_pods(chart: Chart) -> None:
    first, second = chart.render(KEDA, name="one"), chart.render(KEDA, name="two")
    assert not names(first) & names(second)
    for found in first.of("Deployment"):
        selector = found["spec"]["selector"]["matchLabels"].items()
        assert not [name for name, pod in pods(second) if selector <= pod["metadata"]["labels"].items()]


def test_a_release_called_as_the_chart_is_not_called_so_twice(chart: Chart) -> None:
    assert ("Deployment", "trafficjobs-api") in names(chart.render(name="trafficjobs"))
    assert ("Deployment", "my-trafficjobs-api") in names(chart.render(name="my-trafficjobs"))
    assert ("Deployment", "other-api") in names(chart.render({"fullnameOverride": "other"}))
    assert ("Deployment", "shop-jobs-api") in names(chart.render({"nameOverride": "jobs"}))


@pytest.mark.parametrize("word", ["on", "no", "null", "true", "y"])
def test_a_pool_may_be_called_by_a_word_that_yaml_reads_otherwise(chart: Chart, word: str) -> None:
    release = chart.render(merged(KEDA, {"workers": {word: {"queues": ["another"]}}}))
    assert release.worker(word)["spec"]["selector"]["matchLabels"]["trafficjobs.io/pool"] == word


@pytest.mark.parametrize("word", ["123", "1e3", "007", "on", "null"])
def test_every_name_may_look_like_a_number(chart: Chart, word: str) -> None:
    values: dict[str, Any] = {
        "nameOverride": word,
        "debug": {"enabled": True},
        "redis": {
            "existingSecret": word,
            "persistence": {"existingClaim": word},
            "priorityClassName": word,
        },
        "api": {
            "auth": {"existingSecret": word, "metricsToken": {"secretName": word, "key": word}},
            "ingress": {"enabled": True, "className": word},
            "service": {"annotations": {"a": word}},
        },
        "worker": {"priorityClassName": word, "podLabels": {"a": word}, "deletionCost": True},
        "dashboard": {"scalerView": True},
        "operations": {"existingConfigMap": word},
        "serviceAccount": {"create": False, "name": word},
        "global": {"imagePullSecrets": [word]},
        "imagePullSecrets": [{"name": word}],
        "commonLabels": {"a": word},
        "commonAnnotations": {"a": word},
    }
    assert_texts(chart.render(merged(KEDA, values), name=word if DNS_NAME.fullmatch(word) else "x"))
    external = {"enabled": True, "caSecret": word, "caKey": word}
    about = {"host": word, "username": word, "existingSecret": word, "passwordKey": word, "tls": external}
    assert_texts(chart.render(merged(KEDA, {"redis": {"enabled": False}, "externalRedis": about})))
    assert_texts(chart.render({"redis": {"persistence": {"storageClass": word}}}))


NAMES = {"name", "key", "secretName", "claimName", "priorityClassName", "storageClassName", "ingressClassName", "serviceName"}
NAMES |= {"serviceAccountName", "namespace", "value", "username", "app.kubernetes.io/name", "app.kubernetes.io/instance", "a"}


def assert_texts(release: Release) -> None:
    """Every name in every object is a text."""

    def look(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                assert key not in NAMES or isinstance(value, str), f"{path}.{key} is {value!r}"
                look(value, f"{path}.{key}")
        elif isinstance(node, list):
            for index, value in enumerate(node):
                look(value, f"{path}[{index}]")

    for found in release.objects:
        look(found, f"{found['kind']} {found['metadata']['name']}")

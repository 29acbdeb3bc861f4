"""What stays as it is when the chart or its values change: fields that Kubernetes refuses to change, and what never should."""

import json
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.combinations import EVERYTHING, EXISTING_SECRETS, POOLS, SCHEDULING
from tests.chart.pods import pods
from tests.chart.rendering import CHART, FULL, Chart, Object, Release, merged, release_of


@pytest.fixture(scope="module")
def next_version(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chart]:
    """This chart with another version of itself and of the programs."""
    folder = tmp_path_factory.mktemp("next") / "trafficjobs"
    shutil.copytree(CHART, folder)
    about = folder / "Chart.yaml"
    text = about.read_text()
    changed = re.sub(r"^(version|appVersion): .*", r'\1: "9.9.9"', text, flags=re.MULTILINE)
    assert changed.count("9.9.9") == 2
    about.write_text(changed)
    made = Chart(folder)
    yield made
    made.close()


def frozen(release: Release) -> dict[str, Any]:
    """What Kubernetes refuses to change, by object."""
    fields: dict[str, Any] = {}
    for found in release.objects:
        spec, key = found.get("spec", {}), f"{found['kind']} {found['metadata']['name']}"
        if found["kind"] == "Deployment":
            fields[key] = spec["selector"]
        elif found["kind"] == "StatefulSet":
            fields[key] = {
                name: spec.get(name) for name in ("selector", "serviceName", "volumeClaimTemplates", "podManagementPolicy")
            }
        elif found["kind"] == "RoleBinding":
            fields[key] = found["roleRef"]
    return fields


def test_the_next_version_changes_nothing_that_is_frozen(chart: Chart, next_version: Chart) -> None:
    for values in (EVERYTHING, {}):
        assert frozen(next_version.render(values)) == frozen(chart.render(values)) != {}


def test_the_next_version_replaces_only_pods_of_new_images(chart: Chart, next_version: Chart) -> None:
    pinned = {"image": {"tag": "1"}, "debug": {"enabled": True}}
    before = dict(pods(chart.render(pinned)))
    for name, pod in pods(next_version.render(pinned)):
        if not name.startswith("Pod "):
            assert pod == before[name], name
    assert dict(pods(next_version.render({})))[f"StatefulSet {FULL}-redis"] == before[f"StatefulSet {FULL}-redis"]


HARMLESS: dict[str, dict[str, Any]] = {
    "resources": {"redis": {"resources": {"requests": {"memory": "1Gi"}, "limits": {"memory": "3Gi"}}}},
    "images": {"image": {"tag": "2"}, "redis": {"image": {"repository": "library/redis", "tag": "8"}}},
    "labels": {"commonLabels": {"team": "b", "app.kubernetes.io/name": "b"}, "commonAnnotations": {"owner": "b"}},
    "scheduling": {"api": SCHEDULING, "worker": SCHEDULING, "redis": SCHEDULING},
    "labels of pods": {name: {"podLabels": {"app.kubernetes.io/component": "b"}} for name in ("api", "worker", "redis")},
    "config": {"config": {"jobTimeout": 10, "keyPrefix": "b:"}, "redis": {"extraConfig": "slowlog-max-len 1"}},
    "scaling": {"keda": {"enabled": True}},
    "another pool": POOLS,
    "sign-in": {"api": {"auth": {"enabled": False}}},
    "exporter": {"redis": {"exporter": {"enabled": True}}},
    "secrets": EXISTING_SECRETS,
    "port": {"redis": {"service": {"port": 7000}}, "api": {"service": {"port": 8000}}},
}


@pytest.mark.parametrize("name", HARMLESS)
def test_a_change_of_values_changes_nothing_that_is_frozen(chart: Chart, name: str) -> None:
    before, after = frozen(chart.render()), frozen(chart.render(HARMLESS[name]))
    assert before.items() <= after.items()


def test_selectors_hold_neither_a_version_nor_labels_of_the_user(release: Release) -> None:
    for key, found in frozen(release).items():
        chosen = found.get("selector", found).get("matchLabels", {})
        allowed = {"name", "instance", "component"}
        assert {name.split("/")[1] for name in chosen} <= allowed | {"pool"}, key
        assert "team" not in json.dumps(found)
        assert "helm.sh/chart" not in json.dumps(found)


def test_labels_of_the_user_are_on_every_object_and_every_pod(chart: Chart) -> None:
    release = chart.render(EVERYTHING)
    for found in release.objects:
        if found["metadata"]["name"] not in ("mine", "shop-text"):
            assert found["metadata"]["labels"]["team"] == "roads", found["metadata"]["name"]
            assert found["metadata"]["labels"]["app.kubernetes.io/part-of"] == "city"
            assert found["metadata"]["annotations"]["owner"] == "roads@example.com"
    for name, pod in pods(release):
        assert pod["metadata"]["labels"]["team"] == "roads", name


def test_a_change_of_redis_rules_restarts_redis_alone(chart: Chart) -> None:
    before, after = (dict(pods(chart.render(values))) for values in ({}, {"redis": {"extraConfig": "slowlog-max-len 1"}}))
    assert [name for name in before if before[name] != after[name]] == [f"StatefulSet {FULL}-redis"]


def test_a_change_of_the_operations_replaces_api_and_workers_but_not_redis(chart: Chart) -> None:
    before, after = (dict(pods(chart.render({"operations": {"files": {"a.py": text}}}))) for text in ("1", "2"))
    assert {name for name in before if before[name] != after[name]} == {
        f"Deployment {FULL}-api",
        f"Deployment {FULL}-worker-default",
    }


def masked(release: Release) -> list[Object]:
    """The objects without what is made at random."""
    return [found | {"data": sorted(found["data"])} if found["kind"] == "Secret" else found for found in release.objects]


def test_two_renders_are_alike(chart: Chart) -> None:
    values = merged(EVERYTHING, EXISTING_SECRETS)
    assert chart.files(values) == chart.files(values)


def test_two_renders_differ_only_in_generated_secrets(chart: Chart) -> None:
    first, second = (release_of(chart.files(EVERYTHING)) for _ in range(2))
    assert masked(first) == masked(second)
    assert first.of("Secret") != second.of("Secret")

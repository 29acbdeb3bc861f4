"""Every object of every combination, held against the schema of its kind with nothing more allowed than it names.

Kinds of Kubernetes itself are in a package; those of the Prometheus Operator, KEDA and the Gateway API are in schemas/, which
`python tools/crd_schemas.py` makes from their CustomResourceDefinitions.
"""

import copy
import json
import re
from pathlib import Path

import jsonschema
import kubernetes_validate
import pytest

from tests.chart.combinations import EVERYTHING
from tests.chart.rendering import FULL, NAMESPACE, Chart, Object, Release

KUBERNETES = "1.36"
CRDS = {
    path.stem: jsonschema.Draft202012Validator(json.loads(path.read_text()))
    for path in (Path(__file__).parent / "schemas").glob("*.json")
}
_valid: set[str] = set()  # 19 ms an object, and most are the same in many combinations


def check(found: Object) -> None:
    """Raises where the object does not fit the schema."""
    text = json.dumps(found, sort_keys=True)
    if found["kind"] in CRDS:
        CRDS[found["kind"]].validate(found)
    elif text not in _valid:
        kubernetes_validate.validate(found, KUBERNETES, strict=True)
        _valid.add(text)


def test_every_object_fits_its_schema(release: Release) -> None:
    for found in release.objects:
        check(found)


def test_a_misspelled_field_does_not_fit(release: Release) -> None:
    service = next(found for found in release.of("Service") if found["metadata"]["name"] == f"{FULL}-api")
    with pytest.raises(kubernetes_validate.ValidationError, match="clusterIp"):
        check(service | {"spec": service["spec"] | {"clusterIp": "None"}})


# A field of each kind, by its path, that is one letter away from one that there is.
MISSPELLED = {
    "ServiceMonitor": "spec.endpoints.0.scrapeTimout",
    "PodMonitor": "spec.podMetricsEndpoints.0.relabellings",
    "PrometheusRule": "spec.groups.0.rules.0.anotations",
    "ScaledObject": "spec.cooldownPeriods",
    "TriggerAuthentication": "spec.secretTargetRef.0.keys",
    "HTTPRoute": "spec.rules.0.backendRef",
}


@pytest.mark.parametrize("kind", MISSPELLED)
def test_a_misspelled_field_of_another_projects_kind_does_not_fit(chart: Chart, kind: str) -> None:
    assert set(MISSPELLED) == set(CRDS)
    found = copy.deepcopy(chart.render(EVERYTHING).of(kind)[0])
    check(found)
    *path, name = MISSPELLED[kind].split(".")
    inner = found
    for step in path:
        inner = inner[int(step)] if step.isdigit() else inner[step]
    inner[name] = "1"
    with pytest.raises(jsonschema.ValidationError, match=name):
        check(found)


def test_no_two_objects_of_a_kind_have_one_name(release: Release) -> None:
    names = [(found["kind"], found["metadata"]["name"]) for found in release.objects]
    assert len(names) == len(set(names))


def test_every_object_stands_in_the_namespace_of_the_release(release: Release) -> None:
    for found in release.objects:
        if not found["metadata"]["name"].startswith(("mine", "shop-text")):  # the user's own
            assert found["metadata"]["namespace"] == NAMESPACE, found["metadata"]["name"]


def test_numbers_are_written_out(release: Release) -> None:
    text = json.dumps(release.objects)
    assert not re.search(r"\d[eE]\+\d", text)

"""Every object of every combination, held against the schema of its kind with nothing more allowed than it names.

The CRDs' schemas are not in the package: what KEDA and the Gateway API read is asserted on in the other files, and by the
tests on a real cluster.
"""

import json
import re

import kubernetes_validate
import pytest

from tests.chart.rendering import FULL, NAMESPACE, Object, Release

KUBERNETES = "1.36"
WITHOUT_SCHEMA = {"ScaledObject", "TriggerAuthentication", "HTTPRoute"}
_valid: set[str] = set()  # 19 ms an object, and most are the same in many combinations


def check(found: Object) -> None:
    """Raises where the object does not fit the schema."""
    text = json.dumps(found, sort_keys=True)
    if text not in _valid:
        kubernetes_validate.validate(found, KUBERNETES, strict=True)
        _valid.add(text)


def test_every_object_fits_its_schema(release: Release) -> None:
    for found in release.objects:
        if found["kind"] not in WITHOUT_SCHEMA:
            check(found)


def test_a_misspelled_field_does_not_fit(release: Release) -> None:
    service = next(found for found in release.of("Service") if found["metadata"]["name"] == f"{FULL}-api")
    with pytest.raises(kubernetes_validate.ValidationError, match="clusterIp"):
        check(service | {"spec": service["spec"] | {"clusterIp": "None"}})


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

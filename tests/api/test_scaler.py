"""The scaler's view on the overview, against a small server in the place of Kubernetes."""

import dataclasses
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import trustme
from flask import Flask

from lib.cluster_api import ClusterApi
from lib.settings import Settings, SettingsError, load_settings
from services.api import scaler
from services.api.backend import attach
from services.api.scaler import ScalerView, Scaling
from tests.api.conftest import backend_of
from tests.clusters import FakeCluster, cluster_in
from tests.waiting import until

APPS, AUTOSCALING, KEDA = "apps/v1", "autoscaling/v2", "keda.sh/v1alpha1"
MOMENT = "2026-01-02T03:04:05Z"


def path(group: str, kind: str, name: str) -> str:
    return f"/apis/{group}/namespaces/jobs/{kind}/{name}"


def deployment(wanted: int, ready: int, conditions: list[Any] | None = None) -> dict[str, Any]:
    status = {"readyReplicas": ready} if ready else {}
    labels = {"trafficjobs.io/pool": "default"}
    return {"metadata": {"labels": labels}, "spec": {"replicas": wanted}, "status": status | {"conditions": conditions or []}}


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def autoscaler(*conditions: dict[str, str], least: int = 1) -> dict[str, Any]:
    return {
        "spec": {"minReplicas": least, "maxReplicas": 10},
        "status": {"lastScaleTime": MOMENT, "conditions": list(conditions)},
    }


def scaled_object(*conditions: dict[str, str], made: str = "keda-hpa-tj") -> dict[str, Any]:
    return {
        "spec": {"minReplicaCount": 0, "maxReplicaCount": 10},
        "status": {"conditions": list(conditions)} | ({"hpaName": made} if made else {}),
    }


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def there(tmp_path: Path, authority: trustme.CA) -> Iterator[tuple[FakeCluster, ClusterApi]]:
    with cluster_in(tmp_path, authority) as made:
        made[0].objects[path(APPS, "deployments", "tj")] = deployment(3, 2)
        yield made


def view(api: ClusterApi, *names: str) -> ScalerView:
    return ScalerView(Settings(scaler_view=list(names)), api)


def seen(api: ClusterApi, *names: str) -> Scaling:
    """What a first look finds, however slow the machine is."""
    found = looked(view(api, *names)).seen()
    assert found is not None
    return found


def looked(made: ScalerView) -> ScalerView:
    """The view, after its first look has ended."""
    until(lambda: made.seen() != Scaling([], scaler.SILENT), 20, "the end of a look")
    return made


def test_keda_gives_the_range_and_its_autoscaler_the_last_change(there: tuple[FakeCluster, ClusterApi]) -> None:
    cluster, api = there
    cluster.objects[path(KEDA, "scaledobjects", "tj")] = scaled_object(made="keda-hpa-short")
    cluster.objects[path(AUTOSCALING, "horizontalpodautoscalers", "keda-hpa-short")] = autoscaler()
    (pool,) = seen(api, "tj:keda").pools
    assert pool == scaler.Pool("default", 3, 2, 0, 10, MOMENT, [])
    assert len(cluster.requests) == 3
    assert {token for _, token in cluster.requests} == {"Bearer first"}


def test_where_keda_could_not_make_an_autoscaler_none_is_asked_for_and_its_reason_is_told(
    there: tuple[FakeCluster, ClusterApi],
) -> None:
    cluster, api = there
    cluster.objects[path(KEDA, "scaledobjects", "tj")] = scaled_object(
        condition("Ready", "False", "ScaledObjectCheckFailed", "triggers do not work"), made=""
    )
    (pool,) = seen(api, "tj:keda").pools
    assert (pool.least, pool.most, pool.scaled) == (0, 10, None)
    assert pool.troubles == ["ScaledObjectCheckFailed: triggers do not work"]
    assert len(cluster.requests) == 2


def test_a_pool_that_cpu_scales_and_one_that_nothing_scales(there: tuple[FakeCluster, ClusterApi]) -> None:
    cluster, api = there
    cluster.objects[path(AUTOSCALING, "horizontalpodautoscalers", "tj")] = autoscaler(least=2)
    (pool,) = seen(api, "tj:hpa").pools
    assert (pool.wanted, pool.ready, pool.least, pool.most) == (3, 2, 2, 10)
    (pool,) = seen(api, "tj").pools
    assert (pool.least, pool.most) == (None, None)
    assert seen(api, "gone") == Scaling([])


def test_what_stands_in_the_way_is_told_and_what_is_usual_is_not(there: tuple[FakeCluster, ClusterApi]) -> None:
    cluster, api = there
    cluster.objects[path(APPS, "deployments", "tj")] = deployment(
        3,
        0,
        [
            condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota"),
            condition("Available", "False", "MinimumReplicas"),
        ],
    )
    cluster.objects[path(KEDA, "scaledobjects", "tj")] = scaled_object(
        condition("Ready", "False", "TriggerError", "no such host"),
        condition("Active", "False", "ScalerNotActive"),
        condition("Fallback", "True", "FallbackExists", "one trigger falls back"),
        condition("Paused", "Unknown", ""),
    )
    cluster.objects[path(AUTOSCALING, "horizontalpodautoscalers", "keda-hpa-tj")] = autoscaler(
        condition("AbleToScale", "True", "SucceededGetScale"),
        condition("ScalingActive", "False", "ScalingDisabled", "the replica count of the target is zero"),
        condition("ScalingLimited", "True", "TooManyReplicas", "more than the maximum"),
    )
    (pool,) = seen(api, "tj:keda").pools
    assert pool.troubles == [
        "TriggerError: no such host",
        "FallbackExists: one trigger falls back",
        "TooManyReplicas: more than the maximum",
        "FailedCreate: exceeded quota",
    ]
    cluster.objects[path(AUTOSCALING, "horizontalpodautoscalers", "tj")] = autoscaler(
        condition("ScalingActive", "False", "FailedGetResourceMetric", "no metrics"),
        condition("ScalingLimited", "True", "TooFewReplicas", "less than the minimum"),
    )
    (pool,) = seen(api, "tj:hpa").pools
    assert pool.troubles == ["FailedGetResourceMetric: no metrics", "FailedCreate: exceeded quota"]


def test_many_pages_are_one_look_until_it_is_old(there: tuple[FakeCluster, ClusterApi], monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, api = there
    made = looked(view(api, "tj"))
    cluster.objects[path(APPS, "deployments", "tj")] = deployment(5, 5)
    for _ in range(20):
        found = made.seen()
        assert found is not None
        assert found.pools[0].wanted == 3
    assert len(cluster.requests) == 1
    monkeypatch.setattr(scaler, "INTERVAL", 0.0)
    until(lambda: made.seen() is not None and (made.seen() or Scaling([])).pools[0].wanted == 5, 20, "what is new")


def test_a_cluster_that_hangs_holds_a_page_for_a_moment_and_only_once(there: tuple[FakeCluster, ClusterApi]) -> None:
    cluster, api = there
    cluster.held.clear()
    made = view(api, "tj")
    began = time.monotonic()
    for _ in range(50):
        assert made.seen() == Scaling([], scaler.SILENT)
    assert time.monotonic() - began < 3 * scaler.PATIENCE
    assert len(cluster.requests) <= 1
    cluster.held.set()
    looked(made)


def test_what_was_seen_long_ago_is_not_shown_as_if_it_were_now(
    there: tuple[FakeCluster, ClusterApi], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster, api = there
    made = looked(view(api, "tj"))
    cluster.held.clear()
    monkeypatch.setattr(scaler, "INTERVAL", 0.0)
    monkeypatch.setattr(scaler, "OLDEST", 0.0)
    assert made.seen() == Scaling([], scaler.SILENT)


def with_view(app: Flask, made: ScalerView) -> str:
    """The overview of an application with a view."""
    attach(app.extensions, dataclasses.replace(backend_of(app), scaler=made))
    answer = app.test_client().get("/ui")
    assert answer.status_code == 200
    return unescape(answer.text)


def test_the_overview_has_a_card_where_the_view_is_on_and_none_elsewhere(
    app: Flask, there: tuple[FakeCluster, ClusterApi]
) -> None:
    cluster, api = there
    assert 'id="scaler"' not in app.test_client().get("/ui").text
    cluster.objects[path(AUTOSCALING, "horizontalpodautoscalers", "tj")] = autoscaler(
        condition("AbleToScale", "False", "FailedGetScale", "<b>forbidden</b>")
    )
    text = with_view(app, looked(view(api, "tj:hpa")))
    for words in (
        'data-name="Wanted" class="number">3<',
        'data-name="Ready" class="number">2<',
        "1 to 10",
        f"{MOMENT[:-1]}.000+00:00",
    ):
        assert words in text
    assert "default: FailedGetScale: " in text
    assert "&lt;b&gt;forbidden" in app.test_client().get("/ui").text


@pytest.mark.parametrize(
    ("objects", "refusal", "words"),
    [
        ({}, (403, 'deployments.apps "tj" is forbidden'), '403: deployments.apps "tj" is forbidden'),
        ({"spec": {"replicas": "many"}, "metadata": {}}, None, "answered something else"),
        ({"status": []}, None, "answered something else"),
        ({"spec": None, "metadata": None}, None, "answered something else"),
        (b"<html>", None, "does not show it"),
    ],
)
def test_a_cluster_that_refuses_or_talks_nonsense_is_a_sentence_and_no_error(
    app: Flask, there: tuple[FakeCluster, ClusterApi], objects: Any, refusal: Any, words: str
) -> None:
    cluster, api = there
    cluster.objects[path(APPS, "deployments", "tj")], cluster.refusal = objects, refusal
    made = looked(view(api, "tj"))
    assert words in with_view(app, made)


def test_a_reason_is_logged_once(
    there: tuple[FakeCluster, ClusterApi], caplog: pytest.LogCaptureFixture, monkeypatch: Any
) -> None:
    cluster, api = there
    cluster.refusal = (401, "Unauthorized")
    monkeypatch.setattr(scaler, "INTERVAL", 0.0)
    made = view(api, "tj")
    until(lambda: bool(made.seen()) and len(cluster.requests) > 3, 20, "some looks")
    assert [record.message for record in caplog.records if "401" in record.message] == [
        "Scaler: The cluster's API does not show it: 401: Unauthorized"
    ]


@pytest.mark.parametrize("value", ["A", "tj:", "tj:vpa", "tj/x", "a b", "../x"])
def test_a_name_that_no_deployment_has_is_refused_with_the_form(value: str) -> None:
    with pytest.raises(SettingsError, match=r"SCALER_VIEW: .* is not <deployment>, <deployment>:keda or <deployment>:hpa"):
        load_settings(scaler_view=value)

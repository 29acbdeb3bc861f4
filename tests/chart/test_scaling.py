"""Who decides how many pods there are: a number in the chart, the CPU, or KEDA; never two of them."""

import shutil
import subprocess
from typing import Any

import pytest

from tests.chart.combinations import CPU, KEDA, POOLS
from tests.chart.rendering import CHART, FULL, NAME, Chart, Release, documents, merged

NO_KEDA: dict[str, Any] = {"keda": {"enabled": False}}
SCALED_OBJECT = "keda.sh/v1alpha1/ScaledObject"


def targets(release: Release) -> list[str]:
    """The names of what has a scaler, once for each scaler."""
    scalers = release.of("HorizontalPodAutoscaler") + release.of("ScaledObject")
    return [found["spec"]["scaleTargetRef"]["name"] for found in scalers]


def test_nothing_has_a_number_of_pods_that_a_scaler_changes(release: Release) -> None:
    scaled = {
        found["spec"]["scaleTargetRef"]["name"] for found in release.of("HorizontalPodAutoscaler") + release.of("ScaledObject")
    }
    assert scaled <= {found["metadata"]["name"] for found in release.of("Deployment")}
    for found in release.of("Deployment"):
        assert ("replicas" in found["spec"]) == (found["metadata"]["name"] not in scaled), found["metadata"]["name"]


def test_nothing_has_two_scalers(release: Release) -> None:
    scaled = [
        found["spec"]["scaleTargetRef"]["name"] for found in release.of("HorizontalPodAutoscaler") + release.of("ScaledObject")
    ]
    assert len(scaled) == len(set(scaled))


def test_with_keda_every_pool_has_a_scaler(chart: Chart) -> None:
    release = chart.render(merged(KEDA, POOLS))
    names = {f"{FULL}-worker-default", f"{FULL}-worker-heavy"}
    assert {found["metadata"]["name"] for found in release.of("ScaledObject")} == names
    assert not release.of("HorizontalPodAutoscaler")
    assert release.scaler()["spec"]["minReplicaCount"] == 0
    heavy = release.scaler("heavy")["spec"]
    assert (heavy["minReplicaCount"], heavy["maxReplicaCount"]) == (1, 3)


def test_without_keda_the_number_of_workers_is_what_the_values_say(chart: Chart) -> None:
    release = chart.render(merged(NO_KEDA, {"worker": {"replicas": 3}, "api": {"replicas": 4}}))
    assert release.worker()["spec"]["replicas"] == 3
    assert release.get("Deployment", f"{FULL}-api")["spec"]["replicas"] == 4
    assert not release.of("ScaledObject") + release.of("TriggerAuthentication") + release.of("HorizontalPodAutoscaler")
    assert chart.render(merged(NO_KEDA, {"worker": {"replicas": 0}})).worker()["spec"]["replicas"] == 0


def test_by_cpu_the_container_that_works_is_measured(chart: Chart) -> None:
    release = chart.render(CPU)
    measured = {
        found["metadata"]["name"]: found["spec"]["metrics"][0]["containerResource"]["container"]
        for found in release.of("HorizontalPodAutoscaler")
    }
    assert measured == {f"{FULL}-api": "api", f"{FULL}-worker-default": "worker"}


def test_the_api_scales_by_cpu_while_keda_scales_the_workers(chart: Chart) -> None:
    release = chart.render(merged(KEDA, {"api": {"autoscaling": {"enabled": True}}}))
    assert [found["metadata"]["name"] for found in release.of("HorizontalPodAutoscaler")] == [f"{FULL}-api"]
    assert [found["metadata"]["name"] for found in release.of("ScaledObject")] == [f"{FULL}-worker-default"]


@pytest.mark.parametrize("enabled", ["auto", False])
def test_a_cluster_that_knows_no_scaled_objects_gets_none(chart: Chart, enabled: Any) -> None:
    release = chart.render({"keda": {"enabled": enabled}})
    assert not release.of("ScaledObject")
    assert release.worker()["spec"]["replicas"] == 1


@pytest.mark.skipif(shutil.which("helm") is None, reason="the library cannot be told what a cluster knows; the program can")
@pytest.mark.parametrize(
    ("versions", "enabled", "scalers"),
    [([SCALED_OBJECT], "auto", 1), ([], "auto", 0), ([SCALED_OBJECT], "false", 0), ([], "true", 1)],
)
def test_auto_asks_what_the_cluster_knows(versions: list[str], enabled: str, scalers: int) -> None:
    command = ["helm", "template", NAME, str(CHART), "--set", f"keda.enabled={enabled}"]
    for version in versions:
        command += ["--api-versions", version]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert len(Release(list(documents(text)), "").of("ScaledObject")) == scalers

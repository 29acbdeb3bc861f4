"""keda.enabled=auto as the helm program decides it where it does not look at a cluster: by the kinds it is told of.

On a cluster with KEDA the same is shown by test_install.py.
"""

import subprocess

import pytest

from tests.chart.rendering import NAME, Release, release_of
from tests.e2e.helm import CHART

SCALED_OBJECT = "keda.sh/v1alpha1/ScaledObject"


def _rendered(*arguments: str) -> Release:
    command = ["helm", "template", NAME, str(CHART), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return release_of({"all.yaml": done.stdout})


def test_where_keda_is_known_it_scales_and_the_deployment_has_no_number() -> None:
    rendered = _rendered("--api-versions", SCALED_OBJECT)
    assert rendered.scaler()["spec"]["minReplicaCount"] == 0
    assert "replicas" not in rendered.worker()["spec"]


@pytest.mark.parametrize("arguments", [[], ["--api-versions", "keda.sh/v1alpha1/ScaledJob"]])
def test_where_keda_is_not_known_there_is_a_fixed_number_of_workers(arguments: list[str]) -> None:
    rendered = _rendered(*arguments)
    assert rendered.of("ScaledObject") == rendered.of("TriggerAuthentication") == []
    assert rendered.worker()["spec"]["replicas"] == 1


def test_true_needs_no_cluster_and_false_no_keda() -> None:
    assert _rendered("--set", "keda.enabled=true").of("ScaledObject")
    assert not _rendered("--api-versions", SCALED_OBJECT, "--set", "keda.enabled=false").of("ScaledObject")

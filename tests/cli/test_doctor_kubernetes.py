"""`doctor --kubernetes`: what a cluster says of a release, by a kubectl that answers from a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli import kubectl_fake as k
from tests.cli.conftest import Answer, Shell
from tests.cli.fakes import serving
from tests.cli.test_doctor import now, pages, queue, worker

Asked = Callable[..., Answer]


@pytest.fixture
def asked(bare: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """`doctor --kubernetes` on a service that is well and these objects of the cluster."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def ask(objects: dict[str, Any], *more: str, **said: Any) -> Answer:
        k.install(tmp_path, objects)
        with serving(now(pages(**{"queues": [queue(name="job-queue")], "workers": [], **said}))) as url:
            return bare("doctor", "--kubernetes", *more, "--url", url)

    return ask


def test_a_release_that_is_well_has_nothing_amiss_and_secrets_are_asked_for_by_name_alone(asked: Asked, tmp_path: Path) -> None:
    answer = asked(k.healthy(), "--strict", "--namespace", "blue", "--release", "jobs")
    assert (answer.code, "✗" in answer.out, "!" in answer.out) == (0, False, False), answer.out
    name = f"{k.FULL}-worker-default"
    for told in (
        f"✓ scaled object {name}: ready, idle, 0 to 5 pods",
        "✓ triggers: the lists and leases of job-queue are counted",
        "✓ bounds: 0 workers beat, of 0 to 5",
        f"✓ autoscaler keda-hpa-{name}: able to scale",
        "✓ keda operator: ",
        f"✓ secrets: {k.FULL}-redis there",
        "✓ deployments: all 4 have",
        "✓ pods: 1, none pending",
        f"✓ volume data-{k.FULL}-redis-0: bound",
    ):
        assert told in answer.out, told
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call for call in calls if "secret" in call] == ["get secrets --namespace blue --output name"]
    assert "get pods --namespace blue --selector app.kubernetes.io/instance=jobs --output json" in calls
    assert all(call.startswith("get ") for call in calls)


SICK: dict[str, tuple[dict[str, Any], str]] = {
    "not ready": (
        {"scaledobjects_keda_sh": [k.scaled_object(k.condition("Ready", "False", "no such host"))]},
        "✗ scaled object jobs-trafficjobs-worker-default: not ready: no such host → see that KEDA reaches Redis",
    ),
    "fallback": (
        {"scaledobjects_keda_sh": [k.scaled_object(k.condition("Fallback", "True", "At least one trigger is falling back"))]},
        "it has fallen back to a fixed number of pods: At least one trigger is falling back → see that",
    ),
    "paused": (
        {"scaledobjects_keda_sh": [k.scaled_object(k.condition("Paused", "True"))]},
        "paused: the number of pods stays as it is → kubectl annotate scaledobject jobs-trafficjobs-worker-default",
    ),
    "another queue": (
        {"scaledobjects_keda_sh": [k.scaled_object(queues=("other",))]},
        "! triggers of job-queue: no trigger counts its list and leases → name it in `queues` of a pool",
    ),
    "too few": (
        {"scaledobjects_keda_sh": [k.scaled_object(least=2)]},
        "! bounds: 0 workers beat, of 2 to 5 that are wanted → see why",
    ),
    "none": ({"scaledobjects_keda_sh": []}, "! scaled objects: there is none, and nothing scales the workers"),
    "no KEDA": (
        {"scaledobjects_keda_sh": 'error: the server doesn\'t have a resource type "scaledobjects"'},
        "✗ scaled objects: the cluster knows no ScaledObject → install KEDA",
    ),
    "operator": (
        {"deployments_apps": [k.deployment("keda-operator", 1, 0)]},
        "✗ keda operator: none is available → install KEDA, or",
    ),
    "no autoscaler": (
        {"horizontalpodautoscalers_autoscaling": []},
        "-worker-default: is not there → see the log of the KEDA operator",
    ),
    "unable": (
        {"horizontalpodautoscalers_autoscaling": [k.autoscaler(k.condition("AbleToScale", "False", "no scale subresource"))]},
        "cannot scale: no scale subresource → kubectl describe hpa keda-hpa-jobs-trafficjobs-worker-default",
    ),
    "no metrics": (
        {
            "horizontalpodautoscalers_autoscaling": [
                k.autoscaler(k.condition("ScalingActive", "False", "unable to get external metric"))
            ]
        },
        "cannot scale: unable to get external metric → kubectl describe hpa",
    ),
    "secret": ({"secrets": []}, "✗ secrets: there is no Secret jobs-trafficjobs-redis → make it: the TriggerAuthentication"),
    "unavailable": (
        {"statefulsets_apps": [k.deployment("jobs-trafficjobs-redis", 1, 0, "StatefulSet")]},
        "✗ statefulset jobs-trafficjobs-redis: 0 of 1 pods are available → see why its pods are not ready",
    ),
    "pending": (
        {
            "pods": [
                {
                    "metadata": {"name": "p"},
                    "status": {"phase": "Pending", "conditions": [k.condition("PodScheduled", "False", "0/1 nodes")]},
                }
            ]
        },
        "! pod p: pending: 0/1 nodes → see its events: kubectl describe pod p",
    ),
    "restarted": (
        {"pods": [k.pod(restartCount=3, lastState={"terminated": {"reason": "OOMKilled"}})]},
        "! pod jobs-trafficjobs-api-1: api was started again 3 times, the last time after: OOMKilled → kubectl logs --previous",
    ),
    "crash loop": (
        {"pods": [k.pod(restartCount=3, state={"waiting": {"reason": "CrashLoopBackOff"}})]},
        "✗ pod jobs-trafficjobs-api-1: api waits: CrashLoopBackOff → kubectl describe pod",
    ),
    "volume": (
        {"persistentvolumeclaims": [{"metadata": {"name": "v"}, "status": {"phase": "Pending"}}]},
        "✗ volume v: it is Pending → see",
    ),
    "no rights": (
        {"pods": 'Error from server (Forbidden): pods is forbidden: User "x" cannot list resource "pods"'},
        '? pods: Error from server (Forbidden): pods is forbidden: User "x" cannot list resource "pods" → let your user read',
    ),
    "no cluster": (
        {"pods": "The connection to the server localhost:8080 was refused - did you specify the right host or port?"},
        "right host or port? → see whether the cluster is reached: kubectl version",
    ),
}


@pytest.mark.parametrize(("objects", "line"), SICK.values(), ids=SICK)
def test_what_is_wrong_in_the_cluster_is_named_with_its_remedy(asked: Asked, objects: dict[str, Any], line: str) -> None:
    answer = asked(k.healthy(**objects))
    assert line in answer.out
    (told,) = [each for each in answer.out.splitlines() if line in each]
    assert answer.code == (1 if told.startswith("✗") else 0), answer.out


def test_without_kubectl_one_line_says_so_and_nothing_has_failed(
    bare: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with serving(now(pages(workers=[worker()]))) as url:
        answer = bare("doctor", "--kubernetes", "--url", url)
    assert answer.code == 0
    assert answer.out.count("? cluster: there is no kubectl on PATH → install it, and look again") == 1
    assert "? pods" not in answer.out


def test_a_service_that_is_away_still_has_its_cluster_looked_at(
    bare: Shell, nowhere: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    k.install(tmp_path, k.healthy(statefulsets_apps=[k.deployment("jobs-trafficjobs-redis", 1, 0, "StatefulSet")]))
    answer = bare("doctor", "--kubernetes", "--url", nowhere, "--patience", 0)
    assert answer.code == 5
    assert "✗ statefulset jobs-trafficjobs-redis: 0 of 1 pods" in answer.out

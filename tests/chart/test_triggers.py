"""What KEDA counts: the lists and the running jobs of exactly the queues that a pool serves, under the keys that lib uses.

The names of the keys are asked of lib itself, so that a key renamed there is found here and not by a cluster that no longer
scales.
"""

import re
from typing import Any

import pytest

from lib.jobs import HotQueue, Jobs, Submission, complete
from lib.settings import Settings, load_settings
from lib.states import PRIORITIES
from lib.upkeep import Upkeep
from tests.chart.combinations import CA_TLS, CLUSTER, EXTERNAL, KEDA, POOLS, SENTINEL_LOGIN
from tests.chart.rendering import FULL, NAMESPACE, Chart, Object, Release, merged

# What https://keda.sh/docs/2.21/scalers/redis-lists, redis-sentinel-lists and redis-cluster-lists read; anything else is
# ignored in silence.
_EVERY = {"username", "listName", "listLength", "enableTLS"}
KNOWN_TO_KEDA = {
    "redis": _EVERY | {"address", "databaseIndex"},
    "redis-sentinel": _EVERY | {"addresses", "databaseIndex", "sentinelMaster", "sentinelUsername"},
    "redis-cluster": _EVERY | {"addresses"},
}


def triggers(scaler: Object) -> dict[str, dict[str, Any]]:
    """The metadata of each trigger by its name."""
    return {trigger["name"]: trigger["metadata"] for trigger in scaler["spec"]["triggers"]}


def counted(scaler: Object, kind: str) -> set[str]:
    """The keys that the triggers of a kind, `queued` or `busy`, count."""
    return {about["listName"] for name, about in triggers(scaler).items() if name.startswith(kind)}


def settings_of(prefix: str) -> Settings:
    """The settings of the release POOLS, as lib knows its queues."""
    return load_settings(
        key_prefix=prefix, queue_name="job-queue", queues=["heavy", "quick"], adopt_queues=["job_queue"], data_cache=None
    )


@pytest.mark.parametrize("prefix", ["", "blue:"])
def test_the_keys_are_those_of_lib(chart: Chart, prefix: str) -> None:
    release = chart.render(merged(KEDA, POOLS, {"config": {"keyPrefix": prefix}}))
    settings = settings_of(prefix)
    upkeep = Upkeep(Jobs(settings))
    for pool, queues in {"default": ["job-queue", "quick", "job_queue"], "heavy": ["heavy"]}.items():
        lists = {key for queue in queues for key in upkeep._lists(queue) if not key.endswith(".paused")}
        assert counted(release.scaler(pool), "queued") == lists
        assert lists >= {HotQueue.of(settings, queue).key for queue in queues}
        assert counted(release.scaler(pool), "busy") == {upkeep._key(f"{queue}.leases") for queue in queues}


def test_a_job_is_counted_while_it_waits_and_while_it_runs(chart: Chart, settings: Settings, jobs: Jobs) -> None:
    scaler = chart.render(merged(KEDA, {"config": {"keyPrefix": settings.key_prefix}})).scaler()
    (busy,) = counted(scaler, "busy")

    def count() -> tuple[int, int]:
        return sum(jobs.store.queues.llen(key) for key in counted(scaler, "queued")), jobs.store.queues.zcard(busy)

    for priority in PRIORITIES:
        jobs.submit(Submission("print", priority=priority))
    assert count() == (3, 0)
    claimed = jobs.claim("child", "worker", ["job-queue"])
    assert claimed is not None
    assert count() == (2, 1)
    jobs.finish(claimed, complete(b"1"))
    assert count() == (2, 0)
    assert {about["databaseIndex"] for about in triggers(scaler).values()} == {str(settings.queue_db)}


def test_the_formula_names_every_trigger_and_no_other(release: Release) -> None:
    for scaler in release.of("ScaledObject"):
        formula = scaler["spec"]["advanced"]["scalingModifiers"]["formula"]
        named = re.findall(r"[a-z]+[0-9]+", formula)
        assert sorted(named) == sorted(trigger["name"] for trigger in scaler["spec"]["triggers"])


def test_running_jobs_are_counted_and_never_only_waiting_ones(release: Release) -> None:
    for scaler in release.of("ScaledObject"):
        lists, leases = counted(scaler, "queued"), counted(scaler, "busy")
        assert leases
        assert len(lists) == 3 * len(leases)


def test_everything_that_keda_reads_is_a_text_that_it_knows(release: Release) -> None:
    for scaler in release.of("ScaledObject"):
        assert len(triggers(scaler)) == len(scaler["spec"]["triggers"]), "two triggers have one name"
        for trigger in scaler["spec"]["triggers"]:
            assert trigger["metadata"].keys() <= KNOWN_TO_KEDA[trigger["type"]], trigger["name"]
            assert all(isinstance(value, str) for value in trigger["metadata"].values()), trigger["name"]
        modifiers = scaler["spec"]["advanced"]["scalingModifiers"]
        assert all(isinstance(value, str) for value in modifiers.values())
        assert (modifiers["target"], modifiers["activationTarget"], modifiers["metricType"]) == ("1", "0", "AverageValue")


def wanted_pods(scaler: Object, **counts: int) -> float:
    """What KEDA makes of the formula; triggers that are not named count nothing."""
    names = dict.fromkeys(triggers(scaler), 0) | counts
    formula = scaler["spec"]["advanced"]["scalingModifiers"]["formula"]
    return float(eval(formula, {"ceil": lambda value: -(-value // 1)}, names))  # the formula of our own chart


@pytest.mark.parametrize(
    ("values", "counts", "pods"),
    [
        ({}, {}, 0),
        ({}, {"queued1": 1}, 1),
        ({}, {"busy0": 1}, 1),
        ({}, {"busy0": 4, "queued0": 1}, 3),
        ({"worker": {"concurrency": 4}}, {"queued0": 3, "queued1": 3, "queued2": 3}, 3),
        ({"worker": {"keda": {"jobsPerPod": 10}}}, {"queued1": 25}, 3),
        ({"worker": {"keda": {"jobsPerPod": 0.5}}}, {"queued1": 2}, 4),
    ],
)
def test_there_are_as_many_pods_as_run_and_wait(chart: Chart, values: Any, counts: dict[str, int], pods: int) -> None:
    assert wanted_pods(chart.render(merged(KEDA, values)).scaler(), **counts) == pods


def test_the_operator_reaches_redis_from_its_own_namespace(chart: Chart) -> None:
    for about in triggers(chart.render(KEDA).scaler()).values():
        assert about["address"] == f"{FULL}-redis.{NAMESPACE}.svc:6379"
        assert about["username"] == "keda"
    port = merged(KEDA, {"redis": {"service": {"port": 7000}}, "config": {"queueDb": 5}})
    for about in triggers(chart.render(port).scaler()).values():
        assert about["address"].endswith(":7000")
        assert about["databaseIndex"] == "5"


def test_the_operators_password_is_that_of_its_own_user(chart: Chart) -> None:
    release = chart.render(KEDA)
    (login,) = release.of("TriggerAuthentication")
    assert login["spec"] == {"secretTargetRef": [{"parameter": "password", "name": f"{FULL}-redis", "key": "keda-password"}]}
    for trigger in release.scaler()["spec"]["triggers"]:
        assert trigger["authenticationRef"] == {"name": login["metadata"]["name"]}


def test_another_redis_is_asked_by_its_own_name_and_login(chart: Chart) -> None:
    bare = chart.render(merged(KEDA, EXTERNAL))
    assert not bare.of("TriggerAuthentication")
    for trigger in bare.scaler()["spec"]["triggers"]:
        assert trigger["metadata"]["address"] == "redis.example.com:6379"
        assert "authenticationRef" not in trigger
        assert not trigger["metadata"].keys() & {"username", "enableTLS"}
    secure = chart.render(merged(KEDA, CA_TLS))
    (login,) = secure.of("TriggerAuthentication")
    assert login["spec"]["secretTargetRef"] == [
        {"parameter": "password", "name": "mine", "key": "password"},
        {"parameter": "ca", "name": "our-ca", "key": "ca.pem"},
    ]
    for about in triggers(secure.scaler()).values():
        assert (about["enableTLS"], about["username"]) == ("true", "jobs")


def test_sentinels_are_asked_for_the_master_and_for_the_queues_database(chart: Chart) -> None:
    release = chart.render(merged(KEDA, SENTINEL_LOGIN, {"config": {"queueDb": 3}}))
    (login,) = release.of("TriggerAuthentication")
    assert login["spec"]["secretTargetRef"] == [
        {"parameter": "password", "name": "mine", "key": "password"},
        {"parameter": "sentinelPassword", "name": "mine", "key": "sentinel-password"},
    ]
    for trigger in release.scaler()["spec"]["triggers"]:
        about = trigger["metadata"]
        assert trigger["type"] == "redis-sentinel"
        assert about["addresses"] == "one.example.com:26379,two.example.com:26380"
        assert (about["sentinelMaster"], about["sentinelUsername"], about["databaseIndex"]) == ("roads", "asker", "3")


def test_a_cluster_is_asked_by_its_nodes_and_has_one_database(chart: Chart) -> None:
    for trigger in chart.render(merged(KEDA, CLUSTER)).scaler()["spec"]["triggers"]:
        assert (trigger["type"], trigger["metadata"]["addresses"]) == (
            "redis-cluster",
            "one.example.com:7000,two.example.com:7001",
        )
        assert "{tj}:" in trigger["metadata"]["listName"]


def test_a_change_of_the_scaling_reaches_the_scaler(chart: Chart) -> None:
    keda = {"minReplicas": 1, "maxReplicas": 7, "pollingInterval": 3, "cooldownPeriod": 20, "annotations": {"paused": "no"}}
    scaler = chart.render(merged(KEDA, {"worker": {"keda": keda}})).scaler()
    spec = scaler["spec"]
    numbers = (spec["minReplicaCount"], spec["maxReplicaCount"], spec["pollingInterval"], spec["cooldownPeriod"])
    assert numbers == (1, 7, 3, 20)
    assert scaler["metadata"]["annotations"]["paused"] == "no"
    assert "fallback" not in spec
    assert spec["scaleTargetRef"] == {"name": f"{FULL}-worker-default", "envSourceContainerName": "worker"}

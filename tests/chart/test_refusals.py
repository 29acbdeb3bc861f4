"""Values that cannot be meant are refused before anything is made, and the message names the key."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.chart.combinations import CLUSTER, COMBINATIONS, EVERYTHING, EXISTING_SECRETS, SENTINELS
from tests.chart.rendering import CHART, Chart, merged

POOL = {"queues": ["another"]}
EXTERNAL = {"redis": {"enabled": False}}


def at(path: str, value: Any) -> dict[str, Any]:
    """The value under a path such as redis.persistence.size."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value  # type: ignore[no-any-return]


# What users may write as they like: the names in it are theirs.
FREE = {"global", "commonLabels", "commonAnnotations", "nodeSelector", "affinity", "podAnnotations", "podLabels", "annotations"}
FREE |= {"strategy", "behavior", "fallback", "files", "podSecurityContext", "securityContext", "requests", "limits"}
FREE |= {"networkPolicy.keda", "labels", "alertLabels"}


def sections(values: dict[str, Any], path: str = "") -> Iterator[str]:
    """The path of every mapping whose keys the chart knows."""
    yield path
    for key, value in values.items():
        inner = f"{path}.{key}".strip(".")
        if isinstance(value, dict) and not {key, inner} & FREE:
            yield from sections(value, inner)


def test_a_misspelled_key_is_refused_by_its_name_at_every_level(chart: Chart) -> None:
    every = list(sections(yaml.safe_load((CHART / "values.yaml").read_text())))
    assert len(every) >= 40
    for path in [*every, "workers.default.keda", "workers.default.image", "workers.default.resources"]:
        misspelled = f"{path}.misspeled".strip(".")
        if path in ("workers", "config.operationLimits"):  # a name of a pool or an operation is free, what is in it is not
            continue
        message = chart.refusal(at(misspelled, 1))
        assert "'misspeled' not allowed" in message, misspelled
        assert "/".join(path.split(".")) in message, message


WRONG: dict[str, list[Any]] = {
    "api.replicas": ["2", 0, 1.5, True, None],
    "api.port": ["http", 0, 70000],
    "api.threads": [1],
    "api.service.type": ["clusterip"],
    "api.auth.enabled": ["yes", 1],
    "api.auth.extraTokens": [["ci submit notahash"], ["ci root " + "0a" * 32]],
    "api.auth.existingSecret": ["With_Capitals"],
    "api.ingress.hosts": [[], [{"host": "a.example"}], ["a.example"]],
    "api.extraEnv": [{"A": "b"}, [{"name": "A", "value": 1}], [{"value": "b"}]],
    "api.resources.limits.memory": ["1.5 Gi", "1GB", "lots", "-1"],
    "worker.resources.requests.cpu": ["fast"],
    "worker.memoryPerJob": ["half", "1GB"],
    "worker.concurrency": [0, 257, "2"],
    "worker.keda.minReplicas": [-1],
    "worker.keda.jobsPerPod": [0],
    "worker.terminationGracePeriodSeconds": [19, "30"],
    "workers.default.queues": ["job-queue", [""], ["a b"], ["a", "a"]],
    "workers.Heavy": [POOL],
    "workers.default": [[]],
    "keda.enabled": ["on", "yes", 1],
    "config.durability": ["always"],
    "config.operationLimits": [{"plot": 2}, {"plot": {"most": 1}}, {"plot": {"rate": "fast"}}, {"plot": {"concurrency": 0}}],
    "config.logLevel": ["verbose", "critical"],
    "config.keyPrefix": ["with space", "*"],
    "config.queueName": ["", "job queue"],
    "config.leaseSeconds": [0, "30"],
    "config.maxUploadBytes": ["1Gi", 1],
    "config.queueLimit": [None],
    "redis.persistence.size": ["8 Gi", "8GB"],
    "redis.persistence.accessModes": [[], ["ReadOnlyMany"]],
    "redis.maxmemory": ["75%"],
    "redis.image.digest": ["sha256:12"],
    "redis.image.tag": [8],
    "image.pullPolicy": ["Sometimes"],
    "imagePullSecrets": ["one", [{"secret": "one"}]],
    "nameOverride": ["Jobs", "-jobs"],
    "fullnameOverride": ["9jobs"],
    "commonLabels.team": [1],
    "operations.files": [{"lanes.py": 1}],
    "externalRedis.port": ["6379"],
    "externalRedis.sentinels": ["one:26379", ["one"], ["one:26379,two:26379"]],
    "externalRedis.cluster": [["one"]],
    "notifications.webhooks.allow": ["10.0.0.0/8", ["a b"]],
    "notifications.email.tls": ["ssl"],
    "notifications.email.port": ["25"],
    "config.dataUrls": ["data.austintexas.gov", ["a b"], ["ftp://example.org/"], ["https://me@example.org/"]],
    "config.dataUrlsAllow": ["10.0.0.0/8", ["a b"]],
    "config.publicUrl": ["jobs.example.org"],
    "tracing.endpoint": ["collector:4318", "grpc://collector:4317"],
    "monitoring.serviceMonitor.interval": ["30", "1h", 30],
    "monitoring.podMonitor.relabelings": [{}, ["a"]],
    "monitoring.rules.disabled": ["TrafficjobsApiDown", ["ApiDown"]],
    "monitoring.rules.job": ['a"b'],
    "monitoring.rules.runbookUrl": ["", "runbook.md", "https://example.org/#a"],
    "monitoring.rules.failureRatio": [0, 1, "10%"],
    "monitoring.rules.reaped": [-1, 0.5],
    "monitoring.rules.oldestAgeSeconds": [0, "10m"],
    "monitoring.slo.objective": [1, 0, "95%"],
    "monitoring.slo.minJobs": [0],
    "monitoring.dashboard.namespace": ["With_Capitals"],
    "monitoring.dashboard.label": [""],
    "extraObjects": [[1], {}],
}


@pytest.mark.parametrize("path", WRONG)
def test_a_value_of_the_wrong_kind_is_refused_by_its_key(chart: Chart, path: str) -> None:
    for value in WRONG[path]:
        message = chart.refusal(at(path, value))
        assert path.split(".")[-1] in message, f"{value!r}: {message}"


def test_no_default_can_be_taken_away_unseen(chart: Chart) -> None:
    for key in ("queueName", "leaseSeconds", "timezone"):
        assert key in chart.refusal({"config": {key: None}})


# Each `fail` of the chart, by the words with which its message begins.
CONTRADICTIONS: dict[str, tuple[str, Any]] = {
    "both redis": (
        "externalRedis.host: is set while redis.enabled is true",
        {"externalRedis": {"host": "redis.example.com"}},
    ),
    "no redis": ("externalRedis.host: must be set", EXTERNAL),
    "two ways": (
        "externalRedis: externalRedis.host and externalRedis.sentinels are set, and",
        merged(SENTINELS, {"externalRedis": {"host": "a"}}),
    ),
    "sentinels beside our own": ("externalRedis.sentinels: is set while", {"externalRedis": {"sentinels": ["a:26379"]}}),
    "sentinels' password": (
        "externalRedis.sentinelPasswordKey: is a key of",
        merged(SENTINELS, {"externalRedis": {"sentinelPasswordKey": "a"}}),
    ),
    "cluster database": ("config.queueDb: must be 0", merged(CLUSTER, {"config": {"queueDb": 1}})),
    "cluster prefix": ("config.keyPrefix: must have braces", merged(CLUSTER, {"config": {"keyPrefix": "tj:"}})),
    "cluster adopts": (
        "workers.default.adoptQueues: names lists without",
        merged(CLUSTER, {"workers": {"default": {"adoptQueues": ["queue"]}}}),
    ),
    "shared": ("config.keyPrefix: must be set", {**EXTERNAL, "externalRedis": {"host": "a", "shared": True}}),
    "maxmemory": ("redis.maxmemory: is above", {"redis": {"maxmemory": "2Gi"}}),
    "no memory": ("redis.maxmemory: must be set", {"redis": {"resources": {"limits": {"memory": None}}}}),
    "timeouts": ("config.jobTimeout: is above config.maxTimeout", {"config": {"maxTimeout": 599}}),
    "mail from nobody": ("notifications.email.from: must be", {"notifications": {"email": {"host": "mail"}}}),
    "a login without a password": (
        "notifications.email.existingSecret: must name",
        {"notifications": {"email": {"host": "mail", "from": "a@example.org", "username": "a"}}},
    ),
    "operations": (
        "operations.existingConfigMap: is set while",
        {"operations": {"files": {"a.py": ""}, "existingConfigMap": "b"}},
    ),
    "account": ("serviceAccount.name: must name", {"serviceAccount": {"create": False}, "worker": {"deletionCost": True}}),
    "account of the view": (
        "serviceAccount.name: must name",
        {"serviceAccount": {"create": False}, "dashboard": {"scalerView": True}},
    ),
    "gateway": ("api.httpRoute.parentRefs: must name", {"api": {"httpRoute": {"enabled": True}}}),
    "no pool": ("workers: needs at least one pool", {"workers": {"default": None}}),
    "no queue": ("workers.empty.queues: must name", {"workers": {"empty": {"concurrency": 1}}}),
    "two pools": (
        'workers.second.queues: queue "job-queue" belongs to pool "default"',
        {"workers": {"second": {"queues": ["job-queue"]}}},
    ),
    "adopted twice": (
        'workers.second.queues: queue "job-queue" belongs to pool "default"',
        {"workers": {"second": {"queues": ["b"], "adoptQueues": ["job-queue"]}}},
    ),
    "replicas": ("workers.default.keda.maxReplicas: is below", {"workers": {"default": {"keda": {"minReplicas": 11}}}}),
    "cooldown": ("workers.default.keda.cooldownPeriod: is below", {"worker": {"keda": {"cooldownPeriod": 4}}}),
    "two scalers": (
        "workers.default.autoscaling.enabled: is on while keda.enabled is true",
        {"keda": {"enabled": True}, "worker": {"autoscaling": {"enabled": True}}},
    ),
    "small": ("workers.default.resources.limits.memory: 1536Mi leaves 20", {"worker": {"concurrency": 20}}),
    "greedy": ("workers.default.memoryPerJob: 2 jobs of", {"worker": {"memoryPerJob": "1Gi"}}),
    "rules without a scrape": (
        "monitoring.rules.enabled: the alerts read what",
        {"monitoring": {"rules": {"enabled": True}}},
    ),
    "a job that is not the monitor's": (
        "monitoring.rules.job: must be empty while",
        {"monitoring": {"rules": {"job": "mine"}, "serviceMonitor": {"enabled": True}}},
    ),
    "no bound": ("monitoring.slo.startSeconds: 45 is no bound", {"monitoring": {"slo": {"startSeconds": 45}}}),
    "a lax objective": ("monitoring.slo.objective: 0.9 lets so many", {"monitoring": {"slo": {"objective": 0.9}}}),
    "nobody": ('config.queueName: queue "other" is in no pool', {"config": {"queueName": "other"}}),
}
# What the schema refuses already, for those who turn it off.
WITHOUT_THE_SCHEMA: dict[str, tuple[str, Any]] = {
    "grace": ("workers.default.terminationGracePeriodSeconds: 10 leaves", {"worker": {"terminationGracePeriodSeconds": 10}}),
    "quantity": ('"1GB" is no quantity of memory', {"redis": {"maxmemory": "1GB"}}),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_values_that_contradict_each_other_are_refused_by_their_key(chart: Chart, name: str) -> None:
    words, values = CONTRADICTIONS[name]
    assert words in chart.refusal(values)


def test_the_templates_themselves_refuse_what_would_do_harm(tmp_path: Path) -> None:
    shutil.copytree(CHART, tmp_path / "chart", ignore=shutil.ignore_patterns("values.schema.json"))
    bare = Chart(tmp_path / "chart")
    for words, values in WITHOUT_THE_SCHEMA.values():
        assert words in bare.refusal(values)
    bare.close()


def test_every_refusal_of_the_templates_is_in_this_file() -> None:
    text = "".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())
    formats = re.findall(r'fail (?:\(printf )?"((?:[^"\\]|\\.)*)"', text)
    assert len(formats) == len(re.findall(r"\{\{-? *fail ", text)) > 15
    tested = [words for words, _ in (CONTRADICTIONS | WITHOUT_THE_SCHEMA).values()]
    for message in formats:
        # the texts before and after the first thing that is filled in; what is tested may stop within them
        before, _, after = re.split("(%[sdq])", message + "%s")[:3]
        assert [words for words in tested if words in message or (words.startswith(before) and after[:12] in words)], message


@pytest.mark.parametrize(
    "key", ["api.replicas", "api.auth.enabled", "networkPolicy.enabled", "redis.service.port", "worker.image"]
)
def test_a_default_that_nothing_works_without_cannot_be_taken_away(chart: Chart, key: str) -> None:
    assert f"missing property '{key.split('.')[-1]}'" in chart.refusal(at(key, None))


@pytest.mark.parametrize(
    "key", ["commonLabels", "commonAnnotations", "imagePullSecrets", "extraEnvFrom", "api.podLabels", "redis.podAnnotations"]
)
def test_a_key_with_nothing_behind_it_is_an_empty_one(chart: Chart, key: str) -> None:
    assert chart.render(merged(EXISTING_SECRETS, at(key, None))).objects == chart.render(EXISTING_SECRETS).objects


def test_a_misspelled_key_is_refused_beside_any_others(chart: Chart) -> None:
    for values in COMBINATIONS.values():
        assert "'replicaCount' not allowed" in chart.refusal(merged(values, {"replicaCount": 2}))


def test_a_wrong_value_is_refused_beside_everything_else(chart: Chart) -> None:
    assert "maxUnavailable" in chart.refusal(merged(EVERYTHING, {"worker": {"pdb": {"maxUnavailable": "half"}}}))

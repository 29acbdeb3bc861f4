"""Bytes and numbers: what is written as a quantity arrives as the number that the programs want, and never as 1e+09."""

from typing import Any

import pytest

from tests.chart.combinations import KEDA
from tests.chart.pods import container, environment
from tests.chart.rendering import FULL, Chart, merged

MI, GI = 2**20, 2**30


def maxmemory(chart: Chart, **redis: Any) -> int:
    """What Redis is told."""
    conf = chart.render({"redis": redis}).get("ConfigMap", f"{FULL}-redis")["data"]["redis.conf"]
    return int(next(line.split()[1] for line in conf.splitlines() if line.startswith("maxmemory ")))


def worker_environment(chart: Chart, values: Any) -> dict[str, Any]:
    return environment(container(chart.render(values).worker(), "worker"))


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("512Mi", 512 * MI),
        ("0.5Gi", 512 * MI),
        ("600M", 600_000_000),
        ("524288k", 524_288_000),
        ("1048576Ki", GI),
        ("1073741824", GI),
        (1073741824, GI),
        (1.0e9, 1_000_000_000),
    ],
)
def test_a_quantity_is_the_number_of_bytes_that_it_says(chart: Chart, written: Any, number: int) -> None:
    assert maxmemory(chart, maxmemory=written) == number


@pytest.mark.parametrize(
    ("limit", "number"), [("1Gi", 768 * MI), ("1.5Gi", 1152 * MI), ("2G", 1_500_000_000), (4294967296, 3 * GI), ("1Ti", 768 * GI)]
)
def test_redis_keeps_a_quarter_of_its_memory_free(chart: Chart, limit: Any, number: int) -> None:
    assert maxmemory(chart, resources={"limits": {"memory": limit}}) == number


def test_redis_without_a_limit_takes_what_it_is_told(chart: Chart) -> None:
    assert maxmemory(chart, maxmemory="1Ti", resources={"limits": {"memory": None}}) == 1024 * GI


@pytest.mark.parametrize(
    ("own", "number"),
    [
        ({}, (1536 - 384) * MI // 2),
        ({"concurrency": 3}, (1536 - 384) * MI // 3),
        ({"resources": {"limits": {"memory": "1Gi"}}, "concurrency": 1}, 640 * MI),
        ({"resources": {"limits": {"memory": 2147483648}}}, (2048 - 384) * MI // 2),
        ({"resources": {"limits": {"memory": None}}}, 0),
        ({"memoryPerJob": "500M"}, 500_000_000),
        ({"memoryPerJob": 268435456}, 256 * MI),
        ({"memoryPerJob": "0"}, 0),
        ({"memoryPerJob": 0}, 0),
    ],
)
def test_a_job_gets_its_share_of_what_the_pod_has(chart: Chart, own: Any, number: int) -> None:
    assert worker_environment(chart, {"worker": own})["MEMORY_LIMIT"] == str(number)


def test_a_pool_is_laid_over_what_every_pool_starts_from(chart: Chart) -> None:
    values: Any = {
        "worker": {"concurrency": 4, "resources": {"limits": {"memory": "4Gi"}}, "keda": {"maxReplicas": 20}},
        "workers": {"heavy": {"queues": ["heavy"], "concurrency": 1, "keda": {"cooldownPeriod": 300}}},
    }
    release = chart.render(merged(KEDA, values))
    children = {pool: environment(container(release.worker(pool), "worker"))["WORKER_CHILDREN"] for pool in ("default", "heavy")}
    assert children == {"default": "4", "heavy": "1"}
    scaled = {pool: release.scaler(pool)["spec"] for pool in ("default", "heavy")}
    assert [(spec["maxReplicaCount"], spec["cooldownPeriod"]) for spec in scaled.values()] == [(20, 60), (20, 300)]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"config": {"maxUploadBytes": 5368709120.0}}, {"config": {"maxUploadBytes": 5368709120}}),
        ({"config": {"jobTimeout": 1e6, "maxTimeout": 1e6}}, {"config": {"jobTimeout": 1000000, "maxTimeout": 1000000}}),
        ({"worker": {"concurrency": 3.0}}, {"worker": {"concurrency": 3}}),
        ({"api": {"replicas": 1000000.0}}, {"api": {"replicas": 1000000}}),
        ({"redis": {"persistence": {"size": 8589934592.0}}}, {"redis": {"persistence": {"size": 8589934592}}}),
    ],
)
def test_a_float_without_a_fraction_is_the_whole_number(chart: Chart, written: Any, meant: Any) -> None:
    assert chart.files(merged(written, EXISTING)) == chart.files(merged(meant, EXISTING))


EXISTING: Any = {"redis": {"existingSecret": "a"}, "api": {"auth": {"existingSecret": "b"}}}


def test_large_numbers_and_fractions_arrive_as_they_were_written(chart: Chart) -> None:
    given = worker_environment(chart, {"config": {"maxUploadBytes": 10**15, "leaseSeconds": 2.5, "resultTtl": 31536000}})
    assert given["MAX_UPLOAD_BYTES"] == "1000000000000000"
    assert given["LEASE_SECONDS"] == "2.5"
    assert given["RESULT_TTL"] == "31536000"


def test_a_volume_may_be_given_in_bytes(chart: Chart) -> None:
    (claim,) = chart.render({"redis": {"persistence": {"size": 10**12}}}).get("StatefulSet", f"{FULL}-redis")["spec"][
        "volumeClaimTemplates"
    ]
    assert claim["spec"]["resources"]["requests"]["storage"] == 10**12

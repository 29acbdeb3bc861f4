"""What stands where at the time of a scrape: queues, jobs, workers, upkeep, the data, and Redis itself."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from lib.jobs import Overdue, QueueStats
from trafficjobs import __version__

if TYPE_CHECKING:  # it needs Arrow, which a worker's supervisor does without
    from lib.versions import Version

_OF_QUEUES = (
    ("scheduled", "Jobs that wait for their time.", "scheduled"),
    ("unserved", "Jobs laid aside until a worker knows their operation.", "unserved"),
    ("unserved_oldest_age_seconds", "Age of the job laid aside longest.", "oldest_unserved_age"),
    ("limited", "Jobs laid aside until others of their concurrency key have ended.", "limited"),
    ("rejected", "Unreadable entries that lie aside.", "rejected"),
    ("idle_children", "Worker processes that wait for this queue.", "idle_children"),
    ("paused", "1 while the queue is paused.", "paused_since"),
    ("draining", "1 while the queue accepts nothing.", "draining_since"),
)
_OF_REDIS = (
    ("used_memory_bytes", "Memory that Redis uses.", "used_memory"),
    ("maxmemory_bytes", "Memory that Redis may use; 0 where it has no limit.", "maxmemory"),
    ("connected_clients", "Connections to Redis.", "connected_clients"),
    ("uptime_seconds", "Since Redis was started.", "uptime_in_seconds"),
    ("aof_enabled", "1 while Redis writes the append-only file.", "aof_enabled"),
    ("aof_last_write_ok", "1 where the last write of the append-only file succeeded.", "aof_last_write_status"),
    ("aof_last_rewrite_ok", "1 where the last rewrite of the append-only file succeeded.", "aof_last_bgrewrite_status"),
)
_COUNTED_BY_REDIS = (
    ("evicted_keys", "Keys that Redis threw away for want of memory.", "evicted_keys"),
    ("rejected_connections", "Connections beyond the limit that Redis refused.", "rejected_connections"),
)


def of_queues(queues: Sequence[QueueStats], limit: int, workers: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """Of each queue.

    Args:
        limit: depth from which on submits are refused.
        workers: as `Jobs.workers` gives them.
    """
    depth = GaugeMetricFamily("trafficjobs_queue_depth", "Entries that wait and will run.", labels=("queue", "priority"))
    age = GaugeMetricFamily(
        "trafficjobs_queue_oldest_age_seconds", "Age of the job that has waited longest.", labels=("queue", "priority")
    )
    running = GaugeMetricFamily("trafficjobs_queue_in_flight", "Jobs that run now.", labels=("queue", "priority"))
    limits = GaugeMetricFamily("trafficjobs_queue_depth_limit", "Depth from which on submits are refused.", labels=("queue",))
    served = GaugeMetricFamily("trafficjobs_queue_workers", "Workers that beat and serve this queue.", labels=("queue",))
    for stats in queues:
        # What others pushed belongs to no job yet; HotQueue pushes to the list of normal priority.
        foreign = max(0, stats.depth - sum(stats.waiting.values()))
        for priority, waiting in stats.waiting.items():
            depth.add_metric((stats.name, priority), waiting + (foreign if priority == "normal" else 0))
            age.add_metric((stats.name, priority), stats.oldest_ages[priority])
            running.add_metric((stats.name, priority), stats.in_flight[priority])
        limits.add_metric((stats.name,), limit)
        served.add_metric((stats.name,), sum(stats.name in worker.get("queues", ()) for worker in workers))
    yield from (depth, age, running, limits, served)
    for name, text, attribute in _OF_QUEUES:
        family = GaugeMetricFamily(f"trafficjobs_queue_{name}", text, labels=("queue",))
        for stats in queues:
            value = getattr(stats, attribute)
            family.add_metric((stats.name,), int(value is not None) if attribute.endswith("_since") else value)
        yield family


def of_jobs(by_status: Mapping[str, int]) -> Iterator[Metric]:
    """Jobs on record."""
    jobs = GaugeMetricFamily("trafficjobs_jobs", "Jobs on record, by status.", labels=("status",))
    for status, count in by_status.items():
        jobs.add_metric((status,), count)
    yield jobs


def of_workers(workers: Sequence[Mapping[str, Any]]) -> Iterator[Metric]:
    """Workers that beat, and their processes."""
    for name, text, value in (
        ("workers", "Workers that beat.", len(workers)),
        ("workers_draining", "Workers that take no more jobs.", sum(bool(worker["draining"]) for worker in workers)),
        ("children", "Child processes that workers keep.", sum(worker.get("children", 0) for worker in workers)),
    ):
        yield GaugeMetricFamily(f"trafficjobs_{name}", text, value=value)


def of_upkeep(age: float | None, overdue: Overdue) -> Iterator[Metric]:
    """Whether upkeep keeps up; without its age where it never looked."""
    if age is not None:
        yield GaugeMetricFamily("trafficjobs_upkeep_age_seconds", "Since upkeep last looked.", value=age)
    lag = GaugeMetricFamily("trafficjobs_upkeep_lag_seconds", "How long the longest overdue one has been due.", labels=("task",))
    for task, seconds in overdue.seconds.items():
        lag.add_metric((task,), seconds)
    yield lag
    yield GaugeMetricFamily("trafficjobs_deliveries_pending", "Deliveries still to be sent.", value=overdue.deliveries)


def of_data(version: "Version | None") -> Iterator[Metric]:
    """The current version of the data; nothing where there is none."""
    if version is None:
        return
    age = (datetime.now(UTC) - version.created).total_seconds()
    info = GaugeMetricFamily("trafficjobs_dataset_info", "The current version of the data.", labels=("version",))
    info.add_metric((version.id,), 1)
    yield info
    yield GaugeMetricFamily("trafficjobs_dataset_rows", "Incidents in the current version of the data.", value=version.rows)
    yield GaugeMetricFamily("trafficjobs_dataset_age_seconds", "Since the current version was published.", value=max(0.0, age))


def of_redis(told: Mapping[str, Any]) -> Iterator[Metric]:
    """What Redis says of itself in INFO, as far as it does."""
    info = GaugeMetricFamily("trafficjobs_redis_info", "The server of the queue.", labels=("version", "maxmemory_policy"))
    if "redis_version" in told:
        version = told.get("valkey_version") or told["redis_version"]
        info.add_metric((str(version), str(told.get("maxmemory_policy", ""))), 1)
    yield info
    for name, text, field in _OF_REDIS:
        if field in told:
            yield GaugeMetricFamily(f"trafficjobs_redis_{name}", text, value=_number(told[field]))
    for name, text, field in _COUNTED_BY_REDIS:
        if field in told:
            yield CounterMetricFamily(f"trafficjobs_redis_{name}", text, value=_number(told[field]))


def redis_up(up: bool) -> Metric:
    """Whether this process reaches Redis."""
    text = "1 while this process reaches Redis; else all that Redis keeps is missing here."
    return GaugeMetricFamily("trafficjobs_redis_up", text, value=int(up))


def _number(value: Any) -> float:
    return float(value == "ok") if isinstance(value, str) else float(value)


def build_info() -> Metric:
    """Which version of trafficjobs a process runs."""
    info = GaugeMetricFamily("trafficjobs_build_info", "The version of trafficjobs that runs here.", labels=("version",))
    info.add_metric((__version__,), 1)
    return info

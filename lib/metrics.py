"""Metrics for Prometheus, built at each scrape from what Redis keeps. Called by the API for `GET /metrics`.

The scripts count in the hash `metrics`, in fields `name|label|...` (see `lib/scripts/parts`), so every process shows the same
numbers, and a restart of any of them resets none. Without Redis there is no answer rather than a wrong one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from lib.jobs import Jobs, QueueStats
from lib.scripts import BUCKETS
from lib.versions import DatasetStore

# Counters by the name the scripts give them: metric (prometheus_client adds _total), help, labels.
_COUNTERS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "submitted": ("trafficjobs_jobs_submitted", "Jobs accepted.", ("operation", "queue")),
    "adopted": ("trafficjobs_jobs_adopted", "Jobs that others put on a list and that became ours.", ("queue",)),
    "complete": ("trafficjobs_jobs_completed", "Jobs that ended complete.", ("operation",)),
    "failed": ("trafficjobs_jobs_failed", "Jobs that ended failed, by what the last attempt died of.", ("operation", "reason")),
    "cancelled": ("trafficjobs_jobs_cancelled", "Jobs that ended cancelled.", ("operation",)),
    "retried": (
        "trafficjobs_jobs_retried",
        "Attempts that failed and were retried by the job's policy.",
        ("operation", "reason"),
    ),
    "rerun": ("trafficjobs_jobs_rerun", "Ended jobs that somebody ran again.", ("operation",)),
    "rerun_calls": ("trafficjobs_rerun_calls", "Calls that ran failed jobs again, many at once.", ()),
    "reaped": ("trafficjobs_jobs_reaped", "Leases that ended without a word of their worker.", ("operation",)),
    "crashed": ("trafficjobs_jobs_crashed", "Deaths of a process that were charged to the job it ran.", ("operation",)),
    "released": ("trafficjobs_jobs_released", "Claims handed back uncharged.", ("operation", "reason")),
    "stale": ("trafficjobs_jobs_stale", "Outcomes dropped because the job had gone on without their claim.", ("operation",)),
    "unserved": ("trafficjobs_jobs_set_aside", "Jobs laid aside by a worker that lacks their operation.", ("operation",)),
    "repaired": ("trafficjobs_jobs_repaired", "Jobs that the comparison of lists and records put right.", ("status",)),
    "cached": ("trafficjobs_jobs_cached", "Jobs answered with the result of an equal one; among those complete.", ("operation",)),
    "deduplicated": ("trafficjobs_jobs_deduplicated", "Submits for which another job stands.", ("operation",)),
    "schedule_fired": ("trafficjobs_schedules_fired", "Jobs that schedules submitted.", ()),
    "schedule_missed": ("trafficjobs_schedules_missed", "Times of schedules for which no job was submitted.", ()),
    "purged": ("trafficjobs_entries_purged", "Foreign list entries that a purge threw away.", ("queue",)),
    "delivery_attempt": ("trafficjobs_delivery_attempts", "Webhooks and e-mails that were tried to be sent.", ("channel",)),
    "delivered": ("trafficjobs_deliveries_delivered", "Deliveries of webhooks and e-mails that arrived.", ("channel",)),
    "undelivered": ("trafficjobs_deliveries_failed", "Deliveries of webhooks and e-mails that were given up.", ("channel",)),
    "rejected": ("trafficjobs_entries_rejected", "Foreign list entries moved aside as unreadable.", ("queue",)),
}
_HISTOGRAMS = {
    "wait": ("trafficjobs_job_wait_seconds", "From when a job could run to its claim."),
    "run": ("trafficjobs_job_run_seconds", "From a job's last claim to its end."),
}


@dataclass(frozen=True, eq=False)
class Snapshot:
    """What one scrape shows, read from Redis at one time."""

    counters: dict[str, int]
    by_status: dict[str, int]
    queues: list[QueueStats]
    workers: int
    upkeep_age: float | None
    rows: int | None

    def collect(self) -> Iterator[Metric]:
        """Every metric; called by prometheus_client."""
        yield from _counters(self.counters)
        yield from _histograms(self.counters)
        yield from _queues(self.queues)
        jobs = GaugeMetricFamily("trafficjobs_jobs", "Jobs on record, by status.", labels=("status",))
        for status, count in self.by_status.items():
            jobs.add_metric((status,), count)
        yield jobs
        yield GaugeMetricFamily("trafficjobs_workers", "Workers that beat.", value=self.workers)
        if self.upkeep_age is not None:
            yield GaugeMetricFamily("trafficjobs_upkeep_age_seconds", "Since upkeep last looked.", value=self.upkeep_age)
        if self.rows is not None:
            yield GaugeMetricFamily("trafficjobs_dataset_rows", "Incidents in the current version of the data.", value=self.rows)


def registry_of(jobs: Jobs, dataset: DatasetStore) -> CollectorRegistry:
    """A registry with the present numbers, for `prometheus_client` to render.

    Raises: StoreUnavailable.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(snapshot(jobs, dataset))
    return registry


def snapshot(jobs: Jobs, dataset: DatasetStore) -> Snapshot:
    """Read everything that a scrape shows. Raises StoreUnavailable."""

    def rows() -> int | None:
        current = dataset.current()
        version = dataset.version(current) if current else None
        return version.rows if version else None

    return Snapshot(
        counters=jobs.counters(),
        by_status=jobs.counts(),
        queues=jobs.queues(),
        workers=len(jobs.workers()),
        upkeep_age=jobs.upkeep_age(),
        rows=jobs.store.persist(rows, jobs.store.patience),
    )


def _counters(counters: dict[str, int]) -> Iterator[Metric]:
    families = {name: CounterMetricFamily(metric, text, labels=labels) for name, (metric, text, labels) in _COUNTERS.items()}
    for field, value in counters.items():
        name, *labels = field.split("|")
        if name in families and len(labels) == len(_COUNTERS[name][2]):
            families[name].add_metric(labels, value)
    yield from families.values()


def _histograms(counters: dict[str, int]) -> Iterator[Metric]:
    """Buckets are counted singly by the scripts (`wait|operation|bound`, `wait_us|operation`), and summed up here."""
    single: dict[tuple[str, str], dict[float, int]] = defaultdict(dict)
    for field, value in counters.items():
        name, *labels = field.split("|")
        if name in _HISTOGRAMS and len(labels) == 2:
            single[name, labels[0]][float(labels[1])] = value
    families = {name: HistogramMetricFamily(metric, text, labels=("operation",)) for name, (metric, text) in _HISTOGRAMS.items()}
    for (name, operation), counts in sorted(single.items()):
        buckets = list(_cumulative(counts))
        families[name].add_metric((operation,), buckets, counters.get(f"{name}_us|{operation}", 0) / 1e6)
    yield from families.values()


def _cumulative(counts: dict[float, int]) -> Iterable[tuple[str, float]]:
    total = 0
    for bound in (*BUCKETS, float("inf")):
        total += counts.get(bound, 0)
        yield ("+Inf" if bound == float("inf") else str(bound)), total


def _queues(queues: list[QueueStats]) -> Iterator[Metric]:
    depth = GaugeMetricFamily("trafficjobs_queue_depth", "Entries that wait and will run.", labels=("queue", "priority"))
    for stats in queues:
        # What others pushed belongs to no job yet; HotQueue pushes to the list of normal priority.
        foreign = max(0, stats.depth - sum(stats.waiting.values()))
        for priority, waiting in stats.waiting.items():
            depth.add_metric((stats.name, priority), waiting + (foreign if priority == "normal" else 0))
    yield depth
    for metric, text, attribute in (
        ("trafficjobs_jobs_in_flight", "Jobs that run now.", "running"),
        ("trafficjobs_queue_oldest_age_seconds", "Age of the job that has waited longest.", "oldest_age"),
        ("trafficjobs_queue_scheduled", "Jobs that wait for their time.", "scheduled"),
        ("trafficjobs_queue_unserved", "Jobs laid aside until a worker knows their operation.", "unserved"),
        ("trafficjobs_queue_limited", "Jobs laid aside until others of their concurrency key have ended.", "limited"),
        ("trafficjobs_queue_unserved_oldest_age_seconds", "Age of the job laid aside longest.", "oldest_unserved_age"),
        ("trafficjobs_queue_rejected", "Unreadable entries that lie aside.", "rejected"),
        ("trafficjobs_queue_idle_children", "Worker processes that wait for this queue.", "idle_children"),
        ("trafficjobs_queue_paused", "1 while the queue is paused.", "paused_since"),
        ("trafficjobs_queue_draining", "1 while the queue accepts nothing.", "draining_since"),
    ):
        family = GaugeMetricFamily(metric, text, labels=("queue",))
        for stats in queues:
            value = getattr(stats, attribute)
            family.add_metric((stats.name,), int(value is not None) if attribute.endswith("_since") else value)
        yield family

"""One scrape: everything is read from Redis first, in a number of commands that no number of jobs changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lib.jobs import Jobs, Overdue, QueueStats
from lib.metrics import gauges
from lib.metrics.counters import counters, histograms
from lib.versions import DatasetStore, Version


@dataclass(frozen=True, eq=False)
class Release(Collector):
    """What one scrape shows of the whole release; a collector for a registry of prometheus_client."""

    counted: dict[str, int]
    exemplars: dict[str, str]
    by_status: dict[str, int]
    queues: list[QueueStats]
    queue_limit: int
    workers: list[dict[str, Any]]
    upkeep_age: float | None
    overdue: Overdue
    version: Version | None
    info: Mapping[str, Any]

    def collect(self) -> Iterator[Metric]:
        """Every metric; called by prometheus_client."""
        yield from counters(self.counted)
        yield from histograms(self.counted, self.exemplars)
        yield from gauges.of_queues(self.queues, self.queue_limit, self.workers)
        yield from gauges.of_jobs(self.by_status)
        yield from gauges.of_workers(self.workers)
        yield from gauges.of_upkeep(self.upkeep_age, self.overdue)
        yield from gauges.of_data(self.version)
        yield gauges.redis_up(True)
        yield from gauges.of_redis(self.info)


class Unreachable(Collector):
    """What one scrape shows while Redis is away: that it is, and no number that would be wrong."""

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client."""
        yield gauges.redis_up(False)


def release(jobs: Jobs, dataset: DatasetStore, info: Mapping[str, Any]) -> Release:
    """Read everything that a scrape shows.

    Args:
        info: what Redis says in INFO; empty where it does not tell.

    Raises: StoreUnavailable.
    """

    def version() -> Version | None:
        current = dataset.current()
        return dataset.version(current) if current else None

    return Release(
        counted=jobs.counters(),
        exemplars=jobs.exemplars(),
        by_status=jobs.counts(),
        queues=jobs.queues(),
        queue_limit=jobs.settings.queue_limit,
        workers=jobs.workers(),
        upkeep_age=jobs.upkeep_age(),
        overdue=jobs.overdue(),
        version=jobs.store.persist(version, jobs.store.patience),
        info=info,
    )

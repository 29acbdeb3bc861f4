"""Counters and histograms that the scripts keep in the hash `metrics`, in fields `name|label|...` (see `lib/scripts/parts`)."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Exemplar

from lib.scripts import BUCKETS

# By the name the scripts give them: metric (prometheus_client adds _total), help, labels.
COUNTERS: dict[str, tuple[str, str, tuple[str, ...]]] = {
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
    "reaped": (
        "trafficjobs_jobs_reaped",
        "Leases that ended without a word of their worker, by what became of the job.",
        ("operation", "reason"),
    ),
    "crashed": (
        "trafficjobs_jobs_crashed",
        "Deaths of a process that were charged to the job it ran.",
        ("operation", "reason"),
    ),
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
    "worker_start": ("trafficjobs_worker_starts", "Workers that came, or came back after a long silence.", ()),
    "nursery_restart": ("trafficjobs_nursery_restarts", "Times that workers had to start their nursery again.", ()),
    "child_death": ("trafficjobs_child_deaths", "Child processes of workers that did not end by themselves.", ("reason",)),
}
# By the name the scripts give them: metric, help. Their fields are `wait|operation|bound` and `wait_us|operation`.
HISTOGRAMS = {
    "wait": ("trafficjobs_job_wait_seconds", "From when a job could run to its claim."),
    "run": ("trafficjobs_job_run_seconds", "From a job's last claim to its end."),
}
_BOUNDS = (*BUCKETS, float("inf"))


def counters(counted: Mapping[str, int]) -> Iterator[Metric]:
    """Every counter; those without labels also where nothing was counted."""
    families = {name: CounterMetricFamily(metric, text, labels=labels) for name, (metric, text, labels) in COUNTERS.items()}
    for name in COUNTERS:
        if not COUNTERS[name][2]:
            families[name].add_metric((), counted.get(name, 0))
    for field, value in counted.items():
        name, *labels = field.split("|")
        if labels and name in families and len(labels) == len(COUNTERS[name][2]):
            families[name].add_metric(labels, value)
    yield from families.values()


def histograms(counted: Mapping[str, int], seen: Mapping[str, str]) -> Iterator[Metric]:
    """The scripts count each bucket singly; here they are summed up.

    Args:
        seen: the last traced job of a bucket, under the bucket's field: `<trace id> <seconds> <time>`.
    """
    single: dict[tuple[str, str], dict[float, int]] = defaultdict(dict)
    for field, value in counted.items():
        name, *labels = field.split("|")
        if name in HISTOGRAMS:
            single[name, labels[0]][float(labels[1])] = value
    families = {
        name: HistogramMetricFamily(metric, text, labels=("operation",), unit="seconds")
        for name, (metric, text) in HISTOGRAMS.items()
    }
    for (name, operation), counts in sorted(single.items()):
        examples = {float(field.rpartition("|")[2]): of for field, of in seen.items() if field.startswith(f"{name}|{operation}|")}
        total = counted.get(f"{name}_us|{operation}", 0) / 1e6
        families[name].add_metric((operation,), list(_cumulative(counts, examples)), total)
    yield from families.values()


def _cumulative(
    counts: Mapping[float, int], examples: Mapping[float, str]
) -> Iterator[tuple[str, float] | tuple[str, float, Exemplar]]:
    total = 0
    for bound in _BOUNDS:
        total += counts.get(bound, 0)
        label = "+Inf" if bound == float("inf") else str(bound)
        yield (label, total, _exemplar(examples[bound])) if bound in examples else (label, total)


def _exemplar(words: str) -> Exemplar:
    trace, value, when = words.split(" ")
    return Exemplar({"trace_id": trace}, float(value), float(when))

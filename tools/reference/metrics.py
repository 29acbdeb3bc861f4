"""docs/metrics.md, made from the metrics themselves."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from prometheus_client.metrics_core import Metric

from lib.jobs import Overdue
from lib.metrics.gauges import build_info
from lib.metrics.scrape import Release
from lib.versions import Version
from lib.views import UPKEEP_TASKS
from services.api.http_metrics import REQUESTS, SECONDS, OfRequests
from services.worker.health import Processes

_HEAD = """# Metrics

`/metrics` of the API speaks Prometheus's text form, and OpenMetrics where the scraper asks for it, then with the last traced
job of each bucket as its exemplar. It is open, or wants the bearer token `METRICS_TOKEN`. A scrape costs some thirty commands
of Redis, and no more with a million jobs. [Why it is so](decisions/0017-metrics-of-the-release-and-of-the-pod.md);
[monitoring on Kubernetes](kubernetes.md) has the monitors, rules and the board of the chart.

## Of the whole release

Kept in Redis, changed by the scripts that change the jobs: they survive workers that go to zero and restarts of everything,
and every API pod shows the same. So take the maximum over the pods, never the sum:

```promql
sum by (queue) (max by (queue, priority) (trafficjobs_queue_depth))
max by (operation) (rate(trafficjobs_jobs_completed_total[5m]))
histogram_quantile(0.95, max by (le, operation) (rate(trafficjobs_job_wait_seconds_bucket[5m])))
```

While Redis is away only `trafficjobs_redis_up` is there, and 0. Scheduled jobs wait for their time and not for their turn, so
they have no priority here.
"""
_PODS = """
## Of each API pod

Requests that this pod has answered, all its processes together: take the sum over the pods.

```promql
  sum by (route) (rate(trafficjobs_http_requests_total{status=~"5.."}[5m]))
/ sum by (route) (rate(trafficjobs_http_requests_total[5m]))
```

`route` is the pattern of the path, empty where there is none such; what could not be read as a request has the method
`other`.
"""
_WORKERS = """
## Of each worker pod

On `WORKER_PORT`, in the chart 9100: what this pod's processes do now, beside `process_*` of its first process. What must
outlive the pod stands above.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *table(of_release()), _PODS, *table(of_pod()), _WORKERS, *table(of_worker())]) + "\n"


def of_release() -> Iterator[Metric]:
    """Every metric of a release that has everything."""
    everything: Any = SimpleNamespace(id="", rows=0, created=datetime.now(UTC))
    version: Version = everything
    overdue = Overdue(dict.fromkeys(UPKEEP_TASKS, 0.0), 0)
    return Release({}, {}, {}, [], 0, [], 0.0, overdue, version, _Anything()).collect()


def of_pod() -> Iterator[Metric]:
    """Every metric of an API pod."""
    REQUESTS.labels("GET", "/jobs", "200")
    SECONDS.labels("GET", "/jobs")
    yield from OfRequests().collect()
    yield build_info()


def of_worker() -> Iterator[Metric]:
    """Every metric of a worker pod that is ours."""
    supervisor: Any = SimpleNamespace(children=[], running=list, deaths=Counter(), restarts=0, memory_bytes=lambda: 1)
    links: Any = SimpleNamespace(last_beat=0.0)
    return Processes(supervisor, links).collect()


def table(metrics: Iterable[Metric]) -> list[str]:
    """A row for each metric."""
    rows = ["| metric | type | labels | what |", "|---|---|---|---|"]
    for metric in metrics:
        labels = [f"`{label}`" for label in labels_of(metric)]
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        rows.append(f"| `{name}` | {metric.type} | {', '.join(labels)} | {metric.documentation} |")
    return rows


def labels_of(metric: Metric) -> tuple[str, ...]:
    """The names of its labels."""
    of_samples = metric.samples[0].labels if metric.samples else ()
    return tuple(getattr(metric, "_labelnames", ())) or tuple(name for name in of_samples if name != "le")


class _Anything(dict[str, Any]):
    """What a Redis that tells everything says."""

    def __contains__(self, _field: object) -> bool:
        return True

    def __missing__(self, _field: str) -> int:
        return 0

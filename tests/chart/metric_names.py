"""The metrics that there are, by the code that serves them: the series of each, with its labels."""

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from tools.reference.metrics import labels_of, of_pod, of_release, of_worker

# What Prometheus and the monitors of the chart add to every series.
ADDED = {"namespace", "job", "pod", "instance", "pool"}
Labels = dict[str, set[str]]


def _series(metrics: Iterable[Metric]) -> Labels:
    """The names of series, and the labels of each besides those that are added."""
    found: Labels = {}
    for metric in metrics:
        labels = set(labels_of(metric))
        if metric.type == "histogram":
            found |= {f"{metric.name}_bucket": labels | {"le"}, f"{metric.name}_count": labels, f"{metric.name}_sum": labels}
        else:
            found[f"{metric.name}_total" if metric.type == "counter" else metric.name] = labels
    return found


def of_the_release() -> Labels:
    """What every pod of the API shows of the release."""
    return _series(of_release())


def of_a_pod() -> Labels:
    """What a pod counts for itself: the API its requests, a worker its processes."""
    return _series([*of_pod(), *of_worker()])

"""Metrics of the requests that this instance has answered, counted by all its processes together.

Under gunicorn each process counts in files of its own in a folder that they share; a process that takes the place of another
goes on with the files of that one, so that no number ever falls. Elsewhere there is one process, which counts in its memory.
"""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram, values
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

_PREFIX = "trafficjobs-metrics-"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # from where prometheus_client takes the name of the folder
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
REQUESTS = Counter(
    "trafficjobs_http_requests", "Requests answered, by the pattern of their path.", ("method", "route", "status"), registry=None
)
SECONDS = Histogram(
    "trafficjobs_http_request_duration_seconds",
    "From when a thread took a request to when its answer began.",
    ("method", "route"),
    registry=None,
    buckets=_BUCKETS,
)
_place = 0  # of this process among those that count together


def share() -> Path:
    """Let the processes that are forked from this one count in files of a folder; before anything was counted.

    Where this process has one already, since it was told to read its configuration again, they go on with that.
    """
    folder = Path(os.environ.get(_FOLDER, ""))
    if not (folder.name.startswith(_PREFIX) and folder.is_dir()):
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: _place)  # type: ignore[no-untyped-call]
    return folder


def take_place(number: int) -> None:
    """Called in each process after its fork, with a number that no other one that lives has."""
    global _place
    _place = number


class OfRequests(Collector):
    """What was counted here; a collector for a registry of prometheus_client."""

    def collect(self) -> Iterator[Metric]:
        """Called by prometheus_client."""
        if os.path.isdir(os.environ.get(_FOLDER, "")):  # else there is none, or somebody has tidied up
            yield from MultiProcessCollector(None).collect()  # type: ignore[no-untyped-call]
        else:
            yield from REQUESTS.collect()
            yield from SECONDS.collect()


def install(app: Flask) -> None:
    """Count every request that `app` answers."""
    app.after_request(_count)


def count_refusal(status: int) -> None:
    """Count a request that was answered before the application saw it: what it asked for cannot be told."""
    REQUESTS.labels("other", "", str(status)).inc()


def _count(response: Response) -> Response:
    """Routes are patterns and methods are known ones: no client can make labels."""
    method = request.method if request.method in _METHODS else "other"
    route = request.url_rule.rule if request.url_rule is not None else ""
    REQUESTS.labels(method, route, str(response.status_code)).inc()
    SECONDS.labels(method, route).observe(time.perf_counter() - g.began)
    return response

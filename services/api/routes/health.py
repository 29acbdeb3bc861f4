"""For machines: `/healthz`, `/readyz`, `/metrics`; and `/`, the list of routes.

/healthz says that this process lives and asks nobody. /readyz says whether requests can be served, which is up to Redis
alone: a stopped upkeep, missing data or a Redis that may forget is shown there, and takes no pod out of service.
"""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app, make_response, redirect, request, url_for
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from lib.errors import StoreFull, StoreUnavailable
from lib.metrics.gauges import build_info
from lib.metrics.scrape import Unreachable, release
from services.api.auth import sign_in
from services.api.backend import backend
from services.api.contract import Answer, contract, contract_of
from services.api.forms import wants_page
from services.api.http_metrics import OfRequests
from services.api.replies import json_reply
from services.api.shapes_data import Health, Index, Ready
from services.api.tokens import Role

blueprint = Blueprint("health", __name__)

_PROBE_PATIENCE = 0.5  # seconds; probes ask again soon


@blueprint.get("/healthz")
@contract(role=Role.OPEN, tag="Service", answers={200: Answer("It lives.", Health)}, redis=False)
def healthz() -> Response:
    """200 while the process lives."""
    return json_reply({"status": "ok"})


@blueprint.get("/readyz")
@contract(role=Role.OPEN, tag="Service", answers={200: Answer("It serves.", Ready)})
def readyz() -> Response:
    """200 with what was checked; 503 where Redis is away, loading, or refuses writes."""
    checks: dict[str, Any] = {
        "redis": _redis(),
        "upkeep": {"age_seconds": backend().jobs.upkeep_age()},
        "operations_broken": [{"file": file, "reason": reason} for file, reason in sorted(backend().catalog.broken.items())],
        "data": backend().data_version(),
        "sign_in": {"required": sign_in().tokens is not None, "problem": sign_in().trouble},
    }
    return json_reply({"status": "ready", "checks": checks})


def _redis() -> dict[str, Any]:
    """Only a write tells whether Redis takes writes. A full one still ends jobs and answers."""
    store = backend().store
    try:
        store.persist(lambda: store.records.set(f"{store.prefix}readyz", 1, px=1_000), _PROBE_PATIENCE)
        status = "ok"
    except StoreFull:
        status = "full"
    return {"status": status, **backend().redis_state.look()}


@blueprint.get("/metrics")
@contract(
    role=Role.OPEN,
    tag="Service",
    takes=("Accept",),
    answers={200: Answer("The metrics.", str, media=("text/plain", "application/openmetrics-text"))},
    redis=False,
)
def metrics() -> Response:
    """For Prometheus: those of the release, which are the same from every instance, and those of this instance's requests."""
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    registry = CollectorRegistry()
    for collector in (_of_release(), OfRequests(), _OfProgram()):
        registry.register(collector)
    return Response(encode(registry), content_type=content_type)


def _of_release() -> Collector:
    try:
        return release(backend().jobs, backend().dataset.store, backend().redis_state.info())
    except StoreUnavailable:
        return Unreachable()


class _OfProgram(Collector):
    def collect(self) -> Iterator[Metric]:
        yield build_info()


@blueprint.get("/")
@contract(role=Role.OPEN, tag="Service", answers={200: Answer("The routes.", Index)}, validated=True, redis=False)
def index() -> Response:
    """What there is; a browser is led to the dashboard."""
    response = make_response(redirect(url_for("ui.overview"))) if wants_page() else _routes()
    response.vary.add("Accept")
    return response


def _routes() -> Response:
    rules = sorted(current_app.url_map.iter_rules(), key=lambda rule: (rule.rule, min(rule.methods or [""])))
    routes = [
        {"path": rule.rule, "methods": sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}), "summary": _summary(rule.endpoint)}
        for rule in rules
        if not _is_page(rule.endpoint)
    ]
    return json_reply({"service": "trafficjobs", "routes": routes})


def _is_page(endpoint: str) -> bool:
    declared = contract_of(current_app.view_functions[endpoint])
    return declared is not None and declared.page


def _summary(endpoint: str) -> str:
    kind, _, name = endpoint.partition(".")
    if kind == "direct":
        return backend().catalog.get(name).summary
    return (current_app.view_functions[endpoint].__doc__ or "").partition("\n")[0]

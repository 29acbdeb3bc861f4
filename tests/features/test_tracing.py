"""Spans of requests and runs, where OpenTelemetry's variables switch them on; where they do not, it is never imported."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from lib.settings import Settings
from lib.tracing import wanted
from tests.collector import Collector, Kept, collector
from tests.servers import free_port
from tests.service import Service, whole_service
from tests.waiting import until
from tests.workers import ROOT

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
OPERATIONS = '''
"""What there is to run."""

import logging
import sys

from lib.operations import operation

logger = logging.getLogger("their.own")


@operation(needs_data=False)
def modules() -> list[str]:
    """Modules of OpenTelemetry that this process has imported."""
    logger.info("running")
    return [name for name in sys.modules if name.startswith("opentelemetry")]


@operation(needs_data=False)
def broken() -> None:
    """Fail."""
    raise ValueError("it is broken")
'''
Starting = Callable[..., AbstractContextManager[tuple[Service, httpx.Client]]]


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Starting:
    """Starts a service with more variables; spans are sent at once."""
    (tmp_path / "operations").mkdir()
    (tmp_path / "operations" / "tried.py").write_text(OPERATIONS)

    @contextmanager
    def starting(**more: Any) -> Iterator[tuple[Service, httpx.Client]]:
        more |= {"operations_dir": tmp_path / "operations", "otel_bsp_schedule_delay": 50}
        with whole_service(settings, tmp_path, **more) as running, httpx.Client(base_url=running.url, timeout=30) as http:
            yield running, http

    return starting


def run(http: httpx.Client, operation: str, **headers: str) -> dict[str, Any]:
    """Submit a job and wait for its end; its record."""
    asked = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = http.post("/jobs", json={"operation": operation}, headers={"Prefer": "wait=20"} | asked)
    assert answer.status_code == 202, answer.text
    record: dict[str, Any] = answer.json()
    assert record["ended"], record
    return record


def one(found: Collector, name: str, **attributes: Any) -> Kept:
    """The only span of this name and these attributes, once it has come."""
    (span,) = until(lambda: found.named(name, **attributes), 10, f"the span {name}")
    return span


def test_a_run_is_a_child_of_its_request_and_leads_back_from_the_result(service: Starting) -> None:
    with (
        collector() as found,
        service(otel_exporter_otlp_endpoint=found.url, otel_exporter_otlp_headers="key=value") as (_, http),
    ):
        record = run(http, "modules", traceparent=PARENT, X_Request_ID="r-1")
        asked = one(found, "POST /jobs", trafficjobs__request_id="r-1")
        assert (asked.service, asked.kind, asked.trace, asked.parent) == ("trafficjobs-api", 2, TRACE, PARENT.split("-")[2])
        wanted = {"http.request.method": "POST", "http.route": "/jobs", "http.response.status_code": 202, "url.path": "/jobs"}
        assert asked.attributes.items() >= wanted.items()
        ran = one(found, "run modules", messaging__message__id=record["id"])
        assert (ran.service, ran.kind, ran.trace, ran.parent) == ("trafficjobs-worker", 5, TRACE, asked.id)
        wanted = {"trafficjobs.operation": "modules", "trafficjobs.attempt": 1, "trafficjobs.outcome": "complete"}
        assert ran.attributes.items() >= (wanted | {"messaging.destination.name": "job-queue"}).items()
        assert not ran.failed
        assert record["traceparent"] == f"00-{TRACE}-{ran.id}-01"
        assert http.get(f"/jobs/{record['id']}/results").headers["traceparent"] == record["traceparent"]
        assert "opentelemetry.sdk.trace" in record["result"]
        assert all(headers["key"] == "value" for headers in found.headers)


def test_a_trace_begins_where_none_came_and_a_failure_is_one_of_the_span(service: Starting, tmp_path: Path) -> None:
    with collector() as found, service(otel_exporter_otlp_endpoint=found.url) as (_, http):
        record = run(http, "broken")
        ran = one(found, "run broken")
        asked = one(found, "POST /jobs")
        assert (asked.parent, ran.parent, ran.trace) == ("", asked.id, asked.trace)
        assert (ran.failed, ran.message, ran.attributes["error.type"]) == (True, "it is broken", "ValueError")
        assert not asked.failed
        for path in ("/healthz", "/readyz", "/metrics", "/nowhere?token=secret"):
            http.get(path)
        nowhere = one(found, "GET")
        assert (nowhere.attributes["url.path"], nowhere.attributes["http.response.status_code"]) == ("/nowhere", 404)
        assert not [span for span in found.spans if span.name in ("GET /healthz", "GET /readyz", "GET /metrics")]
        lines = [json.loads(line) for path in tmp_path.glob("*.log") for line in path.read_text().splitlines()]
        traced = [line for line in lines if line.get("trace_id") == asked.trace]
        assert {line["logger"] for line in traced} >= {"trafficjobs.access"}
        run(http, "modules")
        said = [json.loads(line) for line in (tmp_path / "worker.log").read_text().splitlines()]
        (spoken,) = [line for line in said if line["logger"] == "their.own"]
        assert spoken["trace_id"] == one(found, "run modules").trace
        assert record["traceparent"].split("-")[1] == asked.trace


@pytest.mark.parametrize("hangs", [False, True], ids=["away", "hanging"])
def test_a_collector_that_is_away_or_hangs_holds_up_nothing(service: Starting, hangs: bool) -> None:
    with collector() as found:
        found.hangs.set()
        url = found.url if hangs else f"http://127.0.0.1:{free_port()}"
        with service(otel_exporter_otlp_endpoint=url, otel_bsp_max_queue_size=64, otel_bsp_max_export_batch_size=8) as (
            own,
            http,
        ):
            began = time.monotonic()
            records = [run(http, "modules") for _ in range(100)]
            assert time.monotonic() - began < 20
            assert {record["status"] for record in records} == {"complete"}
            other = own.worker(otel_exporter_otlp_endpoint=url)
            with other:
                until(lambda: len(http.get("/workers").json()["workers"]) == 2, 30, "the other worker")
                until(lambda: other.children, 30, "its child")
                began = time.monotonic()
                assert other.stop() == 0
                assert time.monotonic() - began < 8


def test_where_it_is_off_opentelemetry_is_not_imported(service: Starting) -> None:
    with service(otel_sdk_disabled="true", otel_exporter_otlp_endpoint="http://127.0.0.1:4318") as (_, http):
        record = run(http, "modules", traceparent=PARENT)
        assert record["result"] == []
        assert record["traceparent"] == PARENT
    programs = """
import sys
import lib.tracing, services.worker.__main__, services.worker.nursery, services.worker.child, services.api.upkeep
from services.api.app import create_app
from lib.settings import load_settings
lib.tracing.load()
lib.tracing.begin("test")
client = create_app(load_settings(redis_port=1)).test_client()
assert client.get("/operations").status_code == 200
assert client.get("/openapi.json").status_code == 200
lib.tracing.end()
print([name for name in sys.modules if name.startswith("opentelemetry")])
"""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", programs], cwd=ROOT, env=plain, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


@pytest.mark.parametrize(
    ("environment", "where"),
    [
        ({}, ""),
        ({"OTEL_SERVICE_NAME": "x"}, ""),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318"}, "otlp"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, ""),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x:4318/v1/traces"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "Console"}, "console"),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318"}, ""),
        ({"OTEL_SDK_DISABLED": "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://x:4318"}, ""),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "console"}, ""),
        ({"OTEL_SDK_DISABLED": "false", "OTEL_TRACES_EXPORTER": "console"}, "console"),
    ],
)
def test_the_variables_that_switch_it_on_and_off(environment: dict[str, str], where: str) -> None:
    assert wanted(environment) == where

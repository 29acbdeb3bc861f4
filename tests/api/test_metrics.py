"""/metrics: what it counts, in which form, at which cost, and what is left of it while Redis is away."""

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from lib.errors import StoreUnavailable
from lib.jobs import Jobs
from lib.metrics.counters import COUNTERS
from lib.scripts import FOLDER
from tests.api.conftest import CSV, backend_of, claim, end, fail, submit
from tests.commands import commands_sent
from tests.servers import Server

TASKS = {"promote": 30, "reap": 40, "expire": 50, "fire": 60, "deliver": 70, "settle": 80}
OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def samples(client: FlaskClient) -> dict[tuple[str, tuple[str, ...]], float]:
    """Every sample of /metrics, by its name and its sorted label values."""
    text = client.get("/metrics").text
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_metrics_count_what_became_of_every_job(client: FlaskClient, queue: Jobs) -> None:
    for _ in range(2):
        submit(client)
        end(queue)
    submit(client, "top_locations", priority="high")
    fail(queue)
    client.post(f"/jobs/{submit(client)}/cancel")
    submit(client, priority="low")
    submit(client, run_in=100)
    found = samples(client)
    assert found["trafficjobs_jobs_submitted_total", ("unique_issues", "job-queue")] == 5
    assert found["trafficjobs_jobs_completed_total", ("unique_issues",)] == 2
    assert found["trafficjobs_jobs_failed_total", ("top_locations", "exception")] == 1
    assert found["trafficjobs_jobs_cancelled_total", ("unique_issues",)] == 1
    assert found["trafficjobs_jobs", ("complete",)] == 2
    assert found["trafficjobs_jobs", ("scheduled",)] == 1
    assert found["trafficjobs_queue_depth", ("low", "job-queue")] == 1
    assert found["trafficjobs_queue_depth", ("normal", "job-queue")] == 0  # the cancelled one is listed still, and dead
    assert found["trafficjobs_queue_scheduled", ("job-queue",)] == 1
    assert found["trafficjobs_queue_paused", ("job-queue",)] == 0
    assert found["trafficjobs_queue_oldest_age_seconds", ("low", "job-queue")] > 0
    assert found["trafficjobs_queue_oldest_age_seconds", ("high", "job-queue")] == 0


def test_metrics_count_foreign_entries_as_waiting(client: FlaskClient, queue: Jobs) -> None:
    queue.store.queues.rpush(f"hotqueue:{queue.store.prefix}job-queue", b'{"type":"print","msg":"x"}')
    assert samples(client)["trafficjobs_queue_depth", ("normal", "job-queue")] == 1


def test_histograms_are_cumulative_and_end_in_their_count(client: FlaskClient, queue: Jobs) -> None:
    metrics = f"{queue.store.prefix}metrics"
    queue.store.records.hset(
        metrics, mapping={"run|op|0.001": 1, "run|op|0.5": 2, "run|op|1": 3, "run|op|+Inf": 4, "run_us|op": 2_500_000}
    )
    buckets = {
        float(labels[0]): value
        for (name, labels), value in samples(client).items()
        if name == "trafficjobs_job_run_seconds_bucket"
    }
    assert list(buckets.values()) == sorted(buckets.values())
    assert (buckets[0.001], buckets[0.25], buckets[0.5], buckets[1.0], buckets[1800.0], buckets[float("inf")]) == (
        1,
        1,
        3,
        6,
        6,
        10,
    )
    assert samples(client)["trafficjobs_job_run_seconds_sum", ("op",)] == 2.5
    assert samples(client)["trafficjobs_job_run_seconds_count", ("op",)] == 10


def test_a_run_is_observed_in_both_histograms(client: FlaskClient, queue: Jobs) -> None:
    submit(client)
    end(queue)
    found = samples(client)
    for kind in ("wait", "run"):
        assert found[f"trafficjobs_job_{kind}_seconds_count", ("unique_issues",)] == 1
        assert 0 <= found[f"trafficjobs_job_{kind}_seconds_sum", ("unique_issues",)] < 5


def test_every_counter_of_the_scripts_is_shown(client: FlaskClient, queue: Jobs) -> None:
    """A counter that a script gains and the metrics do not know would be lost in silence."""
    text = "".join(path.read_text() for path in FOLDER.rglob("*.lua"))
    literal = set(re.findall(r"count\('([a-z_]+)[|']", text))
    assert literal <= set(COUNTERS)
    assert set(COUNTERS) - literal == {"failed", "cancelled"}  # written as a status


def test_metrics_speak_openmetrics_when_asked(client: FlaskClient) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_the_rows_of_the_data_are_a_metric(loaded: FlaskClient) -> None:
    assert samples(loaded)["trafficjobs_dataset_rows", ()] == CSV.count(b"\n") - 1


def test_what_runs_and_what_waits_is_told_by_priority(client: FlaskClient, queue: Jobs) -> None:
    for priority in ("high", "normal", "normal"):
        submit(client, priority=priority)
    claim(queue)
    queue.claim("second", "worker", queue.settings.all_queues)
    found = samples(client)
    flight = {priority: found["trafficjobs_queue_in_flight", (priority, "job-queue")] for priority in ("high", "normal", "low")}
    assert flight == {"high": 1, "normal": 1, "low": 0}
    assert found["trafficjobs_queue_depth_limit", ("job-queue",)] == queue.settings.queue_limit


def test_workers_are_counted_by_what_they_serve(client: FlaskClient, queue: Jobs) -> None:
    queue.beat("one", {"children": 2, "queues": ["job-queue"]}, [])
    queue.beat("two", {"children": 3, "queues": ["other"]}, [])
    queue.beat("two", {"children": 3, "queues": ["other"], "draining": True}, [])
    found = samples(client)
    assert found["trafficjobs_workers", ()] == 2
    assert found["trafficjobs_workers_draining", ()] == 1
    assert found["trafficjobs_children", ()] == 5
    assert found["trafficjobs_queue_workers", ("job-queue",)] == 1
    assert found["trafficjobs_worker_starts_total", ()] == 2


def test_restarts_of_nurseries_are_counted_once_however_often_they_are_told(client: FlaskClient, queue: Jobs) -> None:
    for restarts in (0, 2, 2, 3):
        queue.beat("one", {}, [], restarts)
    queue.beat("two", {}, [], 1)
    assert samples(client)["trafficjobs_nursery_restarts_total", ()] == 4
    queue.leave("one")
    assert samples(client)["trafficjobs_nursery_restarts_total", ()] == 4


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        ({"oom_killed": True, "signal": "SIGKILL"}, "oom"),
        ({"oom_killed": False, "signal": "SIGSEGV"}, "signal"),
        ({"oom_killed": False, "exit_code": 3}, "exit"),
        ({"oom_killed": None}, "unknown"),
    ],
)
def test_deaths_are_counted_by_their_cause_once(client: FlaskClient, queue: Jobs, evidence: dict[str, Any], reason: str) -> None:
    submit(client)
    taken = claim(queue)
    for _ in range(2):  # the first reply may have been lost
        queue.bury("child", taken.token, "crash", "crash", evidence | {"summary": "killed"})
    found = samples(client)
    assert found["trafficjobs_child_deaths_total", (reason,)] == 1
    assert found["trafficjobs_jobs_crashed_total", ("unique_issues", reason)] == 1


def test_a_child_that_left_by_itself_is_no_death_and_one_that_was_stopped_is_told_apart(client: FlaskClient, queue: Jobs) -> None:
    queue.bury("worn out", "", "crash", "crash", {"oom_killed": False, "exit_code": 0})
    queue.bury("stopped", "", "released", "cancelled", {})
    deaths = {name: value for name, value in samples(client).items() if name[0] == "trafficjobs_child_deaths_total"}
    assert deaths == {("trafficjobs_child_deaths_total", ("stopped",)): 1}


def test_what_upkeep_has_left_undone_is_told_by_task(client: FlaskClient, queue: Jobs) -> None:
    assert {value for (name, _), value in samples(client).items() if name == "trafficjobs_upkeep_lag_seconds"} == {0}
    prefix, now = queue.store.prefix, time.time()
    submit(client, run_in=60)
    queue.store.queues.zadd(f"{prefix}job-queue.scheduled", {"due": now - 30})
    queue.store.queues.zadd(f"{prefix}job-queue.leases", {"lost": now - 40})
    queue.store.records.zadd(f"{prefix}jobs.expiry", {"old": now - 50})
    queue.store.records.zadd(f"{prefix}schedules.due", {"daily": now - 60})
    queue.store.records.zadd(f"{prefix}deliveries.due", {"told": now - 70, "later": now + 70})
    queue.store.records.zadd(f"{prefix}dependents.due", {"parent": (now - 80) * 1e6})
    found = samples(client)
    lag = {task: found["trafficjobs_upkeep_lag_seconds", (task,)] for task in TASKS}
    assert lag == pytest.approx(TASKS, abs=5)
    assert found["trafficjobs_deliveries_pending", ()] == 2
    queue.pause("job-queue")
    assert samples(client)["trafficjobs_upkeep_lag_seconds", ("promote",)] == 0


def test_the_data_and_redis_are_told(loaded: FlaskClient) -> None:
    found = samples(loaded)
    (version,) = [labels[0] for name, labels in found if name == "trafficjobs_dataset_info"]
    assert version == loaded.get("/readyz").get_json()["checks"]["data"]
    assert 0 <= found["trafficjobs_dataset_age_seconds", ()] < 60
    assert found["trafficjobs_redis_up", ()] == found["trafficjobs_redis_aof_enabled", ()] == 1
    assert found["trafficjobs_redis_aof_last_write_ok", ()] == found["trafficjobs_redis_aof_last_rewrite_ok", ()] == 1
    assert found["trafficjobs_redis_used_memory_bytes", ()] > 100_000
    assert found["trafficjobs_redis_evicted_keys_total", ()] == 0
    (labels,) = [labels for name, labels in found if name == "trafficjobs_redis_info"]
    assert labels[0] == "noeviction"


def test_without_data_there_are_no_rows(client: FlaskClient) -> None:
    assert not [name for name, _ in samples(client) if name.startswith("trafficjobs_dataset")]


def test_a_traced_job_is_the_example_of_its_buckets(client: FlaskClient, queue: Jobs) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    submit(client)
    jid = submit(client)
    queue.store.records.hset(f"{queue.store.prefix}job.{jid}", "traceparent", f"00-{trace}-00f067aa0ba902b7-01")
    end(queue)
    assert "trace_id" not in client.get("/metrics", headers=OPENMETRICS).text
    end(queue)
    found = [
        sample
        for family in openmetrics(client.get("/metrics", headers=OPENMETRICS).text)
        for sample in family.samples
        if sample.exemplar is not None
    ]
    assert [sample.name for sample in found] == ["trafficjobs_job_wait_seconds_bucket", "trafficjobs_job_run_seconds_bucket"]
    for sample in found:
        assert sample.exemplar.labels == {"trace_id": trace}
        assert sample.exemplar.value <= float(sample.labels["le"])
        assert abs(float(sample.exemplar.timestamp) - time.time()) < 60


def test_openmetrics_has_a_help_and_a_type_for_everything_and_units(loaded: FlaskClient, queue: Jobs) -> None:
    submit(loaded)
    end(queue)
    families = {family.name: family for family in openmetrics(loaded.get("/metrics", headers=OPENMETRICS).text)}
    assert all(family.documentation.endswith(".") and family.type != "unknown" for family in families.values())
    assert families["trafficjobs_job_wait_seconds"].unit == "seconds"
    wanted = {name for name, _, _ in COUNTERS.values()}
    assert wanted <= families.keys()


def test_requests_are_counted_by_the_pattern_of_their_path(client: FlaskClient) -> None:
    before = samples(client)
    jid = submit(client)
    for path in (f"/jobs/{jid}", "/jobs/nobody", "/no/such/path", "/nor/this/one"):
        client.get(path)
    client.open("/jobs", method="BREW")
    after = samples(client)

    def more(method: str, route: str, status: str) -> float:
        key = ("trafficjobs_http_requests_total", (method, route, status))
        return after[key] - before.get(key, 0)

    assert more("POST", "/jobs", "202") == 1
    assert (more("GET", "/jobs/<jid>", "200"), more("GET", "/jobs/<jid>", "404")) == (1, 1)
    assert more("GET", "", "404") == 2
    assert not [labels for name, labels in after if name.startswith("trafficjobs_http") and "BREW" in labels]
    key = ("trafficjobs_http_request_duration_seconds_count", ("POST", "/jobs"))
    assert after[key] - before.get(key, 0) == 1


def test_a_scrape_sends_as_many_commands_with_many_jobs_as_with_none(server: Server, client: FlaskClient, queue: Jobs) -> None:
    def cost() -> list[str]:
        client.get("/metrics")  # its connections are made
        with commands_sent(server.port) as sent:
            client.get("/metrics")
        return [name for name in sent if name not in ("INFO", "PING")]  # asked every few seconds, if at all

    submit(client)
    few = cost()
    for _ in range(300):
        submit(client)
    assert cost() == few
    assert len(few) < 30


def test_without_redis_metrics_say_so_and_those_of_requests_go_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    client.get("/healthz")
    monkeypatch.setattr(backend_of(app).store, "persist", _away)
    answer = client.get("/metrics")
    found = samples(client)
    assert answer.status_code == 200
    assert found["trafficjobs_redis_up", ()] == 0
    assert found["trafficjobs_http_requests_total", ("GET", "/healthz", "200")] > 0
    rest = {name for name, _ in found if not name.startswith("trafficjobs_http")}
    assert rest == {"trafficjobs_redis_up", "trafficjobs_build_info"}


def _away(_action: Callable[[], Any], _patience: float) -> Any:
    raise StoreUnavailable("Redis does not answer")

"""The board's queries, asked of a real Prometheus after a load whose jobs are known: they say what the records say.

Two instances of the API are scraped, as in the chart: whatever adds them up where it must not shows twice as much.
"""

import math
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from lib.scripts import BUCKETS
from lib.settings import load_settings
from tests.api.conftest import CSV
from tests.chart import promtool
from tests.chart.board import panels, queries
from tests.chart.rendering import FULL, NAMESPACE
from tests.features.prometheus import Prometheus, needed, prometheus
from tests.servers import Server, free_port
from tests.service import serving, whole_service
from tests.waiting import until
from trafficjobs import Client

OPERATIONS = Path(__file__).parent / "operations"
COUNTED = "echo|flaky|gate|in_c_code"  # operations whose jobs are claimed once each
GAP = 30.0  # seconds between two loads; a rate over a window errs by a scrape, one second, of its length
Values = dict[str, float]
pytestmark = [needed, pytest.mark.slow, pytest.mark.once, pytest.mark.timeout(300)]


@dataclass
class Loaded:
    """What was seen at one time: the records, and the Prometheus that knows what was scraped until then."""

    prometheus: Prometheus
    records: list[dict[str, Any]]
    at: float
    window: int

    def ask(self, expr: str) -> Values:
        """Series by the values of their labels, in the order of the labels' names."""
        return {
            "/".join(value for _, value in sorted(labels)): value for labels, value in self.prometheus.ask(expr, self.at).items()
        }

    def standing(self, *statuses: str) -> list[dict[str, Any]]:
        return [each for each in self.records if each["status"] in statuses]

    def ended(self, *statuses: str) -> list[dict[str, Any]]:
        """Those of the second load."""
        return [each for each in self.standing(*statuses) if seconds(each["ended"]) > self.at - self.window]


def seconds(moment: str | None) -> float:
    return datetime.fromisoformat(moment).timestamp() if moment else 0.0


@pytest.fixture(scope="module")
def loaded(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    folder = tmp_path_factory.mktemp("board")
    settings = load_settings(
        redis_ip="127.0.0.1",
        redis_port=server.port,
        key_prefix=f"board{os.getpid()}:",
        result_cache=False,
        worker_state_dir=folder / "worker",
        data_cache=folder / "cache",
    )
    more = {"operations_dir": OPERATIONS, "queues": "bulk", "worker_port": free_port(), "worker_children": 2}
    with whole_service(settings, folder, **more) as service, serving(settings, folder, **more) as second:
        addresses = [urlsplit(each.url).netloc for each in (service, second)]
        targets = {f"{FULL}-api": addresses, f"{FULL}-worker": [f"127.0.0.1:{more['worker_port']}"]}
        with Client(service.url) as client, prometheus(folder / "prometheus", targets, {"namespace": NAMESPACE}) as asked:
            yield _load(client, asked, folder)
            (folder / "open").touch()


def _load(client: Client, asked: Prometheus, folder: Path) -> Loaded:
    """Two loads alike, so that every series is there when the second one begins; only that one lies within the window."""
    data = folder / "incidents.csv"
    data.write_bytes(CSV)
    client.load(data).wait(60)
    _submit(client, 2)
    time.sleep(GAP)
    began = time.time()
    _submit(client, 20)
    client.pause("bulk")
    for priority in ("high", "normal", "normal", "low"):
        client.submit("echo", queue="bulk", priority=priority)
    client.submit("echo", run_in=3_600)
    gate = client.submit("gate", path=str(folder / "open"), seconds=250)
    until(lambda: gate.refresh().status == "in-progress", 30, "a job that runs")
    asked.wait_for_scrape(time.time())
    at = time.time()
    return Loaded(asked, [dict(job.record) for job in client.jobs()], at, math.ceil(at - began + GAP - 3))


def _submit(client: Client, times: int) -> None:
    cancelled = [client.submit("echo", run_in=3_600).cancel() for _ in range(times)]
    jobs = [client.submit("in_c_code", seconds=0.02 * (n % 5 + 1), priority="high") for n in range(times)]
    jobs += [client.submit("flaky", times=1_000) for _ in range(times)]
    jobs += [client.submit("echo", value=n, priority="low") for n in range(2 * times)]
    jobs.append(client.submit("crash", times=1))
    for job in jobs:
        job.wait(120)
    assert {job.refresh().status for job in cancelled} == {"cancelled"}


def by(records: list[dict[str, Any]], *fields: str) -> Values:
    return {key: float(count) for key, count in Counter("/".join(each[field] for field in fields) for each in records).items()}


def rate(loaded: Loaded, *statuses: str) -> float:
    return len([each for each in loaded.ended(*statuses) if each["operation"] in COUNTED]) / loaded.window


def quantile(q: float, values: list[float]) -> float:
    """As histogram_quantile estimates it from the buckets: within the bucket in which it lies, along a straight line."""
    wanted, before, low = q * len(values), 0, 0.0
    for bound in BUCKETS:
        until_here = sum(value <= bound for value in values)
        if until_here >= wanted:
            return low + (bound - low) * (wanted - before) / (until_here - before)
        before, low = until_here, bound
    return BUCKETS[-1]


def waits(loaded: Loaded) -> list[float]:
    started = [each for each in loaded.records if seconds(each["started"]) > loaded.at - loaded.window]
    return [seconds(each["started"]) - seconds(each["submitted"]) for each in started if each["operation"] in COUNTED]


def runs(loaded: Loaded, operation: str) -> list[float]:
    ended = [each for each in loaded.ended("complete", "failed") if each["operation"] == operation]
    return [seconds(each["ended"]) - seconds(each["started"]) for each in ended]


def quantiles(loaded: Loaded, q: float) -> Values:
    operations = {each["operation"] for each in loaded.ended("complete", "failed")} - {"crash"}
    return {operation: quantile(q, runs(loaded, operation)) for operation in operations}


def oldest(loaded: Loaded) -> Values:
    found = {f"{priority}/{queue}": 0.0 for priority in ("high", "normal", "low") for queue in ("bulk", "job-queue")}
    for each in loaded.standing("submitted"):
        key = f"{each['priority']}/{each['queue']}"
        found[key] = max(found[key], loaded.at - seconds(each["submitted"]))
    return found


def depth(loaded: Loaded) -> Values:
    return dict.fromkeys(oldest(loaded), 0.0) | by(loaded.standing("submitted"), "priority", "queue")


def failed(loaded: Loaded) -> Values:
    both = rate(loaded, "failed"), rate(loaded, "complete")
    return {"": both[0] / sum(both)}


# What each query of each panel about jobs shall say, in the order of the queries.
Expected = Callable[[Loaded], Values]
EXPECTED: dict[str, list[Expected]] = {
    "Waiting": [lambda found: {"": float(len(found.standing("submitted")))}],
    "Oldest wait": [lambda found: {"": max(oldest(found).values())}],
    "Running": [lambda found: {"": float(len(found.standing("in-progress")))}],
    "Workers": [lambda _: {"": 1.0}],
    "Completed": [lambda found: {"": rate(found, "complete")}],
    "Failed": [failed],
    "API pods": [lambda _: {"": 2.0}],
    "Waiting by queue": [depth],
    "In and out": [
        lambda found: {"": submitted(found)},
        lambda found: {"": rate(found, "complete")},
        lambda found: {"": rate(found, "failed")},
        lambda found: {"": rate(found, "cancelled")},
    ],
    "Wait until start": [
        lambda found: {"": quantile(0.5, waits(found))},
        lambda found: {"": quantile(0.95, waits(found))},
        lambda found: {"": quantile(0.99, waits(found))},
    ],
    "Run": [lambda found: quantiles(found, 0.5), lambda found: quantiles(found, 0.95)],
    "Ended": [
        lambda found: {"": rate(found, "complete")},
        lambda found: {"exception": rate(found, "failed")},
        lambda found: {"": rate(found, "cancelled")},
    ],
    "Oldest wait by queue": [oldest],
    "Not in line": [
        lambda found: {"": float(len(found.standing("scheduled")))},
        *[lambda _: {"": 0.0}] * 3,
    ],
    # Neither operation was lost, late or crashed; `crash` is asked below.
    "Lost, late and crashed": [lambda _: {}] * 3,
}
# Recorded by rules over 30 days, which promtool plays in tests/chart.
ELSEWHERE = {"SLO budget left"}


def submitted(loaded: Loaded) -> float:
    within = [each for each in loaded.records if seconds(each["submitted"]) > loaded.at - loaded.window]
    return len([each for each in within if each["operation"] in COUNTED]) / loaded.window


def about_jobs() -> list[str]:
    """Titles of the panels under the first two rows."""
    titles = [panel["title"] for panel in panels()]
    return [title for title in titles[: titles.index("Workers and children")] if title not in ELSEWHERE]


@pytest.mark.parametrize("panel", about_jobs())
def test_a_panel_about_jobs_says_what_the_records_say(loaded: Loaded, panel: str) -> None:
    asked = [query for query in queries(operation=COUNTED, __rate_interval=f"{loaded.window}s") if query.panel == panel]
    assert len(asked) == len(EXPECTED[panel])
    for query, expected in zip(asked, EXPECTED[panel], strict=True):
        near = 3 if "_age_" in query.expr else 0.002  # seconds: an age is that of the last scrape
        assert loaded.ask(query.expr) == pytest.approx(expected(loaded), rel=0.1, abs=near), query


def test_a_crash_is_on_the_board(loaded: Loaded) -> None:
    asked = [query.expr for query in queries(operation="crash", __rate_interval=f"{loaded.window}s")]
    (expr,) = [expr for expr in asked if "jobs_crashed" in expr]
    assert loaded.ask(expr) == pytest.approx({"signal": 1 / loaded.window}, rel=0.1)


def test_depth_and_latency_in_plain_words_of_promql(loaded: Loaded) -> None:
    """The queries of docs/metrics.md."""
    depths = loaded.ask("sum by (queue) (max by (queue, priority) (trafficjobs_queue_depth))")
    assert depths == {"bulk": 4, "job-queue": 0}
    window = f"[{loaded.window}s]"
    expr = f"histogram_quantile(0.95, max by (le, operation) (rate(trafficjobs_job_run_seconds_bucket{window})))"
    found = loaded.ask(expr)
    assert {name: found[name] for name in ("in_c_code", "echo")} == pytest.approx(
        {name: quantile(0.95, runs(loaded, name)) for name in ("in_c_code", "echo")}, rel=0.1
    )


def test_every_other_panel_has_its_data(loaded: Loaded) -> None:
    rest = [query for query in queries(__rate_interval=f"{loaded.window}s") if query.panel not in {*about_jobs(), *ELSEWHERE}]
    silent = {"Deliveries", "Refusals and errors"}  # there were none
    for query in rest:
        assert loaded.ask(query.expr) or query.panel in silent, query


def test_promtool_has_no_complaint_about_the_metrics(loaded: Loaded) -> None:
    for target in loaded.prometheus.targets():
        text = httpx.get(f"http://{target}/metrics", timeout=10).text
        assert promtool.PROMTOOL
        done = subprocess.run([promtool.PROMTOOL, "check", "metrics"], input=text, capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")

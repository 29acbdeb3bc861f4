"""More requests than the service can answer: each is answered or refused within seconds, and what was accepted is there.

A process answers what it can and keeps as many waiting as it answers in a second or two; the rest hears 503 at once, or 429 where
the queue is full. `TRAFFICJOBS_LOAD=1` prints the figures of docs/load.md.
"""

import os
import statistics
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.api.crowd import CROWD, PROCESSES, Api, Probe, gunicorn
from tests.load.generator import READ_EVERY, Answer, Plan, generate
from tests.servers import Server
from tests.waiting import until

RATE, SECONDS = 2_000, 10.0
WITHIN = 10.0  # seconds: what is promised; a slow machine may take five times as long, but nobody is left without an answer
PROBE_TIMEOUT = 5 * 5.0  # seconds: five times that of the chart's liveness probe
LIMIT = 3_000  # jobs that may wait


@pytest.fixture
def api(server: Server, tmp_path: Path) -> Iterator[Api]:
    with gunicorn(server, tmp_path, queue_limit=LIMIT, log_level="warning") as made:
        until(lambda: len(made.process.children()) == PROCESSES, 20, "both processes")
        yield made


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.alone
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "plan",
    [Plan(0, 4.0, clients=CROWD, patience=5 * WITHIN), Plan(0, SECONDS, rate=RATE, patience=5 * WITHIN)],
    ids=["five hundred clients", "two thousand requests a second"],
)
def test_too_many_requests_are_answered_or_refused_and_what_is_accepted_is_there(api: Api, tmp_path: Path, plan: Plan) -> None:
    before = {child.pid for child in api.process.children()}
    with Probe(api.url, ["/healthz", "/readyz"], every=0.5, timeout=PROBE_TIMEOUT) as probe:
        answers = generate(Plan(**vars(plan) | {"port": api.port}), tmp_path)
    _print(plan, answers, probe)
    found = Counter(each.status for each in answers)
    assert set(found) <= {200, 202, 429, 503}, found
    assert all(each.retry for each in answers if each.status in (429, 503))
    assert found[503] or max(each.seconds for each in answers) < WITHIN
    accepted = [each.job for each in answers if each.job]
    assert accepted
    assert sorted(accepted) == sorted(_listed(api))
    assert {status for status, _ in probe.answers} == {200}, probe.answers
    assert {child.pid for child in api.process.children()} == before
    assert requests.get(f"{api.url}/readyz", timeout=5).status_code == 200


def _listed(api: Api) -> list[str]:
    """Ids of all jobs."""
    return [jid.decode() for jid in api.queue.store.records.zrange(f"{api.settings.key_prefix}jobs", 0, -1)]


def _print(plan: Plan, answers: list[Answer], probe: Probe) -> None:
    if not os.environ.get("TRAFFICJOBS_LOAD"):
        return
    span = max(each.sent for each in answers)
    print(f"\n{plan}\n{len(answers):,} requests in {span:.1f} s, {len(answers) / span:,.0f} a second, one of {READ_EVERY} reads")
    late = max(each.sent - each.due for each in answers)
    print(f"latest request was sent {late:.2f} s after its time")
    for status, count in sorted(Counter(each.status for each in answers).items()):
        times = sorted(each.seconds for each in answers if each.status == status)
        at = [times[min(len(times) - 1, int(part * len(times)))] for part in (0.5, 0.9, 0.99, 1.0)]
        print(
            f"  {status}: {count:>7,}   "
            + "  ".join(f"{name} {1_000 * value:,.0f} ms" for name, value in zip(("p50", "p90", "p99", "max"), at, strict=True))
        )
    print(
        f"  probes: median {1_000 * statistics.median(t for _, t in probe.answers):.0f} ms, "
        f"longest {1_000 * max(t for _, t in probe.answers):.0f} ms, {dict(Counter(s for s, _ in probe.answers))}"
    )

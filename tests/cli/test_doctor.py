"""What `doctor` says about a service that is not well, thing by thing."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cli.conftest import Shell
from tests.cli.fakes import answering, serving


def queue(**more: Any) -> dict[str, Any]:
    return {"name": "q", "depth": 0, "running": 0, "paused": False, "oldest_age": 0.0, "unserved": 0, "rejected": 0} | more


def worker(age: float = 1.0) -> dict[str, Any]:
    """A worker whose last beat was `age` seconds ago when it is asked for."""
    return {"name": "w", "age": age, "children": 2}


def now(said: dict[str, Any]) -> dict[str, Any]:
    """What the service says at this moment."""
    moment, workers = datetime.now(UTC), said["/workers"]["workers"]
    beats = [one | {"beat": (moment - timedelta(seconds=one["age"])).isoformat()} for one in workers]
    return said | {"/workers": {"workers": beats}}


def pages(
    queues: list[dict[str, Any]] | None = None, workers: list[dict[str, Any]] | None = None, **checks: Any
) -> dict[str, Any]:
    """What a service says that is well, but for what is given."""
    told = {"redis": "ok", "upkeep": {"age_seconds": 1.0}, "operations_broken": [], "data": "v-1"} | checks
    return {
        "/readyz": {"status": "ready", "checks": told},
        "/queues": {"queues": [queue()] if queues is None else queues},
        "/workers": {"workers": [worker()] if workers is None else workers},
    }


SICK: list[tuple[dict[str, Any], str]] = [
    (pages(redis="full"), "✗ redis: full → give it more memory"),
    (pages(redis={"status": "ok", "maxmemory_policy": "allkeys-lru"}), "✗ redis: maxmemory-policy is allkeys-lru → set"),
    (pages(redis={"status": "ok", "warnings": ["the append-only file is off; set appendonly yes"]}), "✗ redis: the append-only"),
    (pages(upkeep={"age_seconds": None}), "✗ upkeep: never seen → start the upkeep process"),
    (pages(upkeep={"age_seconds": 90.0}), "✗ upkeep: seen 1.5 min ago"),
    (pages(data=None), "✗ data: none is loaded → trafficjobs load FILE"),
    (pages(operations_broken=[{"file": "mine.py", "reason": "no name"}]), "✗ operations: mine.py: no name → repair"),
    (pages(workers=[worker(36_000)]), "✗ workers: w was silent for 10.0 h → look at its log"),
    (pages([queue(depth=3)], []), "✗ workers: none beats, and 3 jobs wait → start one"),
    (pages([queue(paused=True)]), "✗ queue q: paused; 0 wait, 0 run → trafficjobs resume q"),
    (pages([queue(unserved=2)]), "✗ queue q: 2 jobs that no worker can run → start a worker that knows"),
    (pages([queue(rejected=1)]), "✗ queue q: 1 entries that could not be read → look at what stands in q.rejected"),
    (pages([queue(depth=9, oldest_age=7200.0)]), "✗ queue q: 9 wait, 0 run, the oldest for 2.0 h → start more workers"),
    (pages() | {"Date": "Sat, 01 Jan 2000 00:00:00 GMT"}, "ahead of the service's → set the clock"),
]


@pytest.mark.parametrize(("said", "line"), SICK, ids=range(len(SICK)))
def test_what_is_wrong_is_named_with_its_remedy(bare: Shell, said: dict[str, Any], line: str) -> None:
    with serving(now(said)) as url:
        answer = bare("doctor", "--url", url)
    assert answer.code == 1
    assert line in answer.out
    assert answer.out.count("✗") == 1


@pytest.mark.parametrize(
    "said",
    [
        pages(),
        pages(redis={"status": "ok", "maxmemory_policy": "noeviction"}, data={"version": "v-1"}),
        pages(workers=[]),  # scaled to zero
        pages([queue(depth=3, paused=False, oldest_age=2.0)]),
        {**pages(), "/readyz": {"status": "ready", "checks": {}}},  # it tells nothing
    ],
)
def test_what_is_well_is_not_complained_about(bare: Shell, said: dict[str, Any]) -> None:
    with serving(now(said)) as url:
        answer = bare("doctor", "--url", url)
    assert (answer.code, "✗" in answer.out) == (0, False), answer.out


def test_a_service_that_cannot_serve_is_exit_code_5(bare: Shell) -> None:
    problem: dict[str, object] = {"type": "/problems/store-unavailable", "title": "x", "detail": "Redis does not answer."}
    with answering(503, problem) as url:
        answer = bare("doctor", "--url", url)
    assert answer.code == 5
    assert "✗ ready: Redis does not answer. → see that Redis runs" in answer.out


def test_a_token_on_an_open_line_is_told(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAFFICJOBS_TOKEN", "tj_x")
    answer = bare("doctor", "--url", "http://service.example:1", "--patience", 0)
    assert "✗ address: http://service.example:1" in answer.out
    assert "the token goes unencrypted → use an https:// address" in answer.out
    for near in ("http://[::1]:1", "http://localhost:1", "http://jobs.default.svc:1", "https://service.example:1"):
        assert "✗ address" not in bare("doctor", "--url", near, "--patience", 0).out

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
    (pages(operations_broken=[{"file": "mine.py", "reason": "no name"}]), "✗ operations: mine.py: no name → repair"),
    (
        pages(workers=[worker(1) | {"operations_broken": [{"file": "mine.py", "reason": "no torch"}]}]),
        "✗ operations of w: mine.py: no torch → repair",
    ),
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


def examined(*found: dict[str, str]) -> dict[str, Any]:
    """A service that is well from outside, and has found this itself."""
    return pages() | {"/doctor": {"status": "failed", "checks": list(found)}}


def finding(status: str, check: str = "eviction") -> dict[str, str]:
    return {"check": check, "status": status, "seen": "what was seen", "remedy": "" if status == "ok" else "what to do"}


@pytest.mark.parametrize(
    ("status", "line", "code", "strictly"),
    [
        ("ok", "✓ eviction: what was seen\n", 0, 0),
        ("unknown", "? eviction: what was seen → what to do\n", 0, 0),
        ("warning", "! eviction: what was seen → what to do\n", 0, 1),
        ("failed", "✗ eviction: what was seen → what to do\n", 1, 1),
        ("of a newer service", "? eviction: what was seen → what to do\n", 0, 0),
    ],
)
def test_what_the_service_has_found_is_shown_after_what_is_seen_from_here(
    bare: Shell, status: str, line: str, code: int, strictly: int
) -> None:
    with serving(now(examined(finding(status)))) as url:
        answer, strict, told = (
            bare("doctor", "--url", url),
            bare("doctor", "--url", url, "--strict"),
            bare("doctor", "--url", url, "--json"),
        )
    assert (answer.code, strict.code) == (code, strictly)
    assert answer.out.endswith(line)
    assert told.json["checks"][-1]["status"] == status
    assert (told.json["ok"], told.code) == (code == 0, code)


def test_what_both_look_at_is_told_once(bare: Shell) -> None:
    said = examined(finding("failed", "upkeep"), finding("ok", "workers"), finding("ok", "data"))
    said["/readyz"]["checks"] |= {"upkeep": {"age_seconds": None}, "data": None}
    with serving(now(said)) as url:
        answer = bare("doctor", "--url", url)
    assert [answer.out.count(f" {name}: ") for name in ("upkeep", "workers", "data")] == [1, 1, 1]
    assert "✗ upkeep: what was seen → what to do" in answer.out


@pytest.mark.parametrize(
    ("status", "problem", "why"),
    [(403, "forbidden", "take a token of the role admin"), (404, "not-found", "bring it up to the version of this program")],
)
def test_a_token_and_a_service_that_do_not_reach_so_far_get_the_rest_and_a_word(
    bare: Shell, status: int, problem: str, why: str
) -> None:
    refusal = {"type": f"/problems/{problem}", "title": "No", "detail": "This is not for you."}
    headers = {"Content-Type": "application/problem+json"}
    with serving(now(pages()), (status, refusal, headers)) as url:
        answer = bare("doctor", "--url", url, "--strict")
    assert answer.code == 0
    assert "✓ upkeep" in answer.out
    assert answer.out.splitlines()[-1].startswith("? the rest: Redis, its rights, scripts")
    assert answer.out.endswith(f"→ {why}\n")


def test_a_service_without_data_is_a_warning(bare: Shell) -> None:
    with serving(now(pages(data=None))) as url:
        answers = [bare("doctor", "--url", url, *more) for more in ([], ["--strict"])]
    assert [answer.code for answer in answers] == [0, 1]
    assert all("! data: none is loaded → trafficjobs load FILE" in answer.out for answer in answers)


def test_a_real_service_that_is_well_is_found_well(shell: Shell) -> None:
    answer = shell("doctor", "--json")
    checks = {one["name"]: one["status"] for one in answer.json["checks"]}
    assert {"server", "persistence", "eviction", "memory", "rights", "scripts", "redis clock", "operations"} <= set(checks)
    assert {status for name, status in checks.items() if not name.startswith(("queue ", "latency"))} == {"ok"}


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

"""Another program writes rubbish into our records, lists and sorted sets: each harms its own job at most."""

import random
from typing import Any

import pytest

from lib.errors import StaleClaim, UnknownSchedule
from lib.jobs import Submission, complete, failed
from lib.retries import Retry
from lib.settings import Settings
from tests.poison.release import BOTHERED, VALUES, Release

OURS = {"first", "low", "twin", "running"}


def rubbish(choice: random.Random) -> bytes:
    return choice.choice(VALUES)


def serve(release: Release, said: str, spared: set[str]) -> set[str]:
    """Whatever is asked is answered, what was spared runs, and there is an end; which jobs ran."""
    release.tidy()
    ran = release.drain()
    assert {path: status for path, status in release.ask().items() if status >= 500} == {}, said
    assert spared <= ran, said
    new = release.jobs.submit(Submission("unique_issues")).id
    assert new in release.drain(), said
    return ran


def poison_records(release: Release, kind: str, choice: random.Random, most: int) -> dict[str, dict[str, bytes]]:
    """Overwrite or remove some fields of every record of a kind."""
    done: dict[str, dict[str, bytes]] = {}
    rd = release.jobs.store.records
    for client, key in release.everything():
        name = key.removeprefix(release.prefix)
        if client is not rd or not name.startswith(kind) or rd.type(key) != b"hash" or name.count(".") > kind.count("."):
            continue
        fields = sorted(rd.hkeys(key))
        for field in choice.sample(fields, min(most, len(fields))):
            value = rubbish(choice)
            if choice.random() < 0.2:
                rd.hdel(key, field)
            else:
                rd.hset(key, field, value)
            done.setdefault(name, {})[field.decode()] = value[:40]
        rd.hset(key, BOTHERED, BOTHERED)
    return done


@pytest.mark.parametrize("seed", [1])
def test_rubbish_in_records_harms_their_own_jobs_at_most(release: Release, seed: int) -> None:
    choice = random.Random(seed)
    done: dict[str, Any] = {}
    for kind in ("job.", "batch.", "schedule.", "delivery.", "worker."):
        done |= poison_records(release, kind, choice, 2 + 3 * seed)
    serve(release, f"poisoned: {done}", set())
    assert release.jobs.counts()["in-progress"] == 0


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_rubbish_in_hashes_of_the_release_harms_no_job(release: Release, seed: int) -> None:
    choice, done = random.Random(seed), {}
    for rd, key in release.everything():
        name = key.removeprefix(release.prefix)
        if rd.type(key) == b"hash" and ("." not in name or name in ("failures.first", "metrics.exemplars", "upkeep.seen")):
            for field in rd.hkeys(key):
                value = rubbish(choice)
                rd.hset(key, field, value)
                done[f"{name} {field!r}"] = value[:40]
            rd.hset(key, BOTHERED, BOTHERED)
        elif rd.type(key) == b"string" and name in ("jobs.seq", "front", "data.current"):
            rd.set(key, rubbish(choice))
    serve(release, f"poisoned: {done}", OURS - {"running"})


def test_rubbish_in_every_list_and_sorted_set_blocks_none(release: Release) -> None:
    for rd, key in release.everything():
        kind = rd.type(key)
        if kind == b"zset" and not key.endswith("damaged"):
            rd.zadd(key, {BOTHERED: float("-inf"), b"rubbish": 0, b"": 1, b"x" * 10_000: float("inf"), b"nobody": 2})
        elif kind == b"list":
            rd.lpush(key, BOTHERED, b"", b"nobody", b"[" * 10_000, b"x" * 100_000)
        elif kind == b"set":
            rd.sadd(key, BOTHERED)
        elif kind == b"stream" and ".history" not in key:
            rd.xadd(key, {BOTHERED: BOTHERED, b"id": BOTHERED, b"attempt": b"rubbish", b"status": BOTHERED})
    serve(release, "rubbish everywhere", OURS - {"running"})
    assert release.jobs.queue(release.queue).rejected >= 3


def test_a_schedule_that_cannot_be_read_stands_still_and_can_be_deleted(release: Release) -> None:
    rd, prefix = release.jobs.store.records, release.prefix
    rd.hset(f"{prefix}schedule.often", "job", b"[")
    rd.zadd(f"{prefix}schedules.due", {"often": 1, "nobody": 0})
    release.upkeep.round()
    assert rd.zrange(f"{prefix}schedules.due", 0, -1) == []
    assert f"{prefix}schedule.often" in release.named()
    release.jobs.delete_schedule("often")
    with pytest.raises(UnknownSchedule):
        release.jobs.delete_schedule("often")


def test_a_job_whose_input_cannot_be_read_fails_and_says_so(release: Release) -> None:
    release.jobs.store.records.hset(f"{release.prefix}job.first", "input", b"{")
    release.drain()
    job = release.jobs.get("first")
    assert (job.status, job.error and job.error["type"]) == ("failed", "DamagedRecord")


ODD = [b'{"odd":1}', b"[1]", b'"word"', b'{"done":"x","total":"y","note":[]}', b'{"type":1,"message":{},"reason":null}', b"7"]


SHAPED = ["progress", "error", "attempt.1", "run.1", "partial", "notify", "depends_on", "traceparent", "intervals"]


@pytest.mark.parametrize("field", SHAPED)
def test_json_of_another_shape_is_no_error_of_any_page(release: Release, field: str) -> None:
    rd = release.jobs.store.records
    for value in ODD:
        for name in ("running", "failed", "done"):
            rd.hset(f"{release.prefix}job.{name}", field, value)
        for name in ("running", "failed", "done"):
            for path in (f"/jobs/{name}", f"/jobs/{name}/result", f"/ui/jobs/{name}", "/ui/jobs", "/jobs", "/failures"):
                answer = release.client.get(path)
                assert answer.status_code < 500, (path, field, value, answer.text[:500])


EXTREME = ["1e308,1", "1e-320,1", "1,1e-320", "9007199254740992,1e-320", "-1,1", "1,-1", "1e400,null", f"{10**400},1"]


@pytest.mark.parametrize("numbers", EXTREME)
def test_numbers_of_progress_that_nobody_can_show_are_no_error_of_any_page(release: Release, numbers: str) -> None:
    done, total = numbers.split(",")
    value = f'{{"done":{done},"total":{total},"note":""}}'
    release.jobs.store.records.hset(f"{release.prefix}job.running", "progress", value)
    for path in ("/ui/jobs/running", "/ui/jobs", "/ui/", "/jobs/running", "/jobs"):
        answer = release.client.get(path)
        assert answer.status_code == 200, (path, value, answer.text[:500])


FAULTS = [("seq", b"soon"), ("attempt", b"nan"), ("status", b"odd"), ("result_ttl", None), ("token", None)]


@pytest.mark.parametrize(("field", "value"), FAULTS)
def test_a_running_job_whose_record_is_damaged_fails_by_it_and_names_the_field(release: Release, field: str, value: Any) -> None:
    rd, key = release.jobs.store.records, f"{release.prefix}job.running"
    if value is None:
        rd.hdel(key, field)
    else:
        rd.hset(key, field, value)
    release.tidy()
    job = release.jobs.get("running")
    assert job.status == "failed"
    assert job.error is not None
    assert field in job.error["message"]
    assert key in release.named()
    assert release.jobs.counts()["in-progress"] == 0
    found = release.client.get("/doctor").get_json()["checks"]
    assert any(each["check"] == "damage" and key in each["seen"] for each in found)


def test_the_place_under_a_concurrency_key_and_those_that_wait_are_freed_by_a_damaged_job(release: Release) -> None:
    jobs = release.jobs
    release.drain()
    for name in ("holder", "next"):
        jobs.submit(Submission("unique_issues", id=name, concurrency_key="shared"))
    jobs.submit(Submission("unique_issues", id="after", depends_on=["holder"]))
    claim = jobs.claim("w/holder", "w", [release.queue])
    assert claim is not None
    assert claim.id == "holder"
    jobs.store.records.hset(f"{release.prefix}job.holder", "attempt", b"many")
    jobs.store.queues.zadd(f"{release.prefix}{release.queue}.leases", {"holder": 1})
    jobs.store.records.hset(f"{release.prefix}upkeep.seen", "not_before", 0)
    release.upkeep.round()
    release.upkeep.round()
    assert "next" in release.drain()
    assert [jobs.get(name).status for name in ("holder", "after")] == ["failed", "failed"]


LIMITS = [
    *(b'{"key":"k","most":"3"}', b'{"key":"k","most":1.5}', b'{"key":"k","most":NaN}', b'{"key":["k"],"most":3}'),
    *(
        b'{"rate":"r","starts":"2","seconds":1}',
        b'{"rate":"r","starts":1.5,"seconds":1}',
        b'{"rate":"r","starts":1e300,"seconds":1}',
    ),
    *(
        b'{"rate":"r","starts":0,"seconds":1}',
        b'{"rate":"r","starts":2,"seconds":1e300}',
        b'{"rate":"r","starts":2,"seconds":"1"}',
    ),
]


@pytest.mark.parametrize("value", LIMITS)
def test_limits_that_none_can_count_with_fail_their_own_job_and_no_other(release: Release, value: bytes) -> None:
    release.jobs.store.records.hset(f"{release.prefix}job.first", "limits", value)
    serve(release, f"limits are {value!r}", OURS - {"running", "first"})
    job = release.jobs.get("first")
    assert (job.status, job.error and job.error["type"]) == ("failed", "DamagedRecord")


@pytest.mark.parametrize(("field", "value"), [("intervals", b"[NaN]"), ("jitter", b"1e999")])
def test_a_pause_of_no_length_is_no_error_of_the_run_that_failed(release: Release, field: str, value: bytes) -> None:
    release.drain()
    release.jobs.submit(Submission("unique_issues", id="again", retry=Retry(1, (1.0,), 0.1)))
    claim = release.jobs.claim("w/one", "w", [release.queue])
    assert claim is not None
    release.jobs.store.records.hset(f"{release.prefix}job.again", field, value)
    with pytest.raises(StaleClaim):
        release.jobs.finish(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
    job = release.jobs.get("again")
    assert (job.status, job.error and job.error["type"]) == ("failed", "DamagedRecord")


def test_a_job_that_was_laid_aside_for_a_key_it_does_not_name_any_more_is_cancelled(release: Release) -> None:
    release.drain()
    for name in ("holder", "aside"):
        release.jobs.submit(Submission("unique_issues", id=name, concurrency_key="shared"))
    for child in ("w/one", "w/two"):
        release.jobs.claim(child, "w", [release.queue])
    release.jobs.store.records.hset(f"{release.prefix}job.aside", "limits", b"{}")
    release.jobs.cancel("aside")
    assert release.jobs.get("aside").status == "cancelled"


def test_a_job_without_a_time_to_be_kept_is_kept_as_long_as_by_default(release: Release) -> None:
    rd, default = release.jobs.store.records, Settings.model_fields
    rd.hdel(f"{release.prefix}job.first", "failed_ttl", "result_ttl")
    release.drain()
    kept = {name: int(rd.hget(f"{release.prefix}job.first", name) or 0) for name in ("failed_ttl", "result_ttl")}
    assert kept == {name: default[name].default for name in kept}
    left = float(rd.zscore(f"{release.prefix}jobs.expiry", "first") or 0) - rd.time()[0]
    assert left == pytest.approx(kept["failed_ttl"], abs=60)


def test_a_result_that_is_kept_for_longer_than_redis_can_count_is_a_result(release: Release) -> None:
    release.drain()
    release.jobs.submit(Submission("unique_issues", id="cached"))
    claim = release.jobs.claim("w/one", "w", [release.queue])
    assert claim is not None
    release.jobs.store.records.hset(
        f"{release.prefix}job.cached",
        mapping={"result_ttl": b"9" * 16, "cache": "c" * 32, "data_version": "v", "links": 1},
    )
    release.jobs.finish(claim, complete(b'{"count":1}'))
    assert release.jobs.get("cached").result == {"count": 1}


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("seed", range(100, 112))
def test_rubbish_in_many_records_harms_their_own_jobs_at_most(release: Release, seed: int) -> None:
    choice = random.Random(seed)
    done: dict[str, Any] = {}
    for kind in ("job.", "batch.", "schedule.", "delivery.", "worker."):
        done |= poison_records(release, kind, choice, choice.randint(1, 6))
    serve(release, f"poisoned: {done}", set())
    assert release.jobs.counts()["in-progress"] == 0

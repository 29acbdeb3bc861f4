"""What a run says and how it ends: retries, releases, deaths and cancels, each under the token that holds."""

from typing import Any

import orjson
import pytest

from lib.errors import StaleClaim
from lib.jobs import Jobs, Retry, Submission, complete, failed, released
from lib.settings import Settings
from tests.unit.claiming import ERROR, claim


def test_an_exception_is_retried_by_its_intervals_and_then_fails_with_every_attempt(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x", retry=Retry(max=2, intervals=[0, 3600], jitter=0))).id
    jobs.finish(claim(jobs), failed(ERROR))
    assert jobs.get(jid).status == "submitted"
    jobs.finish(claim(jobs), failed(ERROR))
    job = jobs.get(jid)
    assert (job.status, job.retries) == ("scheduled", 2)
    assert 3500 < jobs.store.queues.zscore(f"{jobs.settings.key_prefix}job-queue.scheduled", jid) - job.seq / 1e6 < 3700  # type: ignore[operator]
    jobs.store.queues.zadd(f"{jobs.settings.key_prefix}job-queue.scheduled", {jid: 0})
    assert jobs.store.run("promote", "job-queue", 10) == 1
    jobs.finish(claim(jobs), failed(ERROR))
    job = jobs.get(jid)
    assert (job.status, job.result, job.error) == ("failed", {"error": "no"}, ERROR)
    assert [(attempt["attempt"], attempt["outcome"]) for attempt in job.attempts] == [(n, "exception") for n in (1, 2, 3)]


def test_an_error_that_a_retry_cannot_mend_is_not_retried(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x", retry=Retry(max=5))).id
    jobs.finish(claim(jobs), failed(ERROR, may_retry=False))
    assert jobs.get(jid).status == "failed"


def test_a_released_job_goes_to_the_front_and_is_charged_nothing(jobs: Jobs) -> None:
    first, second = jobs.submit(Submission("x")).id, jobs.submit(Submission("x")).id
    jobs.finish(claim(jobs), released("worker stopped"))
    job = jobs.get(first)
    assert (job.status, job.releases, job.crashes, job.lost, job.retries) == ("submitted", 1, 0, 0, 0)
    assert (jobs.position(job), jobs.position(jobs.get(second))) == (0, 1)
    again = claim(jobs)
    assert (again.id, again.attempt) == (first, 2)


def test_a_death_charges_the_marked_job_until_its_budget_is_spent(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x", max_crashes=1)).id
    evidence = {"summary": "killed by SIGKILL", "signal": "SIGKILL"}
    held = claim(jobs, "a")
    jobs.append_log(held, ["nearly there"])
    assert jobs.bury("a", held.token, "crash", "crash", evidence) == (jid, "submitted")
    assert jobs.bury("a", held.token, "crash", "crash", evidence) is None
    assert jobs.get(jid).crashes == 1
    held = claim(jobs, "b")
    assert jobs.bury("b", held.token, "crash", "crash", evidence) == (jid, "failed")
    job = jobs.get(jid)
    assert job.error is not None
    assert (job.error["reason"], job.error["evidence"]["signal"], job.error["evidence"]["log"]) == (
        "crash",
        "SIGKILL",
        ["nearly there"],
    )
    assert "killed by SIGKILL" in job.result["error"]


def test_a_death_before_the_mark_charges_nothing(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    claim(jobs, "a")
    jobs.bury("a", "the token of the job before", "crash", "crash", {})
    job = jobs.get(jid)
    assert (job.status, job.crashes, job.releases) == ("submitted", 0, 1)


@pytest.mark.parametrize("how", ["released", "failed", "bury", "reap"])
def test_a_cancel_of_a_running_job_holds_whatever_frees_it(jobs: Jobs, how: str) -> None:
    jid = jobs.submit(Submission("x", retry=Retry(max=5))).id
    held = claim(jobs, "a")
    assert jobs.cancel(jid, by="ada") == "in-progress"
    assert jobs.beat("w", {}, [(held.id, held.token)])[1] == ["CANCEL"]
    if how == "released":
        jobs.finish(held, released("worker stopped"))
    elif how == "failed":
        jobs.finish(held, failed(ERROR))
    elif how == "bury":
        jobs.bury("a", held.token, "crash", "crash", {})
    else:
        jobs.store.queues.zadd(f"{jobs.settings.key_prefix}job-queue.leases", {jid: 0})
        jobs.store.records.hset(f"{jobs.settings.key_prefix}upkeep.seen", items=_seen(jobs))
        jobs.store.run("reap", "job-queue", 10, 10)
    assert jobs.get(jid).status == "cancelled"
    orders = jobs.store.records.xrange(f"{jobs.settings.key_prefix}control.w")
    assert [(fields[b"order"], fields[b"token"].decode()) for _, fields in orders] == [(b"cancel", held.token)]


def _seen(jobs: Jobs) -> list[Any]:
    """As if upkeep had been looking all the time."""
    seconds, micros = jobs.store.records.time()
    return ["run_id", jobs.store.records.info("server")["run_id"], "last", seconds + micros / 1e6, "not_before", 0]


def test_a_finish_that_comes_before_the_cancel_is_obeyed_wins(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    held = claim(jobs)
    jobs.cancel(jid)
    jobs.finish(held, complete(b"1"))
    assert jobs.get(jid).status == "complete"


def test_a_beat_tells_held_ended_and_lost_apart(jobs: Jobs) -> None:
    for _ in range(3):
        jobs.submit(Submission("x"))
    held, ended, lost = (claim(jobs, child) for child in "abc")
    jobs.finish(ended, complete(b"1"))
    jobs.bury("c", "", "released", "", {})
    pairs = [(one.id, one.token) for one in (held, ended, lost)]
    assert jobs.beat("w", {"pid": 1}, pairs)[1] == ["HELD", "ENDED", "LOST"]
    assert [worker["name"] for worker in jobs.workers()] == ["w"]


def test_progress_log_and_files_belong_to_the_token(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    first = claim(jobs, "a")
    jobs.progress(first, 1, 2, "half")
    assert jobs.get(jid).progress == {"done": 1, "total": 2, "note": "half"}
    jobs.stage_file(first, "plot.png", b"old", "image/png")
    jobs.bury("a", first.token, "released", "worker stopped", {})
    second = claim(jobs, "b")
    for write in (
        lambda: jobs.progress(first, 2, 2, ""),
        lambda: jobs.append_log(first, ["late"]),
        lambda: jobs.stage_file(first, "plot.png", b"late", "image/png"),
    ):
        with pytest.raises(StaleClaim):
            write()
    assert jobs.files(jid) == {}
    jobs.stage_file(second, "plot.png", b"new", "image/png")
    jobs.append_log(second, ["one", "two"])
    jobs.finish(second, complete(b"1"))
    assert jobs.file(jid, "plot.png") == (b"new", "image/png")
    assert jobs.files(jid) == {"plot.png": {"content_type": "image/png", "bytes": 3}}
    assert [line["line"] for line in jobs.log(jid)] == ["one", "two"]
    assert list(jobs.store.records.scan_iter(f"{jobs.settings.key_prefix}job.*.files.*")) == []


def test_files_have_a_limit_in_sum_and_a_replaced_file_counts_once(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"max_files_bytes": 10}))
    jobs.submit(Submission("x"))
    held = claim(jobs)
    jobs.stage_file(held, "a", b"12345678", "text/plain")
    jobs.stage_file(held, "a", b"123456", "text/plain")
    jobs.stage_file(held, "b", b"1234", "text/plain")
    with pytest.raises(Exception, match="MAX_FILES_BYTES"):
        jobs.stage_file(held, "c", b"1", "text/plain")


def test_wait_and_run_times_are_counted_in_the_script_that_moves_the_job(jobs: Jobs) -> None:
    jobs.submit(Submission("x"))
    jobs.finish(claim(jobs), complete(b"1"))
    counters = jobs.counters()
    for name in ("wait", "run"):
        buckets = [value for field, value in counters.items() if field.startswith(f"{name}|x|")]
        assert sum(buckets) == 1
        assert 0 < counters[f"{name}_us|x"] < 5_000_000
    assert counters["submitted|x|job-queue"] == counters["complete|x"] == 1


def test_every_move_is_an_event_in_order(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    held = claim(jobs)
    jobs.finish(held, complete(b"1"))
    entries = jobs.store.records.xrange(f"{jobs.settings.key_prefix}events")
    assert [(fields[b"id"].decode(), fields[b"status"].decode()) for _, fields in entries] == [
        (jid, "submitted"),
        (jid, "in-progress"),
        (jid, "complete"),
    ]


def test_a_result_of_any_json_comes_back_as_it_was(jobs: Jobs) -> None:
    value: dict[str, Any] = {"text": 'quote " and \u0000 and ü', "list": [1, 2.5, None, True, {}], "empty": []}
    jid = jobs.submit(Submission("x", {"deep": value})).id
    held = claim(jobs)
    assert held.params == {"deep": value}
    jobs.finish(held, complete(orjson.dumps(value)))
    assert jobs.get(jid).result == value

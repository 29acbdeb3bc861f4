"""Pages, filters and counts."""

import time
from typing import Any

import pytest

from lib.errors import InvalidInput, UnknownJob
from lib.jobs import Jobs, Submission


def test_pages_go_through_every_job_once_the_newest_first(jobs: Jobs) -> None:
    ids = [one.id for one in jobs.submit_many(Submission("x") for _ in range(25))]
    seen, cursor = [], None
    while True:
        page = jobs.page(limit=10, cursor=cursor)
        seen += [job.id for job in page.jobs]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == ids[::-1]


def test_new_jobs_do_not_disturb_a_reader_in_the_middle(jobs: Jobs) -> None:
    ids = [one.id for one in jobs.submit_many(Submission("x") for _ in range(6))]
    first = jobs.page(limit=3)
    jobs.submit_many(Submission("x") for _ in range(5))
    assert [job.id for job in jobs.page(limit=3, cursor=first.cursor).jobs] == ids[2::-1]


def test_filters_by_status_operation_and_time(jobs: Jobs) -> None:
    early = jobs.submit(Submission("a")).id
    time.sleep(0.002)
    between = jobs.store.records.time()
    late = jobs.submit(Submission("b")).id
    jobs.cancel(late)
    moment = between[0] + between[1] / 1e6
    assert [job.id for job in jobs.page(status="cancelled").jobs] == [late]
    assert [job.id for job in jobs.page(operation="a").jobs] == [early]
    assert [job.id for job in jobs.page(since=moment).jobs] == [late]
    assert [job.id for job in jobs.page(until=moment).jobs] == [early]
    assert jobs.page(status="failed").jobs == []
    counts = jobs.counts()
    assert {status: count for status, count in counts.items() if count} == {"submitted": 1, "cancelled": 1}


@pytest.mark.parametrize(
    ("field", "value"), [("status", "done"), ("limit", 0), ("limit", 1_001), ("cursor", "x"), ("cursor", "1" * 30)]
)
def test_a_wrong_argument_is_named(jobs: Jobs, field: str, value: object) -> None:
    with pytest.raises(InvalidInput) as refusal:
        jobs.page(**{field: value})  # type: ignore[arg-type]
    assert refusal.value.field == field


def test_a_page_and_a_record_cost_the_same_commands_with_many_jobs(jobs: Jobs) -> None:
    def commands() -> int:
        before = int(jobs.store.records.info("stats")["total_commands_processed"])
        job = jobs.page(limit=20).jobs[0]
        jobs.position(job)
        jobs.counts()
        jobs.queue("job-queue")
        return int(jobs.store.records.info("stats")["total_commands_processed"]) - before

    jobs.submit_many(Submission("x") for _ in range(30))
    commands()  # loads the script
    few = commands()
    jobs.submit_many(Submission("x") for _ in range(3_000))
    assert commands() == few


def test_the_oldest_age_is_that_of_the_longest_waiting_job(jobs: Jobs) -> None:
    first = jobs.submit(Submission("x", priority="low")).id
    jobs.submit(Submission("x"))
    jobs.store.records.hset(f"{jobs.settings.key_prefix}job.{first}", "ready", time.time() - 100)
    assert 99 < jobs.queue("job-queue").oldest_age < 110


@pytest.mark.parametrize("value", ["text", {"v": 1}, {"v": 1, "status": "submitted"}, {"id": "odd", "status": "submitted"}])
def test_a_key_of_another_program_in_a_jobs_place_is_no_job(jobs: Jobs, value: str | dict[str, Any]) -> None:
    key = f"{jobs.settings.key_prefix}job.odd"
    if isinstance(value, str):
        jobs.store.records.set(key, value)
    else:
        jobs.store.records.hset(key, items=[part for pair in value.items() for part in pair])
    for call in (jobs.get, jobs.cancel, jobs.retry, jobs.delete):
        with pytest.raises(UnknownJob):
            call("odd")
    assert jobs.store.records.exists(key) == 1


@pytest.mark.parametrize("jid", ["x.log", "", "a b", "é", "x" * 65])
def test_what_cannot_be_an_id_is_no_job(jobs: Jobs, jid: str) -> None:
    with pytest.raises(UnknownJob):
        jobs.get(jid)

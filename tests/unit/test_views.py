"""Pages, filters and counts."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from lib.errors import ExpiredJob, InvalidInput, UnknownJob
from lib.jobs import Jobs, Submission, failed
from lib.listing import Page
from lib.reading import iso


def pages(jobs: Jobs, **filters: Any) -> Iterator[Page]:
    """One after the other, from the newest job on."""
    page = jobs.page(**filters)
    yield page
    while page.cursor is not None:
        page = jobs.page(**filters, cursor=page.cursor)
        yield page


def test_pages_go_through_every_job_once_the_newest_first(jobs: Jobs) -> None:
    ids = [one.id for one in jobs.submit_many(Submission("x") for _ in range(25))]
    assert [job.id for page in pages(jobs, limit=10) for job in page.jobs] == ids[::-1]


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


FOUND_BY = ["Zilker", "ZILKER", "incidents_by", "some-Body", "no such", "Straße", 'quo"ted', "0x", "0x-Zilker"]


@pytest.mark.parametrize("text", FOUND_BY)
def test_a_text_is_found_in_id_operation_submitter_parameters_and_error_in_any_case(jobs: Jobs, text: str) -> None:
    jobs.submit_many(Submission("print", params={"msg": "hello"}) for _ in range(3))
    params = {"road": 'zilker Lake STRASSE quo"ted'}
    jid = jobs.submit(Submission("incidents_by_road", id="0X-zilker-lake", params=params, by="Some-Body", priority="high")).id
    claim = jobs.claim("child", "worker", ["job-queue"])
    assert claim is not None
    error = {"type": "KeyError", "message": "No Such road", "reason": "exception", "traceback": "hidden line"}
    jobs.finish(claim, failed(error, may_retry=False))
    page = jobs.page(search=text)
    assert ([job.id for job in page.jobs], page.cursor, page.searched_to) == ([jid], None, None)
    assert [job.id for job in jobs.page(search=text, status="failed", operation="incidents_by_road").jobs] == [jid]
    assert jobs.page(search=text, status="submitted").jobs == []


@pytest.mark.parametrize("text", ["params", "hidden line", "lake-zilker", "print\nsomebody", "exception", "%", "*"])
def test_a_text_is_not_found_in_what_surrounds_them(jobs: Jobs, text: str) -> None:
    jobs.submit(Submission("print", id="x-lake-zilker", params={"msg": "hello"}, by="somebody"))
    claim = jobs.claim("child", "worker", ["job-queue"])
    assert claim is not None
    jobs.finish(claim, failed({"type": "E", "message": "no", "reason": "exception", "traceback": "hidden line"}, may_retry=False))
    assert jobs.page(search=text).jobs == []


def test_a_search_reads_the_beginning_of_long_parameters_alone(jobs: Jobs) -> None:
    long = jobs.submit(Submission("x", {"early": "needle", "text": "é" * 500_000, "late": "haystack"})).id
    sizes = [len(b"".join(field or b"" for field in reply)) for reply in jobs.store.run("sift", "jobs", "+inf", "-inf", 10)[2::3]]
    assert max(sizes) < 5_000
    assert [job.id for job in jobs.page(search="needle").jobs] == [long]
    assert not jobs.page(search="haystack").jobs


def test_a_search_looks_at_a_bounded_number_of_jobs_and_can_go_on(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.listing._STEP", 4)
    monkeypatch.setattr("lib.listing._STEPS_OF_TEXT", 2)
    ids = [one.id for one in jobs.submit_many(Submission("x", params={"n": f"<{n}>"}) for n in range(20))]
    seen = list(pages(jobs, search="<1>"))
    assert [job.id for page in seen for job in page.jobs] == [ids[1]]
    assert [page.searched_to for page in seen] == [iso(jobs.get(ids[12]).seq / 1e6), iso(jobs.get(ids[4]).seq / 1e6), None]


def test_the_id_of_a_job_in_full_finds_it_however_old_it_is(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.listing._STEP", 4)
    old = jobs.submit(Submission("x")).id
    jobs.submit_many(Submission("x") for _ in range(60))
    assert [job.id for job in jobs.page(search=old).jobs] == [old]
    assert jobs.page(search=old, status="complete").jobs == []
    assert jobs.page(search=old, until=1.0).jobs == []
    assert jobs.page(search=old[:-1]).searched_to is not None


def test_pages_of_a_search_go_through_all_that_it_finds_once(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lib.listing._STEP", 10)
    made = jobs.submit_many(Submission(["alpha", "omega"][n % 2], params={"n": f"<{n}>"}) for n in range(60))
    wanted = [one.id for n, one in enumerate(made) if n % 2][::-1]
    for filters in ({"operation": "omega"}, {"search": "OMEGA"}, {"search": "<", "operation": "omega"}):
        assert [job.id for page in pages(jobs, limit=7, **filters) for job in page.jobs] == wanted


@pytest.mark.parametrize(
    ("field", "value"),
    [("search", "x" * 201), ("status", "done"), ("limit", 0), ("limit", 1_001), ("cursor", "x"), ("cursor", "1" * 30)],
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


def test_an_expired_job_whose_id_is_still_listed_is_gone_for_all_who_ask(jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    jobs.cancel(jid)
    jobs.store.records.zadd(f"{jobs.settings.key_prefix}jobs.expiry", {jid: 1})
    assert jobs.store.run("expire", 10) == 1
    assert jobs.store.records.hget(f"{jobs.settings.key_prefix}job.{jid}", "status") == b"deleted"
    for ask in (jobs.get, jobs.look):
        with pytest.raises(ExpiredJob):
            ask(jid)


def test_each_filter_narrows_what_the_others_leave(jobs: Jobs) -> None:
    for bid in ("one", "two"):
        jobs.submit_batch([Submission("x", id=f"{bid}-{n}") for n in range(2)], id=bid)
        for _ in range(2):
            claim = jobs.claim("child", "worker", ["job-queue"])
            assert claim is not None
            jobs.finish(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
    jobs.retry("two-1")
    alike = jobs.get("two-0").fingerprint
    others: list[dict[str, Any]] = [{}, {"status": "failed"}, {"operation": "x"}, {"search": "x"}, {"search": "two"}]
    for more in others:
        assert [job.id for page in pages(jobs, fingerprint=alike, batch="two", limit=1, **more) for job in page.jobs] == ["two-0"]
    assert jobs.page(fingerprint=alike, batch="two", search="two-0").jobs[0].id == "two-0"
    assert jobs.page(batch="one", search="two-0").jobs == []
    assert jobs.page(fingerprint=alike, status="cancelled").jobs == []

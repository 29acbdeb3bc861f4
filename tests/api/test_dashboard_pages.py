"""The pages for people: what they show, what their forms do, and that what others wrote is shown and not run."""

import re
import shlex
from html import unescape
from pathlib import Path

import orjson
import pytest
from flask.testing import FlaskClient

from lib.claims import complete, failed, released
from lib.jobs import Jobs, Submission
from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import claim, end, fail, submit
from tests.api.pages import COOKIE_FIELD, HOSTILE, page, post
from tests.commands import commands_sent
from tests.servers import Server


def tiles(text: str) -> dict[str, str]:
    """The numbers on the overview by their words."""
    return {word: number for number, word in re.findall(r"<b>([^<]+)</b><span>([^<]+)</span>", text)}


def test_a_fresh_service_says_what_to_do_next(client: FlaskClient) -> None:
    text = page(client, "/ui")
    for words in (
        "No data is loaded",
        "No worker is there",
        "No jobs yet",
        "curl -s http://localhost/jobs",
        "Nothing has failed",
    ):
        assert words in text
    assert "No jobs yet" in page(client, "/ui/jobs")
    assert "Nothing has failed" in page(client, "/ui/failures")
    assert "No worker is there" in page(client, "/ui/workers")


def test_the_overview_counts_what_there_is(client: FlaskClient, queue: Jobs) -> None:
    for number in range(5):
        submit(client, "top_locations", params={"n": number + 1})
    end(queue, {"top_locations": {}})
    fail(queue, "it broke here")
    claim(queue)
    text = page(client, "/ui")
    numbers = {"queued": "2", "running": "1", "done": "1", "failed": "1"}
    assert tiles(text) == {"scheduled": "0", "waiting": "0", "cancelled": "0"} | numbers
    assert "top_locations: ZeroDivisionError" in text
    assert "it broke here" in text
    for span in ("hour", "day", "week", "nonsense"):
        assert text.count("<svg") == page(client, f"/ui?range={span}").count("<svg") >= 3


@pytest.mark.parametrize("path", ["/ui", "/ui/jobs", "/ui/jobs?status=failed", "/ui/failures", "/ui/queues", "/ui/workers"])
def test_a_page_costs_the_same_commands_however_many_jobs_there_are(
    client: FlaskClient, queue: Jobs, server: Server, path: str
) -> None:
    def asked() -> list[str]:
        page(client, path)
        with commands_sent(server.port) as sent:
            page(client, path)
        return [name for name in sent if name not in ("INFO", "HMGET")]

    submit(client)
    fail(queue)
    few = asked()
    queue.submit_many(Submission("unique_issues") for _ in range(300))
    for _ in range(20):
        fail(queue)
    assert asked() == few


def test_a_list_does_not_read_results(client: FlaskClient, queue: Jobs, server: Server) -> None:
    submit(client)
    end(queue, {"text": "x" * 100_000})
    with commands_sent(server.port) as sent:
        text = page(client, "/ui/jobs")
    assert "HGETALL" not in sent
    assert "unique_issues" in text


def test_jobs_are_chosen_by_status_operation_text_and_time(client: FlaskClient, queue: Jobs) -> None:
    plain, other = submit(client), submit(client, "top_locations", params={"n": 7})
    fail(queue)

    def shown(query: str) -> set[str]:
        return set(re.findall(r'href="/ui/jobs/([^"/?]+)"', page(client, f"/ui/jobs?{query}")))

    assert shown("") == {plain, other}
    assert shown("status=failed") == {plain}
    assert shown("operation=top_locations") == {other}
    assert shown(f"search={other[:9]}") == {other}
    assert shown("search=zerodivision") | shown("search=division+by+zero") == {plain}
    assert shown("span=hour") == {plain, other}
    assert shown("until=2001-01-01") == set()
    assert "No job fits" in page(client, "/ui/jobs?search=nowhere")
    assert "cursor" in page(client, "/ui/jobs?cursor=x", 400)


def test_older_jobs_are_a_page_further(client: FlaskClient, queue: Jobs) -> None:
    ids = [one.id for one in queue.submit_many(Submission("unique_issues") for _ in range(60))]
    seen, path = [], "/ui/jobs?status=submitted"
    while path:
        text = page(client, path)
        seen += re.findall(r'name="ids" value="([^"]+)"', text)
        following = re.search(r'rel="next" href="([^"]+)"', text)
        path = unescape(following[1]) if following else ""
    assert seen == ids[::-1]


def test_chosen_jobs_are_cancelled_run_again_and_deleted(client: FlaskClient, queue: Jobs) -> None:
    ids = [submit(client) for _ in range(3)]
    assert "3 jobs cancelled." in post(client, "/ui/jobs/many", order="cancel", ids=ids, next="/ui/jobs?status=cancelled")
    assert "2 jobs run again. 1 left alone: There is no job 'gone'" in post(
        client, "/ui/jobs/many", order="retry", ids=[*ids[:2], "gone"]
    )
    assert queue.counts()["submitted"] == 2
    assert "1 job deleted." in post(client, "/ui/jobs/many", order="delete", ids=ids[2:])
    assert client.get(f"/jobs/{ids[2]}").status_code == 404
    assert "No job was chosen" in post(client, "/ui/jobs/many", order="cancel")


def test_a_job_shows_all_of_its_life(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client, "top_locations", params={"n": 3}, retry={"max": 2}, id="life")
    assert "Queued, 0 jobs run before it" in page(client, f"/ui/jobs/{jid}")
    taken = claim(queue)
    queue.progress(taken, 3, 12, "halfway there")
    queue.append_log(taken, ["a line it wrote"])
    text = page(client, f"/ui/jobs/{jid}")
    assert "halfway there" in text
    assert '<progress max="12' in text
    assert "Attempt 1 runs" in text
    queue.finish(taken, released("stopping"))
    taken = claim(queue)
    error = {"type": "ValueError", "message": "no such road", "reason": "exception", "traceback": "line 7, in roads"}
    queue.finish(taken, failed(error))
    queue.finish(claim(queue), complete(orjson.dumps({"top_locations": {"A ST": 4, "B ST": 2}})))
    text = page(client, f"/ui/jobs/{jid}")
    for words in (
        "handed back, stopping",
        "ValueError: no such road",
        "line 7, in roads",
        "Attempt 3: complete",
        "A ST",
        "1 of 2",
    ):
        assert words in text, words
    assert client.get(f"/ui/jobs/{jid}/result.csv").text == "top_locations,count\r\nA ST,4\r\nB ST,2\r\n"


def test_a_failed_job_shows_why_and_is_retried_once_however_often_the_form_is_sent(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    fail(queue, "no data for that")
    text = page(client, f"/ui/jobs/{jid}")
    assert "Why it failed" in text
    assert "no data for that" in text
    assert "Jobs that failed alike" in text
    assert "It waits to run again." in post(client, f"/ui/jobs/{jid}/retry", run=0)
    fail(queue)
    post(client, f"/ui/jobs/{jid}/retry", run=0)
    assert queue.get(jid).status == "failed"
    assert "Run 0: failed" in page(client, f"/ui/jobs/{jid}")


def test_a_job_is_cancelled_and_deleted(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    assert "Cancelled." in post(client, f"/ui/jobs/{jid}/cancel")
    assert "Deleted." in post(client, f"/ui/jobs/{jid}/delete")
    assert "deleted or has expired" in unescape(page(client, f"/ui/jobs/{jid}", 404))
    running = submit(client)
    claim(queue)
    assert "Its worker was told to stop." in post(client, f"/ui/jobs/{running}/cancel")
    assert "cancel was asked for" in page(client, f"/ui/jobs/{running}")


def test_failures_alike_are_retried_together(client: FlaskClient, queue: Jobs) -> None:
    for operation in ("unique_issues", "unique_issues", "describe"):
        submit(client, operation)
        fail(queue)
    text = page(client, "/ui/failures")
    prints = re.findall(r'name="fingerprint" value="([0-9a-f]{16})"', text)
    assert len(prints) == 2
    assert "3 jobs failed" in text
    said = [post(client, "/ui/failures/retry", fingerprint=each) for each in prints]
    assert ["2 jobs run again." in each for each in said].count(True) == 1
    assert queue.counts()["submitted"] == 3


def test_the_same_job_from_elsewhere_is_the_same_job(client: FlaskClient) -> None:
    jid = submit(client, "incidents_by_road", params={"road": 'it\'s "quoted" $HOME `x`'})
    text = unescape(page(client, f"/ui/jobs/{jid}"))
    python = re.search(r'id="as-python"><code>(.*?)</code>', text, re.S)
    assert python is not None
    compile(python[1], "example", "exec")
    assert repr({"road": 'it\'s "quoted" $HOME `x`'}) in python[1]
    curl = re.search(r'id="as-curl"><code>(.*?)</code>', text, re.S)
    assert curl is not None
    words = shlex.split(curl[1])
    assert words[:3] == ["curl", "-s", "http://localhost/jobs"]
    assert orjson.loads(words[-1]) == {"operation": "incidents_by_road", "params": {"road": 'it\'s "quoted" $HOME `x`'}}


def test_what_others_wrote_is_shown_and_not_run(client: FlaskClient, queue: Jobs) -> None:
    hostile = submit(client, "print", params={"msg": HOSTILE})
    taken = claim(queue)
    queue.progress(taken, 1, 2, HOSTILE)
    page(client, f"/ui/jobs/{hostile}")
    queue.stage_file(taken, "x.svg", b"<svg onload=alert(2)>", "image/svg+xml")
    queue.finish(taken, complete(orjson.dumps([{HOSTILE: HOSTILE}])))
    text = page(client, f"/ui/jobs/{hostile}")
    assert "&lt;script&gt;alert(1)" in text
    assert "sandbox" in client.get(f"/jobs/{hostile}/files/x.svg").headers["Content-Security-Policy"]
    broken = submit(client)
    queue.finish(
        claim(queue), failed({"type": HOSTILE, "message": HOSTILE, "reason": "exception", "traceback": HOSTILE}, may_retry=False)
    )
    for path in (f"/ui/jobs/{broken}", "/ui/failures", "/ui", f"/ui/jobs?search={HOSTILE}", f"/ui/jobs?operation={HOSTILE}"):
        page(client, path)
    page(client, f"/ui/{HOSTILE}", 404)
    page(client, f"/ui/submit/{HOSTILE}", 404)
    page(client, f"/ui/jobs/{HOSTILE}", 404)


def test_without_redis_a_page_says_so_and_when_to_come_back(settings: Settings, tmp_path: Path) -> None:
    away = settings.model_copy(update={"redis_port": 1, "data_file": tmp_path / "absent.csv"})
    client = create_app(away).test_client()
    for path in ("/ui", "/ui/jobs", "/ui/submit/print"):
        answer = client.get(path)
        assert answer.mimetype == "text/html"
        if path != "/ui/submit/print":  # the form itself needs no Redis
            assert answer.status_code == 503
            assert "Redis is not available" in answer.text
            assert int(answer.headers["Retry-After"]) > 0


def test_queues_and_workers_take_orders(client: FlaskClient, queue: Jobs) -> None:
    submit(client)
    assert "job-queue is paused: what runs, runs on." in post(client, "/ui/queues/job-queue/pause")
    assert "since " in page(client, "/ui/queues")
    assert "job-queue goes on." in post(client, "/ui/queues/job-queue/resume")
    assert "accepts nothing more" in post(client, "/ui/queues/job-queue/drain")
    assert "accepts jobs again" in post(client, "/ui/queues/job-queue/open")
    assert "1 job of job-queue cancelled." in post(client, "/ui/queues/job-queue/purge")
    assert queue.counts()["cancelled"] == 1


@pytest.mark.parametrize("path", ["/ui/queues/nope/pause", "/ui/workers/nope/drain", "/ui/jobs/nope/cancel", "/ui/submit/nope"])
def test_what_is_not_there_is_a_page_that_says_so(client: FlaskClient, path: str) -> None:
    found = COOKIE_FIELD.search(client.get("/ui/queues").text)
    assert found is not None
    answer = client.post(path, data={"csrf": found[1]})
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "nope" in answer.text

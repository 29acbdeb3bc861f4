"""The course's routes answer in the course's words, and no GET ever queues anything."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from tests.api.conftest import claim, end, fail, submit
from tests.commands import commands_sent
from tests.servers import Server


@pytest.mark.parametrize("path", ["/submit", "/submit/", "/job/submit"])
def test_submit_answers_with_the_id_and_submitted(client: FlaskClient, queue: Jobs, path: str) -> None:
    answer = client.post(path, json={"operation": "top_locations", "params": {"n": 5}})
    assert answer.status_code == 202
    jid = answer.get_json()["job_id"]
    assert answer.get_json() == {"job_id": jid, "status": "submitted"}
    assert answer.headers["Location"] == f"/status/{jid}"
    assert claim(queue).params == {"n": 5}


def test_the_course_polls_until_the_result_is_there(loaded: FlaskClient, work: Callable[[], Any]) -> None:
    jid = loaded.post("/submit", json={"date": "2023-01-01"}).get_json()["job_id"]
    given = {"date": "2023-01-01"}
    assert loaded.get(f"/status/{jid}").get_json() == {"id": jid, "status": "submitted", "input": given, "result": None}
    assert loaded.get(f"/job/result/{jid}").status_code == 202
    work()
    done = {"id": jid, "status": "complete", "input": given, "result": {"incident_count": 2}}
    assert loaded.get(f"/status/{jid}").get_json() == done
    answer = loaded.get(f"/job/result/{jid}")
    assert (answer.status_code, answer.get_json()) == (200, done)


def test_a_failed_job_shows_its_error_as_the_result(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    fail(queue, "boom")
    assert client.get(f"/status/{jid}").get_json()["result"] == {"error": "boom"}


def test_a_whole_job_of_the_queue_can_be_submitted_as_it_is(client: FlaskClient, queue: Jobs) -> None:
    body = {"type": "plot", "params": {"start": "2024-06-01"}}
    jid = client.post("/job/submit", json=body).get_json()["job_id"]
    taken = claim(queue)
    assert (taken.id, taken.operation, taken.params) == (jid, "plot", {"start": "2024-06-01"})
    assert client.get(f"/status/{jid}").get_json()["input"] == body
    assert client.post("/submit", json=body | {"id": "mine", "status": "submitted"}).get_json()["job_id"] != "mine"
    assert client.post("/submit", json=body | {"operation": "plot"}).get_json()["field"] == "type"
    assert client.post("/submit", json={"type": "nope"}).status_code == 422
    assert client.post("/submit", json={"type": 5}).status_code == 400


@pytest.mark.parametrize(
    "body", [{}, {"operation": "nope"}, {"date": 5}, [1], {"operation": "unique_issues", "params": {"x": 1}}]
)
def test_submit_refuses_what_jobs_refuses(client: FlaskClient, queue: Jobs, body: Any) -> None:
    expected = client.post("/jobs", json=body)
    answer = client.post("/submit", json=body)
    assert (answer.status_code, answer.get_json()["detail"]) == (expected.status_code, expected.get_json()["detail"])
    assert queue.counters() == {}


def test_get_is_the_length_of_the_queue_as_plain_text(client: FlaskClient, queue: Jobs) -> None:
    for expected in ("0", "1", "2"):
        for path in ("/get/", "/get"):
            answer = client.get(path)
            assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/plain", expected)
        submit(client)
    end(queue)
    assert client.get("/get").text == "2"


def test_no_get_queues_anything(loaded: FlaskClient, queue: Jobs) -> None:
    before = queue.counters()
    jid = loaded.get("/jobs").get_json()["jobs"][0]["id"]
    for rule in loaded.application.url_map.iter_rules():
        path = rule.rule.replace("<jid>", jid).replace("<report_id>", "A_1").replace("<name>", "job-queue")
        for query in ("", "?date=2023-01-01", "?operation=unique_issues"):
            assert loaded.get(path + query).status_code < 500
    assert queue.counters() == before
    assert loaded.get("/get").text == "0"


def test_a_submit_is_one_command(client: FlaskClient, server: Server) -> None:
    client.post("/submit", json={"operation": "unique_issues"})  # the script is known from here on
    with commands_sent(server.port) as commands:
        for _ in range(10):
            client.post("/submit", json={"operation": "unique_issues"})
    assert commands == ["EVALSHA"] * 10

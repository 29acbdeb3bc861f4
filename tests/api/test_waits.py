"""`Prefer: wait=N`: an answer that comes when the job has ended."""

import threading
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.jobs import Jobs
from services.api.live import live_of
from services.api.preferences import wanted_wait
from tests.api.conftest import end, submit
from tests.waiting import until


class Waiting:
    """A request with `Prefer: wait` in a thread of its own."""

    def __init__(self, app: Flask, method: str, path: str, prefer: str = "wait=20", **more: Any) -> None:
        self._found: list[Any] = []

        def ask() -> None:
            self._found.append(app.test_client().open(path, method=method, headers={"Prefer": prefer}, **more))

        self._thread = threading.Thread(target=ask, daemon=True)
        self._thread.start()
        until(lambda: len(live_of(app.extensions)) or self._found, 5, "the request")

    def answer(self, seconds: float = 5) -> tuple[Any, Any]:
        """Body and headers."""
        self._thread.join(seconds)
        assert self._found, "it still waits"
        return self._found[0].get_json(), self._found[0].headers


@pytest.mark.parametrize("path", ["/jobs/{}", "/jobs/{}/results"])
def test_a_read_that_prefers_to_wait_is_answered_when_the_job_ends(
    app: Flask, client: FlaskClient, queue: Jobs, path: str
) -> None:
    jid = submit(client)
    waiting = Waiting(app, "GET", path.format(jid))
    end(queue, {"n": 5})
    body, headers = waiting.answer()
    assert body.get("result", body) == {"n": 5}
    assert headers["Preference-Applied"] == "wait=20"


def test_a_submit_that_prefers_to_wait_answers_with_the_ended_job(app: Flask, queue: Jobs) -> None:
    waiting = Waiting(app, "POST", "/jobs", json={"operation": "unique_issues"}, prefer="respond-async, wait=10")
    end(queue, [1])
    body, headers = waiting.answer()
    assert (body["status"], body["result"], headers["Preference-Applied"]) == ("complete", [1], "wait=10")
    assert headers["Location"].endswith(body["id"])


def test_a_cancelled_or_deleted_job_ends_a_wait(app: Flask, client: FlaskClient) -> None:
    jid = submit(client)
    waiting = Waiting(app, "GET", f"/jobs/{jid}")
    client.post(f"/jobs/{jid}/cancel")
    assert waiting.answer()[0]["status"] == "cancelled"
    jid = submit(client)
    waiting = Waiting(app, "GET", f"/jobs/{jid}/results")
    client.delete(f"/jobs/{jid}")
    assert waiting.answer()[0]["type"] == "/problems/unknown-job"


def test_a_deleted_job_whose_id_is_still_listed_is_not_waited_for(app: Flask, client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    queue.delete(jid)
    assert queue.store.records.exists(f"{queue.settings.key_prefix}job.{jid}") == 1
    assert live_of(app.extensions).look(jid).status is None


def test_a_wait_ends_after_its_time_with_the_record_as_it_is(client: FlaskClient) -> None:
    jid = submit(client)
    began = time.monotonic()
    answer = client.get(f"/jobs/{jid}", headers={"Prefer": "wait=1"})
    assert 0.9 < time.monotonic() - began < 3
    assert (answer.get_json()["status"], answer.headers["Preference-Applied"]) == ("submitted", "wait=1")


def test_an_ended_or_unknown_job_is_not_waited_for(client: FlaskClient, queue: Jobs) -> None:
    submit(client)
    began = time.monotonic()
    assert client.get(f"/jobs/{end(queue)}", headers={"Prefer": "wait=60"}).headers["Preference-Applied"] == "wait=60"
    assert client.get("/jobs/nobody", headers={"Prefer": "wait=60"}).status_code == 404
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=5", 5),
        ("WAIT = 5", 5),
        ('respond-async, wait="7"', 7),
        ("wait=5; x=1", 5),
        ("wait=5, wait=9", 5),
        ("wait=3600", 60),
        ("wait=0", 0),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("await=5", 0),
        ("", 0),
    ],
)
def test_prefer_is_read_as_rfc_7240_says(app: Flask, prefer: str, seconds: int) -> None:
    with app.test_request_context("/", headers={"Prefer": prefer}):
        assert wanted_wait() == seconds


def test_waits_do_not_ask_redis_again_and_again(app: Flask, client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    rd = queue.store.records
    before = rd.info("commandstats").get("cmdstat_hgetall", {"calls": 0})["calls"]
    waiting = Waiting(app, "GET", f"/jobs/{jid}")
    time.sleep(1.2)
    looked = rd.info("commandstats").get("cmdstat_hgetall", {"calls": 0})["calls"] - before
    assert looked == 0
    end(queue)
    assert waiting.answer()[0]["status"] == "complete"


def test_the_thread_that_reads_ends_when_nobody_listens_and_comes_back(client: FlaskClient, queue: Jobs) -> None:
    live = live_of(client.application.extensions)
    for _ in range(2):
        jid = submit(client)
        assert live._thread is None
        waiting = Waiting(client.application, "GET", f"/jobs/{jid}")
        until(lambda: live._thread, 5, "the reader")
        end(queue)
        assert waiting.answer()[0]["status"] == "complete"
        until(lambda: live._thread is None, 5, "the end of the reader")

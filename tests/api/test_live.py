"""Streams of events: what they say, where they go on, when they end."""

import time
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.claims import complete
from lib.jobs import Jobs
from lib.settings import Settings
from services.api import live as live_module
from services.api.app import create_app
from services.api.live import Live, live_of
from services.api.routes import events as events_module
from tests.api.conftest import backend_of, claim, end, fail, submit
from tests.api.reading import Reading, statuses
from tests.waiting import until


@pytest.fixture
def live(app: Flask) -> Live:
    return live_of(app.extensions)


@pytest.fixture
def read(app: Flask, live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Reading]]:
    """Opens streams, which end with the test."""
    monkeypatch.setattr(events_module, "GLANCE", 0.05)
    opened: list[Reading] = []

    def open_one(path: str, **headers: str) -> Reading:
        opened.append(Reading(app, path, **headers))
        return opened[-1]

    yield open_one
    live.stop()
    for each in opened:
        assert each.ended.wait(5)


Read = Callable[..., Reading]


def test_a_stream_of_one_job_has_its_record_its_moves_progress_and_log_and_ends_with_it(
    client: FlaskClient, queue: Jobs, read: Read
) -> None:
    jid = submit(client)
    stream = read(f"/jobs/{jid}/events")
    assert stream.wait(1)[0]["data"] == client.get(f"/jobs/{jid}").get_json()
    taken = claim(queue)
    queue.append_log(taken, ["one", "two"])
    queue.progress(taken, 1, 2, "half")
    stream.wait(5)
    queue.finish(taken, complete(b"{}"))
    assert stream.ended.wait(5)
    assert sorted(stream.kinds()[1:]) == ["log", "log", "progress", "status", "status"]
    assert statuses(stream) == ["in-progress", "complete"]
    assert [each["data"]["line"] for each in stream.events if each["event"] == "log"] == ["one", "two"]
    assert next(each for each in stream.events if each["event"] == "progress")["data"]["progress"]["note"] == "half"


def test_the_last_lines_of_a_log_come_before_the_end(client: FlaskClient, queue: Jobs, read: Read) -> None:
    jid = submit(client)
    stream = read(f"/jobs/{jid}/events")
    taken = claim(queue)
    queue.append_log(taken, ["last words"])
    queue.finish(taken, complete(b"{}"))
    assert stream.ended.wait(5)
    assert stream.kinds() == ["job", "status", "log", "status"] or stream.kinds() == ["job", "log", "status", "status"]


def test_no_stream_shows_a_fencing_token(client: FlaskClient, queue: Jobs, read: Read) -> None:
    every, jid = read("/events"), submit(client)
    one = read(f"/jobs/{jid}/events")
    taken = claim(queue)
    queue.progress(taken, 1, None, "")
    queue.finish(taken, complete(b"{}"))
    assert one.ended.wait(5)
    every.wait(4)
    again = read("/events", Last_Event_ID=every.events[0]["id"])
    again.wait(3)
    for stream in (every, one, again):
        assert taken.token not in stream.text
        assert '"token"' not in stream.text


def test_the_stream_of_all_jobs_names_each_and_says_why(client: FlaskClient, queue: Jobs, read: Read) -> None:
    stream = read("/events")
    jid = submit(client)
    fail(queue)
    events = stream.wait(3)
    assert [each["data"]["id"] for each in events] == [jid] * 3
    assert statuses(stream) == ["submitted", "in-progress", "failed"]
    assert events[2]["data"] | {"at": ""} == {"id": jid, "status": "failed", "attempt": 1, "reason": "exception", "at": ""}
    assert not stream.ended.is_set()


def test_a_stream_may_be_narrowed_to_a_status(client: FlaskClient, queue: Jobs, read: Read) -> None:
    stream = read("/events?status=complete")
    jids = [submit(client), submit(client)]
    end(queue), end(queue)
    assert {each["data"]["id"] for each in stream.wait(2)} == set(jids)
    assert statuses(stream) == ["complete", "complete"]
    assert client.get("/events?status=done").status_code == 400


def test_a_stream_may_be_narrowed_to_jobs_that_wait_for_others(client: FlaskClient, read: Read) -> None:
    stream = read("/events?status=waiting")
    child = submit(client, depends_on=[submit(client)])
    assert [each["data"]["id"] for each in stream.wait(1)] == [child]


def test_a_stream_goes_on_after_the_last_event_that_was_seen(client: FlaskClient, queue: Jobs, read: Read) -> None:
    first = read("/events")
    jids = [submit(client) for _ in range(3)]
    seen = first.wait(3)
    again = read("/events", Last_Event_ID=seen[0]["id"])
    jids.append(submit(client))
    assert [each["data"]["id"] for each in again.wait(3)] == jids[1:]
    nothing_missed = read("/events", Last_Event_ID=again.last_id())
    end(queue)
    assert [each["data"]["status"] for each in nothing_missed.wait(2)] == ["in-progress", "complete"]


def test_a_stream_that_saw_nothing_yet_goes_on_from_its_opening(client: FlaskClient, read: Read) -> None:
    opened = read("/events").last_id()
    jid = submit(client)
    assert read("/events", Last_Event_ID=opened).wait(1)[0]["data"]["id"] == jid


def test_the_stream_of_a_job_goes_on_with_moves_and_log_lines(client: FlaskClient, queue: Jobs, read: Read) -> None:
    jid = submit(client)
    opened = read(f"/jobs/{jid}/events").last_id()
    taken = claim(queue)
    queue.append_log(taken, ["one"])
    again = read(f"/jobs/{jid}/events", Last_Event_ID=opened)
    assert sorted(each["event"] for each in again.wait(2)) == ["log", "status"]
    seen = again.last_id()
    queue.append_log(taken, ["two"])
    queue.finish(taken, complete(b"{}"))
    rest = read(f"/jobs/{jid}/events", Last_Event_ID=seen)
    assert rest.ended.wait(5)
    assert [each["data"].get("line") or each["data"]["status"] for each in rest.events] == ["two", "complete"]


def test_a_job_whose_end_was_seen_has_no_more_to_come(client: FlaskClient, queue: Jobs, read: Read, live: Live) -> None:
    jid = submit(client)
    stream = read(f"/jobs/{jid}/events")
    end(queue)
    assert stream.ended.wait(5)
    assert read(f"/jobs/{jid}/events", Last_Event_ID=stream.last_id()).status == 204
    assert len(live) == 0


def test_an_ended_job_is_shown_and_the_stream_is_over(client: FlaskClient, queue: Jobs, read: Read) -> None:
    submit(client)
    stream = read(f"/jobs/{end(queue)}/events")
    assert stream.ended.wait(5)
    assert stream.kinds() == ["job"]


@pytest.mark.parametrize("last", ["1-1", "9999999999999-0", "nonsense", "1-1/1-1"])
def test_a_place_that_cannot_be_gone_on_from_is_a_reset(client: FlaskClient, queue: Jobs, read: Read, last: str) -> None:
    jid = submit(client)
    stream = read("/events", Last_Event_ID=last)
    assert stream.kinds() == ["reset"]
    submit(client)
    stream.wait(2)
    assert read(f"/jobs/{jid}/events", Last_Event_ID=last).kinds() == ["reset", "job"]


def test_what_was_trimmed_is_a_reset(client: FlaskClient, queue: Jobs, read: Read) -> None:
    stream = read("/events")
    for _ in range(3):
        submit(client)
    first = stream.wait(3)[0]["id"]
    queue.store.records.xtrim(f"{queue.store.prefix}events", maxlen=1, approximate=False)
    assert read("/events", Last_Event_ID=first).kinds() == ["reset"]


def test_a_client_that_falls_behind_is_reset_and_goes_on_without_loss(
    app: Flask, client: FlaskClient, read: Read, monkeypatch: pytest.MonkeyPatch, live: Live
) -> None:
    monkeypatch.setattr(live_module, "QUEUED", 2)
    answer = app.test_client().get("/events")
    pieces = answer.iter_encoded()
    opening = next(pieces).decode()
    jids = [submit(client) for _ in range(4)]
    until(lambda: next(iter(live._listeners)).lost, 5, "the loss")
    assert b"event: reset" in next(pieces)
    assert list(pieces) == []
    answer.close()
    monkeypatch.setattr(live_module, "QUEUED", 5_000)
    again = read("/events", Last_Event_ID=opening.split("id: ")[1].strip())
    assert [each["data"]["id"] for each in again.wait(4)] == jids


def test_an_unknown_job_has_no_stream_and_takes_no_place(client: FlaskClient, live: Live) -> None:
    for jid in ("nobody", "a b"):
        answer = client.get(f"/jobs/{jid}/events")
        assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/unknown-job")
        assert client.get(f"/jobs/{jid}/events", headers={"Last-Event-ID": "1-1"}).status_code == 404
        assert client.head(f"/jobs/{jid}/events").status_code == 404
    assert len(live) == 0


def test_head_says_what_get_would_and_takes_no_place(client: FlaskClient, live: Live) -> None:
    for path in ("/events", f"/jobs/{submit(client)}/events"):
        answer = client.head(path, headers={"Accept-Encoding": "gzip"})
        assert (answer.status_code, answer.content_type, answer.data) == (200, "text/event-stream", b"")
        assert (answer.headers["Cache-Control"], answer.headers["X-Accel-Buffering"]) == ("no-cache", "no")
        assert "Content-Encoding" not in answer.headers
    assert len(live) == 0


def test_a_stream_pings_and_ends_after_its_time(read: Read, live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_module, "PING", 0.1)
    live.longest = 1.5
    began = time.monotonic()
    stream = read("/events")
    assert stream.ended.wait(5)
    assert 1.4 < time.monotonic() - began < 3
    assert stream.text.startswith("retry: 2000\n")
    assert ": ping\n\n" in stream.text


def test_streams_end_when_the_process_shall_stop(client: FlaskClient, read: Read, live: Live) -> None:
    streams = [read("/events"), read(f"/jobs/{submit(client)}/events")]
    live.stop()
    for stream in streams:
        assert stream.ended.wait(2)
    assert client.get("/events").status_code == 503


def test_beyond_half_of_the_threads_a_stream_is_refused_and_a_wait_is_not_heeded(
    app: Flask, client: FlaskClient, read: Read, live: Live
) -> None:
    jid = submit(client)
    assert live.most == backend_of(app).settings.api_threads // 2
    streams = [read("/events") for _ in range(live.most)]
    answer = client.get("/events")
    assert (answer.status_code, answer.get_json()["type"], answer.headers["Retry-After"]) == (
        503,
        "/problems/too-many-streams",
        "5",
    )
    answer = client.get(f"/jobs/{jid}", headers={"Prefer": "wait=20"})
    assert (answer.status_code, "Preference-Applied" in answer.headers) == (200, False)
    assert not any(stream.ended.is_set() for stream in streams)


def test_without_redis_there_is_no_stream(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"redis_port": 1}))
    answer = app.test_client().get("/events")
    assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/store-unavailable")
    assert len(live_of(app.extensions)) == 0

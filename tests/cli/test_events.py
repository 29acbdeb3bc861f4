"""Waiting by `Prefer: wait` and by event streams, and what happens where a service has neither."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from tests.cli.fakes import Loses
from tests.service import Service
from trafficjobs import AsyncClient, Client, Invalid, Job, NotFound, ResultTimeout, Unauthorized, Unavailable
from trafficjobs.events import Event, Follower, NoStream, Reader
from trafficjobs.steps import Item, Items
from trafficjobs.transport import Transport

RUNNING: dict[str, Any] = {"id": "x", "status": "in-progress"}
COMPLETE: dict[str, Any] = {"id": "x", "status": "complete", "result": 5}


class Chunks(httpx.SyncByteStream):
    """A body that comes in pieces, and breaks off where a piece is an exception."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def stream(*pieces: bytes | Exception) -> httpx.Response:
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, stream=Chunks(*pieces))


class Scripted:
    """A service with one answer after another for each path; the last one stays."""

    def __init__(self, **answers: list[Any]) -> None:
        self.answers = answers
        self.seen: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        left = self.answers["events" if request.url.path.endswith("/events") else "job"]
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, httpx.Response):
            return answer
        return httpx.Response(200, json=answer)

    @property
    def transport(self) -> Transport:
        return Transport("http://service", None, 5.0, 0.2, httpx.MockTransport(self))

    def job(self) -> Job:
        return Job(self.transport, {"id": "x", "status": "submitted"})


def test_events_are_read_as_the_format_says() -> None:
    text = b': ping\n\nid: 1\nevent: job\ndata: {"a":\ndata: 1}\n\ndata:plain\r\n\r\n'
    text += b"id: 2\n\nretry: 5\nevent: reset\ndata\n\ndata: cut"
    reader = Reader()
    found = [reader.read(line) for line in httpx.Response(200, content=text).iter_lines()]
    assert [event for event in found if event] == [
        Event("ping", None, None),
        Event("job", "1", {"a": 1}),
        Event("message", "1", "plain"),
        Event("reset", "2", ""),
    ]


def test_a_lost_stream_goes_on_after_the_last_event() -> None:
    service = Scripted(
        job=[RUNNING],
        events=[stream(b"id: 7\ndata: 1\n\n", httpx.ReadError("lost")), stream(b"id: 8\ndata: 2\n\n"), httpx.Response(404)],
    )
    transport = service.transport
    follower = Follower(transport, "/jobs/x/events", time.monotonic() + 5)

    def gone_through() -> Items[str]:
        while event := (yield from follower.next()):
            yield Item(event.kind)

    kinds = transport.driver.items(gone_through())
    assert [next(kinds) for _ in range(4)] == ["open", "message", "open", "message"]
    with pytest.raises(NoStream):
        next(kinds)
    assert [request.headers.get("Last-Event-ID") for request in service.seen] == [None, "7", "8"]


@pytest.mark.parametrize("status", [404, 405, 406, 501, 503])
def test_a_job_is_polled_where_there_is_no_stream(status: int) -> None:
    service = Scripted(job=[RUNNING, RUNNING, COMPLETE], events=[httpx.Response(status)])
    assert [record["status"] for record in service.job().watch()] == ["in-progress", "complete"]


def test_a_job_is_looked_at_when_an_event_comes() -> None:
    service = Scripted(job=[RUNNING, RUNNING, COMPLETE], events=[stream(b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n")])
    assert [record["status"] for record in service.job().watch()] == ["in-progress", "complete"]
    assert [request.url.path for request in service.seen].count("/jobs/x/events") == 1


def test_a_stream_that_wants_a_token_says_so() -> None:
    service = Scripted(job=[RUNNING], events=[httpx.Response(401)])
    with pytest.raises(Unauthorized):
        list(service.job().watch())


def test_the_service_is_asked_to_wait() -> None:
    service = Scripted(job=[RUNNING, COMPLETE])
    assert service.job().result(timeout=30) == 5
    assert {request.headers["Prefer"] for request in service.seen} == {"wait=20"}


def test_a_service_that_cannot_wait_is_asked_without_it() -> None:
    service = Scripted(job=[httpx.Response(503), RUNNING, httpx.Response(503), COMPLETE])
    assert service.job().result(timeout=30) == 5
    assert ["Prefer" in request.headers for request in service.seen] == [True, False, True, False]


def test_looks_become_rarer_while_nothing_happens() -> None:
    service = Scripted(job=[RUNNING])
    with pytest.raises(ResultTimeout):
        service.job().wait(timeout=0.6)
    assert 4 <= len(service.seen) <= 12


def test_all_jobs_are_polled_where_there_is_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trafficjobs.watching.POLL", 0.01)
    pages = [{"jobs": [], "next": None}, {"jobs": [RUNNING], "next": None}, {"jobs": [COMPLETE], "next": None}]
    service = Scripted(job=pages, events=[httpx.Response(404)])
    client = Client("http://service", transport=httpx.MockTransport(service))
    assert [record["status"] for record in client.watch(0.2)] == ["in-progress", "complete"]


def test_all_jobs_are_watched_by_their_events(monkeypatch: pytest.MonkeyPatch) -> None:
    page = {"jobs": [RUNNING], "next": None}
    events = b'event: log\ndata: {"id": "x"}\n\nid: 5-0\nevent: status\ndata: {"id": "x", "status": "complete"}\n\n'
    service = Scripted(job=[page, page, COMPLETE, httpx.Response(404)], events=[stream(events)])
    client = Client("http://service", transport=httpx.MockTransport(service))
    assert next(client.watch(5)) == COMPLETE
    assert [request.url.path for request in service.seen] == ["/jobs", "/events", "/jobs", "/jobs/x"]


def test_lines_of_the_log_and_fast_progress_cost_no_look() -> None:
    events = b"event: log\ndata: {}\n\n" * 50 + b"event: progress\ndata: {}\n\n" * 50 + b"event: status\ndata: {}\n\n"
    service = Scripted(job=[RUNNING, RUNNING, COMPLETE], events=[stream(events)])
    assert [record["status"] for record in service.job().watch()] == ["in-progress", "complete"]
    assert len(service.seen) <= 5


@pytest.mark.parametrize("delay", [0.0, 0.5], ids=["runs at once", "runs later"])
def test_one_request_suffices_where_the_service_waits(service: Service, delay: float) -> None:
    with Client(service.url, transport=(network := Loses(0, lambda _: False))) as client:
        job = client.submit("unique_issues", run_in=delay)
        assert job.result(timeout=60) == {"unique_issues": 3}
    assert network.sent == ["POST /jobs", f"GET /jobs/{job.id}"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(404), NotFound),
        (httpx.Response(400), Invalid),
        (httpx.Response(503), Unavailable),
        (httpx.Response(200, json={}), Unavailable),
        (httpx.Response(401), Unauthorized),
    ],
)
def test_events_that_cannot_be_had_are_told(answer: httpx.Response, error: type[Exception]) -> None:
    service = Scripted(job=[RUNNING], events=[answer])
    with pytest.raises(error):
        list(service.job().events())
    assert len(service.seen) == 1


def test_events_end_with_the_job() -> None:
    events = b': hi\n\nid: 5/0\n\nid: 6/0\nevent: status\ndata: {"status": "complete"}\n\n'
    service = Scripted(job=[RUNNING], events=[stream(events), httpx.Response(204)])
    assert [event.kind for event in service.job().events(after="4/0")] == ["status"]
    assert [request.headers["Last-Event-ID"] for request in service.seen] == ["4/0", "6/0"]


def test_a_stream_that_broke_before_its_first_event_goes_on_from_its_place() -> None:
    service = Scripted(job=[RUNNING], events=[stream(b"id: 5/0\n\n", httpx.ReadError("lost")), httpx.Response(204)])
    assert list(service.job().events()) == []
    assert [request.headers.get("Last-Event-ID") for request in service.seen] == [None, "5/0"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_lines_end_where_the_form_of_events_says_and_at_no_other_sign(end: bytes) -> None:
    note = "half\u2028way\u2029there\x85 \x1c"
    text = b"id: 6/0\nevent: status\ndata: %s\n\n" % json.dumps({"status": "complete", "note": note}, ensure_ascii=False).encode()
    text = text.replace(b"\n", end)
    service = Scripted(job=[RUNNING], events=[stream(*(text[at : at + 1] for at in range(len(text)))), httpx.Response(204)])
    assert [event.data["note"] for event in service.job().events()] == [note]

    async def awaited() -> list[str]:
        async def pieces() -> AsyncIterator[bytes]:
            for at in range(len(text)):
                yield text[at : at + 1]

        answers = iter(
            [httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=pieces()), httpx.Response(204)]
        )
        async with AsyncClient("http://service", transport=httpx.MockTransport(lambda _: next(answers))) as client:
            return [event.data["note"] async for event in client.events(timeout=5) if event.kind == "status"][:1]

    assert asyncio.run(awaited()) == [note]

"""`/events` and `/jobs/<id>/events`: what happens to jobs, as server-sent events.

`id` is the entry's id in the stream `events`, with the log's behind a slash where a job's log is read as well; a client that
sends the last one as Last-Event-ID misses nothing and gets nothing twice. Where that cannot be, it gets `reset`.
"""

import time
from collections.abc import Iterator
from typing import Any, Literal

import orjson
from flask import Blueprint, Response, request
from pydantic import Field

from lib.states import TERMINAL
from services.api import kinds
from services.api.backend import backend
from services.api.body import query
from services.api.contract import Answer, contract
from services.api.entries import START, Entry, Place, events_between, lines_after, place_of, shown
from services.api.live import GLANCE, Listener, NoPlace, live
from services.api.problems import Problem
from services.api.queries import Query
from services.api.routes.jobs import OF_A_JOB, eta_of, find_job
from services.api.tokens import Role

blueprint = Blueprint("events", __name__)

PING = 15.0  # seconds without a word after which a stream says that it is still there
RETRY = 2_000  # milliseconds after which a browser connects again
_RETRY_AFTER = "5"  # seconds, where too many streams are open
_MEDIA = "text/event-stream"
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
_STREAM = Answer(
    "The stream: `status`, `progress`, `partial`, `reset`; of all jobs also `action`, of one `job` and `log`.",
    str,
    media=(_MEDIA,),
)


class EventsQuery(Query):
    """Which events a stream has."""

    status: Literal["waiting", "scheduled", "submitted", "in-progress", "complete", "failed", "cancelled"] | None = Field(
        None, description="Only events of jobs that are in this state then."
    )


@blueprint.get("/events")
@contract(
    role=Role.VIEW,
    tag="Live",
    query=EventsQuery,
    takes=("Last-Event-ID",),
    answers={200: _STREAM},
    problems=(kinds.INVALID_INPUT, kinds.TOO_MANY_STREAMS),
)
def all_jobs() -> Response:
    """What happens to all jobs, and what callers do beside it.

    Ends after five minutes; connect again with Last-Event-ID. `reset` says that events are missing before the next one.
    """
    asked = query(EventsQuery)
    if request.method == "HEAD":
        return _answer(iter(()))
    since, _ = _last_seen()
    listener = _listen(None, since)
    return _stream(Stream(listener, since, START, asked.status))


@blueprint.get("/jobs/<jid>/events")
@contract(
    role=Role.VIEW,
    tag="Live",
    takes=("Last-Event-ID",),
    answers={200: _STREAM, 204: Answer("The job has ended, and the last event was seen: there is no more to come.")},
    problems=(*OF_A_JOB, kinds.TOO_MANY_STREAMS),
)
def one_job(jid: str) -> Response:
    """What happens to one job: its record as `job`, then its moves, its progress, and the lines it logs from now on.

    Ends with the job, or after five minutes; connect again with Last-Event-ID.
    """
    if request.method == "HEAD":
        find_job(jid)
        return _answer(iter(()))
    since, log = _last_seen()
    listener = _listen(jid, since)
    try:
        record = None if since is not None and listener.now.continues else _record(jid)
        stream = Stream(listener, since, log, record=record)
        if record is None and listener.now.status is None:
            find_job(jid)  # says whether it is unknown or has expired
        if record is None and stream.seen_to_the_end():
            listener.leave()
            return Response(status=204)
    except BaseException:
        listener.leave()
        raise
    return _stream(stream)


def _last_seen() -> tuple[Place | None, Place]:
    """What Last-Event-ID says: a place in the stream, None without it, and a place in the log."""
    given = request.headers.get("Last-Event-ID", "").strip()
    if not given:
        return None, START
    event, _, line = given.partition("/")
    return place_of(event) or (0, 1), place_of(line) or START  # what is no place is one that cannot be gone on from


def _listen(jid: str | None, since: Place | None) -> Listener:
    try:
        return live().listen(jid, log=jid is not None, since=since, connection=request.environ.get("gunicorn.socket"))
    except NoPlace:
        raise Problem(
            kinds.TOO_MANY_STREAMS,
            "As many streams are open and requests wait as may; try again in a moment, or ask for the record now and then.",
            headers={"Retry-After": _RETRY_AFTER},
        ) from None


def _record(jid: str) -> dict[str, Any]:
    find_job(jid)  # an impossible id never gets further
    shown = backend().jobs.look(jid)
    return shown.to_dict() | eta_of(shown)


def _stream(stream: "Stream") -> Response:
    response = _answer(iter(stream))
    response.call_on_close(stream.listener.leave)  # also where nothing of it was ever sent
    return response


def _answer(pieces: Iterator[bytes]) -> Response:
    return Response(pieces, 200, _HEADERS, content_type=_MEDIA)


class Stream:
    """What one client is sent.

    Args:
        since: what it saw last; None for a new one.
        log: the line of the job's log that it saw last.
        status: only entries of jobs that are in this state then.
        record: of the job, to begin with.
    """

    def __init__(
        self, listener: Listener, since: Place | None, log: Place, status: str | None = None, record: dict[str, Any] | None = None
    ) -> None:
        self.listener, self.status, self.record = listener, status, record
        self.store = listener.live.store
        self.resumes = since is not None and listener.now.continues
        self.gap = since is not None and not listener.now.continues
        self.place = since if since is not None and self.resumes else listener.now.last
        self.log = log if self.resumes else listener.now.log

    def seen_to_the_end(self) -> bool:
        """Whether the job has ended, and the client knows."""
        job, now = self.listener.job, self.listener.now
        ended = now.status in TERMINAL
        return ended and not any(page for page in events_between(self.store, self.place, now.last, job))

    def __iter__(self) -> Iterator[bytes]:
        def pieces() -> Iterator[bytes]:
            try:
                for piece in self._pieces():
                    self.listener.writing_since = time.monotonic()
                    yield piece
                    self.listener.writing_since = None
            finally:
                self.listener.leave()

        return pieces()

    def _pieces(self) -> Iterator[bytes]:
        listener, now = self.listener, self.listener.now
        yield self._opening()
        if self.record is not None and self.record["status"] in TERMINAL:
            return
        if self.resumes:
            for page in events_between(self.store, self.place, now.last, listener.job):
                yield from self._news(page)
                if self._ended(page) or listener.live.stopping:
                    return
        yield from self._lines()
        give_up = time.monotonic() + listener.live.longest
        ping_at = time.monotonic() + PING
        while (moment := time.monotonic()) < give_up and not listener.live.stopping and not listener.gone():
            found = listener.take(min(GLANCE, max(0.0, give_up - moment)))
            if listener.lost:
                yield _frame("reset", None, {"reason": "Too much happened at once, or Redis has lost something; connect again."})
                return
            if found:
                yield from self._news(found)
                ping_at = moment + PING
                if self._ended(found):
                    return
            elif moment >= ping_at:
                yield b": ping\n\n"
                ping_at = moment + PING

    def _opening(self) -> bytes:
        made = f"retry: {RETRY}\nid: {self._id()}\n\n".encode()
        if self.gap:
            made += _frame("reset", self._id(), {"reason": "What came after the last event is not there any more."})
        if self.record is not None:
            made += _frame("job", self._id(), self.record)
        return made

    def _news(self, found: list[Entry]) -> Iterator[bytes]:
        """Entries as one piece; before the end of the job, the lines of its log that did not come yet."""
        if self._ended(found):
            lines = [each for each in found if each.kind == "log"]
            yield self._written(lines)
            yield from self._lines()
            found = [each for each in found if each.kind != "log"]
        if piece := self._written(found):
            yield piece

    def _lines(self) -> Iterator[bytes]:
        if self.listener.job is not None:
            for page in lines_after(self.store, self.log, self.listener.job):
                if piece := self._written(page):
                    yield piece

    def _written(self, found: list[Entry]) -> bytes:
        made = b""
        for each in found:
            if each.place <= (self.log if each.kind == "log" else self.place):
                continue
            if each.kind == "log":
                self.log = each.place
            else:
                self.place = each.place
            if self.status in (None, each.data.get("status")):
                made += _frame(each.kind, self._id(), each.data)
        return made

    def _ended(self, found: list[Entry]) -> bool:
        return self.listener.job is not None and any(each.ends for each in found)

    def _id(self) -> str:
        return shown(self.place) + ("" if self.listener.job is None else f"/{shown(self.log)}")


def _frame(kind: str, identity: str | None, data: Any) -> bytes:
    lines = [f"event: {kind}", *([f"id: {identity}"] if identity else [])]
    return "\n".join(lines).encode() + b"\ndata: " + orjson.dumps(data) + b"\n\n"

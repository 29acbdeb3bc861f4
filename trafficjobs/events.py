"""Server-sent events: one reader for `/jobs/<id>/events` and `/events`, which goes on where a lost connection ended.

A stream only says that something has changed; what it is now, the record says. So whoever follows a stream loses nothing
when events are missed, and polls with growing pauses where the service has no stream to give.
"""

import json
import time
from dataclasses import dataclass
from typing import Any

from trafficjobs.errors import Conflict, Invalid, NotFound, TrafficjobsError, Unavailable
from trafficjobs.steps import Item, Items, Pause, Steps
from trafficjobs.transport import Transport, pauses

SILENCE = 40.0  # seconds without a byte after which a stream counts as lost; the service pings every 15
NO_STREAM = (Conflict, Invalid, NotFound)
_OVER = 204  # the job has ended, and its last event was seen


class NoStream(Exception):
    """The service has no stream at this address, or cannot give one now; poll instead.

    Attributes:
        why: what it has said.
        over: there is nothing more to come.
    """

    def __init__(self, why: TrafficjobsError | None = None, over: bool = False) -> None:
        super().__init__()
        self.why = why
        self.over = over


@dataclass(frozen=True)
class Event:
    """Something that has happened.

    Attributes:
        kind: status, progress, partial, job, log, action, or reset where others are missing before the next one; of the
            connection itself: open and ping.
        id: `after` of `Client.events` goes on behind it.
        data: as the service sent it.
    """

    kind: str
    id: str | None
    data: Any


class Follower:
    """Events from now on, over lost connections.

    Args:
        path: of the stream.
        end: when to give up, on the monotonic clock.
        after: id of the last event that is known.
    """

    def __init__(self, transport: Transport, path: str, end: float, after: str | None = None) -> None:
        self._transport = transport
        self._path = path
        self._end = end
        self._last = after
        self._reader: Reader | None = None
        self._pauses = pauses(0.05, 2.0)
        self._away_since: float | None = None

    def next(self) -> Steps[Event | None]:
        """The next event; None at the end of the time.

        An `open` comes first, and again whenever the stream begins anew: look then, since something may have been missed.

        Raises:
            NoStream: there is none to be had.
            Unavailable: the service went away and did not come back within the transport's patience.
        """
        while (left := self._end - time.monotonic()) > 0:
            try:
                if self._reader is None:
                    yield from self._open(left)
                    return Event("open", None, None)
                if event := (yield from self._event(self._reader)):
                    return event
                self._reader = None
            except NO_STREAM as error:
                raise NoStream(error) from None
            except TrafficjobsError as error:
                self._judge(error)
            yield Pause(max(0.0, min(next(self._pauses), self._end - time.monotonic())))
        return None

    def _open(self, left: float) -> Steps[None]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": self._last} if self._last else {})
        response = yield from self._transport.opened(self._path, headers, min(SILENCE, left))
        if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
            raise NoStream(over=response.status_code == _OVER)
        self._reader, self._pauses, self._away_since = Reader(), pauses(0.05, 2.0), None

    def _event(self, reader: "Reader") -> Steps[Event | None]:
        while (line := (yield from self._transport.line())) is not None:
            event = reader.read(line)
            self._last = reader.last or self._last
            if event is not None:
                return event
        return None

    def _judge(self, error: TrafficjobsError) -> None:
        """Let it be tried again, or raise."""
        self._reader = None
        if error.status in (405, 501) or (isinstance(error, Unavailable) and error.status is not None):
            raise NoStream(error) from None  # it answers, and has no stream, or no thread left for one
        if not isinstance(error, Unavailable):
            raise error
        self._away_since = self._away_since or time.monotonic()
        if time.monotonic() - self._away_since > self._transport.patience:
            raise error


def events_of(follower: Follower) -> Items[Event]:
    """What has happened, without what the connection says of itself. Raises what the service says where it gives no stream."""
    try:
        while (event := (yield from follower.next())) is not None:
            if event.kind not in ("open", "ping"):
                yield Item(event)
    except NoStream as error:
        if not error.over:
            raise error.why or Unavailable("The service answers with something else than a stream of events.") from None


class Reader:
    """Makes events of the lines of one stream, as the format says; comments are pings. `last` is where to go on."""

    def __init__(self) -> None:
        self.last = ""
        self._kind, self._id, self._data = "", "", list[str]()

    def read(self, line: str) -> Event | None:
        """Take a line; the event that it completes."""
        if not line:
            return self._whole()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "":
            return Event("ping", None, None)
        if name == "event":
            self._kind = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "data":
            self._data.append(value)
        return None

    def _whole(self) -> Event | None:
        kind, data = self._kind, self._data
        self._kind, self._data, self.last = "", [], self._id
        return Event(kind or "message", self._id or None, _decoded("\n".join(data))) if data else None


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

"""Server-sent events: one reader for `/jobs/<id>/events` and `/events`, which goes on where a lost connection ended.

A stream only says that something has changed; what it is now, the record says. So whoever follows a stream loses nothing
when events are missed, and polls with growing pauses where the service has no stream to give.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from trafficjobs.errors import Conflict, Invalid, NotFound, TrafficjobsError, Unavailable
from trafficjobs.transport import Transport, pauses

SILENCE = 40.0  # seconds without a byte after which a stream counts as lost; the service pings every 15
NO_STREAM = (Conflict, Invalid, NotFound)


class NoStream(Exception):
    """The service has no stream at this address, or cannot give one now; poll instead."""


@dataclass(frozen=True)
class Event:
    """One event. `kind` is its name, or `open` and `ping` for what the connection itself says."""

    kind: str
    id: str | None
    data: Any


def follow(transport: Transport, path: str, end: float) -> Iterator[Event]:
    """Events from now on until `end` on the monotonic clock, over lost connections.

    An `open` comes first, and again whenever the stream begins anew: look then, since something may have been missed.

    Raises:
        NoStream: there is none to be had.
        Unavailable: the service went away and did not come back within the transport's patience.
    """
    last: str | None = None
    growing, away_since = pauses(0.05, 2.0), None
    while (left := end - time.monotonic()) > 0:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last} if last else {})
        try:
            with transport.stream(path, headers, min(SILENCE, left)) as response:
                if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                    raise NoStream
                growing, away_since = pauses(0.05, 2.0), None
                yield Event("open", None, None)
                for event in parsed(response):
                    last = event.id or last
                    yield event
                    if time.monotonic() > end:
                        return
        except NO_STREAM:
            raise NoStream from None
        except Unavailable as error:
            if error.status is not None:  # it answers, and has no thread left for a stream
                raise NoStream from None
            away_since = away_since or time.monotonic()
            if time.monotonic() - away_since > transport.patience:
                raise
        except TrafficjobsError as error:
            if error.status in (405, 501):
                raise NoStream from None
            raise
        time.sleep(max(0.0, min(next(growing), end - time.monotonic())))


def parsed(response: httpx.Response) -> Iterator[Event]:
    """The events of one stream, as the format says; comments are pings."""
    kind, identity, data = "", None, list[str]()
    for line in response.iter_lines():
        if not line:
            if data:
                yield Event(kind or "message", identity, _decoded("\n".join(data)))
            kind, data = "", []
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "":
            yield Event("ping", None, None)
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            identity = value
        elif name == "data":
            data.append(value)


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text

"""A stream of events as a client reads it: what has come, and the wait for what is to come."""

import threading
from typing import Any

import orjson
from flask import Flask

from tests.waiting import until


class Reading:
    """A stream that is read in a thread of its own, as a client would."""

    def __init__(self, app: Flask, path: str, **headers: str) -> None:
        self.answer = app.test_client().get(path, headers={name.replace("_", "-"): each for name, each in headers.items()})
        self.status = self.answer.status_code
        self.text = ""
        self.ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        if self.status == 200:
            until(lambda: "\n\n" in self.text, 5, "the opening")

    def _read(self) -> None:
        for piece in self.answer.iter_encoded():
            self.text += piece.decode()
        self.answer.close()
        self.ended.set()

    @property
    def events(self) -> list[dict[str, Any]]:
        """Each with `event`, `id` and `data`."""
        found = []
        for block in self.text.split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.splitlines())
            if "event" in fields:
                found.append(fields | {"data": orjson.loads(fields["data"])})
        return found

    def kinds(self) -> list[str]:
        return [event["event"] for event in self.events]

    def wait(self, count: int) -> list[dict[str, Any]]:
        """The events, once there are so many."""
        return until(lambda: self.events if len(self.events) >= count else None, 5, f"event {count}")

    def last_id(self) -> str:
        return [line[4:] for line in self.text.splitlines() if line.startswith("id: ")][-1]


def statuses(reading: Reading) -> list[str]:
    return [event["data"]["status"] for event in reading.events if event["event"] == "status"]

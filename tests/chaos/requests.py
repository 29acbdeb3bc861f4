"""What submitters asked for and what they were told, and the part of the checker that holds them together: whatever was accepted
or may have been is there as a whole or not at all, what was refused is not there, and nobody else's job is.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.history import Remains
from tests.chaos.system import now

ACKNOWLEDGED, REFUSED, UNKNOWN = "acknowledged", "refused", "unknown"


@dataclass(frozen=True)
class Request:
    """What came of a submit, after all its tries.

    Args:
        ids: of its jobs; of one with an Idempotency-Key only if it was told.
        key: the Idempotency-Key, or "".
        answer: acknowledged; refused, by an answer that says that nothing was queued; unknown: neither.
    """

    ids: tuple[str, ...]
    key: str
    answer: str


class Requests:
    """All of a run; safe for threads. Every try stands in the file, for whoever looks for what happened.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self.ended: list[Request] = []
        self.tries = 0
        self._lock = threading.Lock()
        self._file = path.open("a", buffering=1)

    def tried(self, ids: list[str], key: str, said: str) -> None:
        """One try and its answer."""
        with self._lock:
            self.tries += 1
            self._file.write(f"{now():.6f} {','.join(ids) or '-'} {key or '-'} {said}\n")

    def end(self, ids: list[str], key: str, answer: str) -> None:
        """It is not tried again."""
        with self._lock:
            self.ended.append(Request(tuple(ids), key, answer))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def count(self, answer: str) -> int:
        """How many requests had that end."""
        return sum(request.answer == answer for request in self.ended)


def check(requests: list[Request], remains: Remains) -> Iterator[tuple[str, str]]:
    """What is there although it should not be, or only in part."""
    there = {event.job for event in remains.events} | set(remains.records)
    asked: set[str] = set()
    for request in requests:
        ids = set(request.ids)
        if request.key:
            stands_for = remains.keys.get(f"idempotency./{request.key}")
            ids |= {stands_for} if stands_for else set()
            if len(ids) > 1:
                yield "one-key-two-jobs", f"{request.key} was answered with {request.ids} and stands for {stands_for}"
        asked |= ids
        found = ids & there
        if request.answer == REFUSED and found:
            yield "refused-but-there", f"{sorted(found)} were refused and are there"
        elif found and found != ids:
            yield "in-part", f"of one request ({request.answer}) {sorted(found)} are there, {sorted(ids - found)} are not"
    if unasked := there - asked:
        yield "unasked", f"nobody asked for {sorted(unasked)[:5]}"

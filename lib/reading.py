"""Reading hashes of Redis that other programs may have damaged.

What has not its form is left out and named, and nothing raises.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import NoneType
from typing import Any, TypeVar

import orjson

from lib.context import MOST_PROGRESS
from lib.jsonable import iso_utc
from lib.scripts import BUCKETS

T = TypeVar("T")
Shape = Mapping[str, tuple[type, ...]]  # keys that an object must have, and of which types their values may be
_ERRORS = (ValueError, TypeError, OverflowError, OSError)  # of what parses numbers, times and JSON
_MOST_NAMED = 5
_LONGEST_MESSAGE = 600  # characters: five names of 100 fit
_LONGEST_COUNT = 20  # digits
ERROR: Shape = {"type": (str,), "message": (str,), "reason": (str,)}
_PROGRESS: Shape = {"done": (int, float), "total": (int, float, NoneType), "note": (str, NoneType)}
_ATTEMPT: Shape = {"attempt": (int,), "outcome": (str,), "worker": (str,), "error": (dict, NoneType)}
_RUN: Shape = {"run": (int,), "status": (str,), "attempts": (list,), "error": (dict, NoneType)}
_BOUNDS = frozenset({*map(str, BUCKETS), *(f"{bound:g}" for bound in BUCKETS), "+Inf"})


def iso(seconds: str | float | None) -> str | None:
    """Redis's time as ISO 8601 in UTC, with microseconds; None where there is none, or something else."""
    try:
        return _iso(seconds)
    except _ERRORS:
        return None


def _iso(seconds: str | float | None) -> str | None:
    return None if not seconds else iso_utc(datetime.fromtimestamp(float(seconds), UTC))


def number_of(value: bytes | None) -> int:
    """A count that Redis holds; 0 where it is none."""
    try:
        return int(value or 0)
    except ValueError:
        return 0


def text_of(value: bytes) -> str:
    """A word that Redis holds."""
    return value.decode("utf-8", "replace")


def fields_of(raw: Mapping[bytes, bytes]) -> dict[str, str]:
    """A hash as text."""
    return {text_of(name): text_of(value) for name, value in raw.items()}


def counts_of(raw: Mapping[bytes, bytes]) -> dict[str, int]:
    """The counters and buckets of `metrics` that are numbers, by their field; a bucket's is `wait|<operation>|<bound>`."""
    counts = {}
    for name, value in fields_of(raw).items():
        is_number = value.isascii() and value.removeprefix("-").isdigit() and len(value) < _LONGEST_COUNT
        kind, *labels = name.split("|")
        is_known = kind not in ("wait", "run") or (len(labels) == 2 and labels[1] in _BOUNDS)
        if is_number and is_known and "\ufffd" not in name:
            counts[name] = int(value)
    return counts


def object_of(words: str | bytes | None) -> dict[str, Any] | None:
    """A JSON object; None where it is something else."""
    try:
        value = orjson.loads(words or b"")
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def damaged_record(what: str) -> dict[str, Any]:
    """The error of a job whose record cannot be read; scripts have the same words (parts/records.lua)."""
    words = f"The record in Redis was changed by another program: {what}"[:_LONGEST_MESSAGE]
    return {"type": "DamagedRecord", "message": words, "reason": "damaged"}


class Reading:
    """The fields of one hash, as text. `damaged` are names of those that could not be read."""

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.damaged: list[str] = []

    def int(self, name: str, default: int = 0) -> int:
        """A whole number."""
        return self._read(name, default, int)

    def float(self, name: str, default: float = 0.0) -> float:
        """A finite number."""
        return self._read(name, default, _finite)

    def time(self, name: str) -> str | None:
        """A time as ISO 8601."""
        return self._read(name, None, _iso)

    def one_of(self, name: str, known: Sequence[str], default: str) -> str:
        """One of these words."""
        return self._read(name, default, lambda word: known[known.index(word)])

    def json(self, name: str, kind: type | None = None) -> Any:
        """A JSON value, of this type or null; None where there is none."""
        return self._read(name, None, lambda words: _checked(orjson.loads(words), kind))

    def object(self, name: str, shape: Shape) -> dict[str, Any] | None:
        """A JSON object of this shape, or null; None where there is none."""
        found: dict[str, Any] | None = self._read(name, None, lambda words: _shaped(orjson.loads(words), shape))
        return found

    def progress(self, name: str) -> dict[str, Any] | None:
        """How far a running job is, in numbers that `lib.context.progress` takes; None where there is none."""
        found: dict[str, Any] | None = self._read(name, None, lambda words: _progress(orjson.loads(words)))
        return found

    def array(self, name: str, *kinds: type) -> list[Any]:
        """A JSON array of such values."""
        return self._read(name, [], lambda words: [_checked(value, *kinds) for value in _checked(orjson.loads(words), list)])

    def numbered(self, prefix: str, parse: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]]:
        """The JSON objects `<prefix><n>` in order of n. `parse` raises ValueError or TypeError for what is none."""
        names = [name for name in self.values if name.startswith(prefix)]
        numbers = {name: self._of(name, partial(int, name.removeprefix(prefix))) for name in names}
        in_order = sorted((number, name) for name, number in numbers.items() if number is not None)
        found = []
        for _, name in in_order:
            found.append(self._of(name, partial(_entry, self.values[name], parse)))
        return [entry for entry in found if entry is not None]

    def error(self) -> dict[str, Any]:
        """What the error of a job says whose record is this."""
        named = ", ".join(self.damaged[:_MOST_NAMED]) + (", ..." if len(self.damaged) > _MOST_NAMED else "")
        return damaged_record(f"{named} cannot be read.")

    def _read(self, name: str, default: T, parse: Callable[[str], T]) -> T:
        words = self.values.get(name)
        found = None if words is None else self._of(name, lambda: parse(words))
        return default if found is None else found

    def _of(self, name: str, parse: Callable[[], T]) -> T | None:
        try:
            return parse()
        except _ERRORS:
            self.damaged.append(name[:100])
            return None


def _finite(words: str) -> float:
    value = float(words)
    if not math.isfinite(value):
        raise ValueError(words)
    return value


def _checked(value: Any, *kinds: Any) -> Any:
    if any(kinds) and value is not None and not isinstance(value, tuple(kind for kind in kinds if kind is not None)):
        raise ValueError("another type")
    return value


def _shaped(value: Any, shape: Shape) -> Any:
    if value is not None:
        _checked(value, dict)
        for key, kinds in shape.items():
            if not isinstance(value.get(key), kinds):
                raise ValueError(key)
    return value


def _progress(value: Any) -> Any:
    numbers = [value.get(key) or 0 for key in ("done", "total")] if _shaped(value, _PROGRESS) is not None else []
    if not all(0 <= number <= MOST_PROGRESS for number in numbers):
        raise ValueError("out of range")
    return value


def _entry(words: str, parse: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    value = _checked(orjson.loads(words), dict)
    if value is None:
        raise ValueError(words)
    return parse(value)


def attempt_of(value: Any) -> dict[str, Any]:
    """An attempt of a job, with its times as ISO 8601. Raises ValueError or TypeError where it is none."""
    return _with_times(_with_error(_shaped(value, _ATTEMPT)))


def run_of(value: Any) -> dict[str, Any]:
    """A run of a job before its last one, likewise, with its attempts."""
    run = _with_times(_with_error(_shaped(value, _RUN)))
    return run | {"attempts": [attempt_of(attempt) for attempt in run["attempts"]]}


def _with_error(entry: dict[str, Any]) -> dict[str, Any]:
    _shaped(entry["error"], ERROR)
    return entry


def _with_times(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {name: _iso(entry.get(name)) for name in ("started", "ended")}

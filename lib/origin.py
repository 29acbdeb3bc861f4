"""From which request something comes: its id, and its trace as the header `traceparent` of W3C's Trace Context says it.

Nothing here needs OpenTelemetry: what comes with a request is passed on. https://www.w3.org/TR/trace-context/
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


@dataclass(frozen=True)
class Origin:
    """Of a job, a batch or a schedule; None: it has none."""

    request_id: str | None = None
    traceparent: str | None = None  # checked

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Origin":
        """As a record has it, which another program may have changed."""
        return cls(values.get("request_id") or None, checked(values.get("traceparent")))

    def fields(self) -> dict[str, str]:
        """What there is of it, as a record takes it."""
        return {name: value for name, value in asdict(self).items() if value}

    def logged(self) -> dict[str, str | None]:
        """As log lines have it."""
        return {"request_id": self.request_id, "trace_id": trace_id(self.traceparent)}


NOWHERE = Origin()


def checked(header: str | None) -> str | None:
    """A traceparent that can be passed on, in the form of version 00; None without one, or where it is invalid and ignored."""
    found = _TRACEPARENT.fullmatch(header.strip()) if header else None
    if found is None:
        return None
    version, trace, parent, flags, rest = found.groups()
    if version == "ff" or (version == "00" and rest) or not trace.strip("0") or not parent.strip("0"):
        return None
    return f"00-{trace}-{parent}-{flags}"


def trace_id(traceparent: str | None) -> str | None:
    """The id of the trace that a checked traceparent belongs to."""
    return traceparent.split("-")[1] if traceparent else None

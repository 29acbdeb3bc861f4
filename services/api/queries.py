"""The query strings of the routes: one model each, which checks them and describes them in the OpenAPI document.

A name that stands in no model is ignored, as caches and tracers add their own; a name given twice is a mistake.
"""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

from lib.egress import MOST_CHARACTERS
from lib.failures import PAGE_LIMIT as MOST_GROUPS
from lib.history import LONGEST, SHORTEST
from lib.listing import MOST_SEARCHED, PAGE_LIMIT
from lib.periods import Day
from lib.records import ID_PATTERN
from lib.rows import MAX_LIMIT

MOST_LINES = 1_000
_LATEST = 253_402_300_800  # seconds; the year 10000
_NUMBER = re.compile(r"\d{1,400}(\.\d{1,400})?(e[+-]?\d{1,3})?\Z", re.ASCII | re.IGNORECASE)


def _whole(value: Any) -> Any:
    """Digits as a number, and nothing else that Python would take for one."""
    if isinstance(value, int):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    raise ValueError(f"must be a whole number, not {str(value)[:40]!r}")


def _moment(value: Any) -> float:
    """A time as seconds since 1970: ISO 8601 (UTC where it names no zone) or seconds; what lies before 1970 is 1970."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    given = value if isinstance(value, str) else repr(value) if number else ""
    try:
        seconds = float(given) if _NUMBER.match(given) else _from_iso(given)
    except (ValueError, OverflowError):
        seconds = float("inf")
    if not seconds < _LATEST:
        raise ValueError(f"must be a time such as 2024-05-01T12:00:00Z, or seconds since 1970, not {str(value)[:40]!r}")
    return max(0.0, seconds)


def _from_iso(given: str) -> float:
    # A plus sign that was not percent-encoded arrives as a space.
    moment = datetime.fromisoformat(given.strip().replace(" ", "+") if "T" in given.upper() else given)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


Whole = Annotated[int, BeforeValidator(_whole)]
Moment = Annotated[
    float,
    BeforeValidator(_moment),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "format": "date-time"},
                {"type": "string", "format": "date"},
                {"type": "number", "minimum": 0, "exclusiveMaximum": _LATEST, "description": "Seconds since 1970."},
            ]
        }
    ),
]
Cursor = Annotated[str | None, Field(pattern="^[0-9]{1,16}$", description="`next` of the page before.")]


class Query(BaseModel):
    """Base of every query string."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class JobsQuery(Query):
    """Which jobs a page lists."""

    status: Literal["waiting", "scheduled", "submitted", "in-progress", "complete", "failed", "cancelled"] | None = Field(
        None, description="Only jobs in this state."
    )
    operation: str | None = Field(None, description="Only jobs of this operation.")
    fingerprint: str | None = Field(
        None, pattern="^[0-9a-f]{16}$", description="Only failed jobs that are alike; GET /failures lists the groups."
    )
    batch: str | None = Field(None, pattern=ID_PATTERN + "$", description="Only jobs of this batch.")
    search: str | None = Field(
        None,
        max_length=MOST_SEARCHED,
        description="Only jobs whose id begins with this text, or whose operation, submitter, parameters or error message "
        "contain it, in any case. A page looks at 5,000 jobs; an id in full is found however old its job is.",
    )
    since: Moment | None = Field(None, description="Submitted from then on.")
    until: Moment | None = Field(None, description="Submitted before then.")
    cursor: Cursor = None
    limit: Whole = Field(50, ge=1, le=PAGE_LIMIT, description="Jobs on a page.")


class FailuresQuery(Query):
    """Which groups of failed jobs a page has."""

    cursor: Cursor = None
    limit: Whole = Field(50, ge=1, le=MOST_GROUPS, description="Groups on a page.")


class HistoryQuery(Query):
    """How far back a history goes."""

    seconds: Whole = Field(3_600, ge=SHORTEST, le=LONGEST, description="From so many seconds ago until now.")


class RestoreQuery(Query):
    """What happens to what the release holds."""

    replace: bool = Field(False, description="Take all of it away; without it, only an empty release is restored.")


class BatchesQuery(Query):
    """Which batches a page lists."""

    cursor: Cursor = None
    limit: Whole = Field(50, ge=1, le=PAGE_LIMIT, description="Batches on a page.")


class LogQuery(Query):
    """Which lines of a log a page has."""

    after: str = Field("-", pattern="^(-|[0-9]{1,19}(-[0-9]{1,19})?)$", description="`next` of the page before.")
    limit: Whole = Field(MOST_LINES, ge=1, le=MOST_LINES, description="Lines on a page.")


class DataQuery(Query):
    """Which incidents a page lists."""

    search: str | None = Field(
        None, description="Text in the address or the kind of incident, in any case, or the beginning of a report id."
    )
    start: Day | None = Field(None, description="First local day.")
    end: Day | None = Field(None, description="Last local day.")
    issue: str | None = Field(None, description="Kind of incident, in any spelling.")
    limit: Whole = Field(1_000, ge=1, le=MAX_LIMIT, description="Incidents on a page.")
    after: str | None = Field(None, min_length=1, description="Report id of the last incident of the page before.")


class LoadQuery(Query):
    """How a file is loaded."""

    mode: Literal["replace", "append"] = Field("replace", description="Whether the file replaces the data or is added to it.")
    url: str | None = Field(
        None, max_length=MOST_CHARACTERS, description="What to download instead of a body; it must be among DATA_URLS."
    )

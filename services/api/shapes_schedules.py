"""The shapes of schedules, for the OpenAPI document; and the bodies that make one, which are checked by theirs."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from lib.recurrence import LONGEST
from services.api.shapes import Count, JsonObject, moment


class ScheduleBody(BaseModel):
    """When which job is submitted. Either cron or every."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    cron: str | None = Field(
        None, max_length=200, description="Five fields: minute, hour, day, month, weekday; or @hourly, @daily, @weekly, @monthly."
    )
    every: Annotated[float, Field(json_schema_extra={"minimum": 1, "maximum": LONGEST})] | None = Field(
        None, description="Seconds between two times, from its creation on; at least 1."
    )
    timezone: str | None = Field(None, description="IANA zone of cron; the service's by default.")
    job: dict[str, Any] = Field(
        description="What POST /jobs takes, without id, run_in, run_at, depends_on, allow_failure and debounce."
    )
    missed: Literal["once", "skip", "all"] = Field(
        "once", description="What becomes of times at which nothing could fire: one job for all of them, none, or one for each."
    )


class NewScheduleBody(ScheduleBody):
    """A schedule to be made."""

    id: str | None = Field(
        None,
        pattern="^[A-Za-z0-9_-]{1,40}$",
        description="A fresh one by default. Sent again with the same body, it is the same schedule.",
    )


class ScheduleRecord(TypedDict, total=False):
    """A schedule. All times are ISO 8601 in UTC."""

    id: str
    cron: str
    timezone: str
    every: float
    job: Annotated[JsonObject, Field(description="What is submitted.")]
    queue: str | None
    missed: Literal["once", "skip", "all"]
    paused: bool
    by: str | None
    next: Annotated[str | None, moment("When it fires next; null while it is paused.")]
    upcoming: Annotated[list[str], Field(description="Its next five times.")]
    last: Annotated[str | None, moment("The last time it fired for.")]
    last_job: str | None
    fired: Count
    missed_count: Annotated[Count, Field(description="Times for which no job was submitted.")]
    problem: Annotated[str | None, Field(description="Why it did not fire the last time; null where it did.")]
    created: Annotated[str | None, moment("When it was made.")]
    updated: Annotated[str | None, moment("When it was changed.")]


class Schedules(TypedDict):
    """All schedules, in the order of their making."""

    schedules: list[ScheduleRecord]

"""The shapes of what `/history` answers, for the OpenAPI document; see `services.api.shapes`."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from services.api.shapes import Count

Rate = Annotated[float, Field(ge=0, description="Jobs a second.")]
Seconds = Annotated[float | None, Field(description="Seconds, from the buckets of a histogram; null where there was no job.")]


class HistoryPoint(TypedDict):
    """What happened in one stretch of time, and how many there were at its end."""

    start: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    seconds: Annotated[float, Field(gt=0, description="How long the stretch is; the first and the last may be odd.")]
    submitted: Rate
    completed: Rate
    failed: Rate
    cancelled: Rate
    retried: Annotated[float, Field(ge=0, description="Attempts a second that were retried by the job's policy.")]
    wait_p50: Seconds
    wait_p95: Seconds
    run_p50: Seconds
    run_p95: Seconds
    depth: Annotated[Count, Field(description="Entries that wait and will run.")]
    running: Count
    scheduled: Count
    workers: Count
    children: Annotated[Count, Field(description="Processes of all workers.")]


class History(TypedDict):
    points: Annotated[list[HistoryPoint], Field(description="The oldest first; the last one ends now.")]

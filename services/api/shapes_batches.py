"""The shapes of batches, for the OpenAPI document; and the body that makes one, which is checked by its own."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from lib.batches import MOST_JOBS
from lib.records import ID_PATTERN
from lib.targets import MOST_TARGETS
from services.api.shapes import Count, Ended, NotifyTarget, moment
from services.api.submissions import Target


class BatchBody(BaseModel):
    """Many jobs at once."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    id: str | None = Field(
        None,
        pattern=ID_PATTERN + "$",
        description="A fresh one by default. Sent again with the same jobs and their ids, it is the same batch.",
    )
    queue: str | None = Field(None, description="Of all its jobs; the default queue by default.")
    notify: list[Target] | None = Field(None, max_length=MOST_TARGETS, description="Who is told of its end.")
    jobs: list[Any] = Field(
        min_length=1,
        max_length=MOST_JOBS,
        description="Each as POST /jobs takes it, without queue. They may depend on each other by their ids, in any order.",
    )


class BatchRecord(TypedDict):
    """A batch. Times are ISO 8601 in UTC."""

    id: str
    status: Annotated[
        Literal["in-progress", "complete", "failed", "cancelled"],
        Field(description="in-progress until all have ended; then failed, cancelled or complete: the first that one of them is."),
    ]
    queue: str
    total: Annotated[Count, Field(description="Jobs in it.")]
    pending: Annotated[Count, Field(description="Jobs of it that have not ended.")]
    complete: Count
    failed: Count
    cancelled: Count
    deduplicated: Annotated[Count, Field(description="Jobs that are not in it, since another one stands for them.")]
    conflicts: Annotated[Count, Field(description="Jobs that are not in it, since their id was taken in the same moment.")]
    by: str | None
    created: Annotated[str | None, moment("When it was accepted.")]
    ended: Ended
    eta: NotRequired[
        Annotated[
            float | None, Field(description="Seconds until it will have ended, as of one that is looked at; null where unknown.")
        ]
    ]
    notify: NotRequired[Annotated[list[NotifyTarget], Field(description="Who is told of its end; only where somebody is.")]]
    request_id: NotRequired[Annotated[str, Field(description="X-Request-ID of the request that submitted it.")]]
    traceparent: NotRequired[Annotated[str, Field(description="The trace it belongs to, as W3C's header says it.")]]


class BatchPage(TypedDict):
    """Batches, the newest first."""

    batches: list[BatchRecord]
    next: Annotated[str | None, Field(description="The cursor of the next page; null on the last.")]


class Cancelled(TypedDict):
    """What a cancel of many has done."""

    cancelled: Annotated[Count, Field(description="Jobs that waited and are cancelled.")]
    told: Annotated[Count, Field(description="Jobs that run and whose workers were told.")]


class Retried(TypedDict):
    """What a retry of many has done."""

    retried: Annotated[Count, Field(description="Jobs that wait again.")]

"""The shapes of failed jobs that are alike, for the OpenAPI document; and the body that retries many, which is checked by it."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from services.api.shapes import Count, moment


class RetryFailedBody(BaseModel):
    """Which failed jobs are run again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    operation: str | None = Field(None, description="Only jobs of this operation.")
    queue: str | None = Field(None, description="Only jobs of this queue.")
    cursor: str | None = Field(
        None,
        pattern=r"^[0-9]{1,16}-[0-9]{1,10}\.[0-9]{6}$",
        description="`next` of the answer before, to go on with what is left.",
    )


class FailureGroup(TypedDict):
    """Failed jobs that are alike: the same operation, the same exception, out of the same code."""

    fingerprint: str
    operation: str
    type: Annotated[str, Field(description="Of the error of the job submitted last, as are reason and message.")]
    reason: str
    message: str
    count: Count
    first: Annotated[str | None, moment("When the first of them failed.")]
    last: Annotated[str | None, moment("When the last of them failed.")]
    job: Annotated[str, Field(description="Id of the job submitted last.")]


class Failures(TypedDict):
    """Groups of failed jobs, those seen last first."""

    failures: list[FailureGroup]
    next: Annotated[str | None, Field(description="The cursor of the next page; null on the last.")]


class RetriedJobs(TypedDict):
    """What was run again."""

    retried: Count
    left: Annotated[Count, Field(description="Jobs that were not looked at yet.")]
    next: Annotated[str | None, Field(description="The cursor to go on with; null where nothing is left.")]

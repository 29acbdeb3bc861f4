"""The shapes of what is done to many jobs at once, for the OpenAPI document; and the body that names them, checked by it."""

from typing import Annotated, Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from lib.bulk import MOST_AT_ONCE
from services.api.shapes import Count


class IdsBody(BaseModel):
    """Which jobs."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ids: list[str] = Field(
        min_length=1,
        max_length=MOST_AT_ONCE,
        examples=[["1c0d3c5e-7d0a-4b7e-9a55-0d3f1e0b7a10"]],
        description="Ids of jobs; one that stands twice counts once.",
    )


class OutcomeProblem(TypedDict):
    """Why nothing was done to a job; the fields are those of a problem."""

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str


class JobOutcome(TypedDict):
    """What became of one of the jobs: an outcome, or a problem."""

    id: str
    outcome: NotRequired[
        Annotated[
            Literal["cancelled", "in-progress", "retried", "deleted"],
            Field(description="in-progress: it runs, and its worker was told to end it."),
        ]
    ]
    problem: NotRequired[OutcomeProblem]


class Outcomes(TypedDict):
    """What became of each job, in the order in which they were given."""

    jobs: list[JobOutcome]
    done: Annotated[Count, Field(description="How many have an outcome.")]
    refused: Annotated[Count, Field(description="How many have a problem.")]

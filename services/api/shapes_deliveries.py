"""The shapes of deliveries, for the OpenAPI document."""

from typing import Annotated, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from services.api.shapes import moment


class DeliveryAttempt(TypedDict):
    """What became of one attempt."""

    at: Annotated[str, moment("When it began.")]
    seconds: Annotated[float, Field(description="How long it took.")]
    status: Annotated[int | None, Field(description="Of HTTP or SMTP; null where nobody answered.")]
    error: Annotated[str | None, Field(description="What went wrong; null where it was delivered.")]


class DeliveryRecord(TypedDict):
    """What one target is told of one end, and what became of it. All times are ISO 8601 in UTC."""

    id: Annotated[str, Field(description="The header webhook-id of all its attempts.")]
    webhook: NotRequired[Annotated[str, Field(description="URL; its query string is masked.")]]
    email: NotRequired[str]
    event: Literal["complete", "failed", "cancelled"]
    state: Literal["pending", "delivered", "failed"]
    created: Annotated[str | None, moment("When the job ended.")]
    next: Annotated[str | None, moment("When it is tried next; null where it will not be.")]
    attempts: Annotated[list[DeliveryAttempt], Field(description="The last 20.")]


class Deliveries(TypedDict):
    """Deliveries, the oldest first."""

    deliveries: list[DeliveryRecord]

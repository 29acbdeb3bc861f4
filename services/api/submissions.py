"""From a submitted body to a `Submission`: its spelling, its options, and every field that does not belong.

Used by `POST /jobs` and by the course's spellings. Shapes are checked here (400); operation and parameters by the
catalog when the job is submitted (422). Nothing is written.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lib.bodies import DATE_OPERATION, operation_of, operation_of_message
from lib.errors import InvalidParameters
from lib.jobs import Retry, Submission
from lib.parameters import did_you_mean
from lib.records import ID
from services.api.backend import backend
from services.api.problems import MOST_ERRORS, InvalidBody

Seconds = Annotated[float, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class RetryOptions(_Strict):
    """What happens after an exception or a timeout; see `lib.jobs.Retry`."""

    max: int = Field(0, ge=0, le=100)
    intervals: list[Seconds] = Field(default_factory=list, max_length=100)
    jitter: float = Field(0.1, ge=0, le=1)


class JobOptions(_Strict):
    """What a body may say beside its operation. null is the default."""

    id: str | None = None
    priority: str | None = None
    queue: str | None = None
    delay: Seconds | None = None
    timeout: Seconds | None = None
    retry: RetryOptions | None = None
    result_ttl: int | None = None


def is_job_id(value: str) -> bool:
    """Whether it could be the id of a job."""
    return ID.match(value) is not None


def submission_of(body: Any, messages: bool = False) -> tuple[Submission, str | None]:
    """The job that a body asks for, and the queue it names.

    Args:
        messages: also take `{"type", ...}`, the form of whole jobs on a HotQueue.

    Raises:
        InvalidInput (InvalidBody): the body fits no spelling, or names fields that no job has; all of them are listed.
        InvalidParameters: of `{"start","end"}` and `{"date"}`, under the names the body gave them.
    """
    if messages and isinstance(body, dict) and "type" in body and "operation" not in body:
        operation, params = operation_of_message(body)
        return Submission(operation, params, input=body), None
    operation, params = operation_of(body)
    named = "operation" in body
    spelling = ["operation", "params"] if named else ["date"] if operation == DATE_OPERATION else ["start", "end"]
    options = _options({name: value for name, value in body.items() if name not in spelling}, spelling)
    fields: dict[str, Any] = {
        name: value for name in ("id", "priority", "delay", "result_ttl") if (value := getattr(options, name)) is not None
    }
    if options.retry is not None:
        fields["retry"] = Retry(**options.retry.model_dump())
    if not named:
        _check_top_level(operation, params)
        fields["input"] = {name: body[name] for name in body if name in spelling}
        fields |= {name: str(params[name]) for name in ("start", "end") if name in params}
    return Submission(operation, params, timeout=options.timeout, **fields), options.queue


def _options(rest: dict[str, Any], spelling: list[str]) -> JobOptions:
    try:
        return JobOptions.model_validate(rest)
    except ValidationError as error:
        known = [*spelling, *JobOptions.model_fields]
        errors = error.errors(include_url=False)[:MOST_ERRORS]
        raise InvalidBody([_problem(known, each["type"], each["loc"], each["msg"]) for each in errors]) from None


def _problem(known: list[str], kind: str, place: tuple[int | str, ...], message: str) -> tuple[str, str]:
    name = ".".join(map(str, place))[:80]
    if kind != "extra_forbidden":
        return name, message.replace("Input should", "should", 1)
    if len(place) > 1:
        return name, f"is not a part of {place[0]}; it takes {', '.join(RetryOptions.model_fields)}"
    takes = f"it takes {', '.join(known)}, and an operation's own parameters in params"
    return name, f"is not a field of this job{did_you_mean(name, known)}; {takes}"


def _check_top_level(operation: str, params: dict[str, Any]) -> None:
    """Check parameters that stand at the top of the body, so that errors name them as the caller did."""
    try:
        backend().catalog.validate(operation, params)
    except InvalidParameters as error:
        raise InvalidParameters([(name.removeprefix("params."), message) for name, message in error.problems]) from None

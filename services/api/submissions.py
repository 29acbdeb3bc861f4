"""From a submitted body to a `Submission`: its spelling, its options, and every field that does not belong.

Used by `POST /jobs` and by the course's spellings. Shapes are checked here (400); operation and parameters by the
catalog when the job is submitted (422). Nothing is written.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from lib.bodies import DATE_OPERATION, operation_of, operation_of_message
from lib.errors import InvalidParameters
from lib.jobs import Backoff, Origin, Quota, Retry, Submission
from lib.origin import NOWHERE
from lib.parameters import did_you_mean, strictly
from lib.records import ID, ID_PATTERN
from lib.retries import MAX_DELAY
from lib.submission import KEY_PATTERN, LONGEST_PERIOD, MOST_PARENTS
from lib.targets import MOST_TARGETS
from services.api.backend import backend
from services.api.problems import MOST_ERRORS, InvalidBody
from services.api.queries import Moment
from services.api.shapes import Priority

# Shapes are checked here; what the library checks with its own words is only described.
Seconds = Annotated[float, Field(ge=0, json_schema_extra={"maximum": MAX_DELAY})]
JobId = Annotated[str, WithJsonSchema({"type": "string", "pattern": ID_PATTERN + "$"})]
Key = Annotated[str, WithJsonSchema({"type": "string", "pattern": KEY_PATTERN + "$"})]
Period = Annotated[float, WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": LONGEST_PERIOD})]
Ttl = Annotated[int, WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_DELAY})]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class BackoffOptions(_Strict):
    """Intervals that grow; see `lib.jobs.Backoff`."""

    first: Seconds = Field(description="Seconds before the first retry.")
    factor: float = Field(2.0, ge=1, le=MAX_DELAY, description="How many times as long each is as the one before.")
    longest: Seconds = Field(float(MAX_DELAY), description="Seconds beyond which none grows.")


class RetryOptions(_Strict):
    """What happens after an exception or a timeout; see `lib.jobs.Retry`."""

    model_config = ConfigDict(
        extra="forbid", strict=True, allow_inf_nan=False, json_schema_extra={"not": {"required": ["intervals", "backoff"]}}
    )

    max: int = Field(0, ge=0, le=100)
    intervals: list[Seconds] = Field(default_factory=list, max_length=100)
    backoff: BackoffOptions | None = Field(None, description="Intervals that grow, instead.")
    jitter: float = Field(0.1, ge=0, le=1)

    def retry(self) -> Retry:
        """As the library has it. Raises InvalidInput where both intervals and a backoff are given."""
        backoff = None if self.backoff is None else Backoff(**self.backoff.model_dump())
        return Retry(self.max, self.intervals, self.jitter, backoff=backoff)


class Target(_Strict):
    """Somebody who is told of the end of a job: a webhook or an e-mail address; see `lib.targets`."""

    webhook: str | None = Field(None, description="URL to which a signed POST is sent.")
    email: str | None = Field(None, description="Address that gets an e-mail.")
    on: list[Literal["complete", "failed", "cancelled"]] | None = Field(
        None, min_length=1, description="Ends to be told of; all by default."
    )


class JobOptions(_Strict):
    """What a body may say beside its operation. null is the default."""

    id: JobId | None = Field(
        None, description="Of the job; a fresh one by default. Sent again with the same body, it is the same job."
    )
    priority: Priority | None = Field(None, description="normal by default.")
    queue: str | None = Field(None, description="The default queue by default.")
    run_in: Seconds | None = Field(
        None, description="Seconds until it joins its queue; from the end of the last job that it depends on."
    )
    run_at: Moment | None = Field(None, description="When it joins its queue, instead of run_in.")
    depends_on: list[JobId] | None = Field(
        None,
        max_length=MOST_PARENTS,
        description="Ids of jobs that must be complete before it runs; where one of them fails or is cancelled, so does it fail.",
    )
    allow_failure: bool | None = Field(None, description="It runs once those jobs have ended, however they did.")
    unique: bool | None = Field(
        None, description="While a job with the same operation and parameters has not ended, the answer is that one."
    )
    throttle: Period | None = Field(
        None,
        description="Seconds within which the answer is the job that was accepted last with the same operation and parameters.",
    )
    debounce: Period | None = Field(
        None,
        description="Seconds by which it waits for another one, whose input takes the place of its own, and which waits anew.",
    )
    unique_key: Key | None = Field(
        None,
        description="What must be the same for the three above, instead of the parameters; alone it means unique.",
    )
    cache: bool | None = Field(None, description="false: run, also where an equal job has a result for the same data.")
    concurrency_key: Key | None = Field(
        None, description="Of the operation's jobs with this key only as many run at once as the operation allows, or one."
    )
    timeout: Seconds | None = Field(None, description="Seconds that a run may take.")
    retry: RetryOptions | None = Field(None, description="Whether it is run again after an exception or a timeout.")
    result_ttl: Ttl | None = Field(None, description="Seconds for which it is kept once it is complete or cancelled.")
    failed_ttl: Ttl | None = Field(None, description="Seconds for which it is kept once it has failed.")
    notify: list[Target] | None = Field(None, max_length=MOST_TARGETS, description="Who is told of its end.")


_PARTS: dict[str, type[BaseModel]] = {"retry": RetryOptions, "notify": Target}
_NO_OPTIONS = JobOptions()
NOT_IN_SCHEDULES = ("id", "run_in", "run_at", "depends_on", "allow_failure", "debounce")  # each time makes a job of its own
_PLAIN = JobOptions.model_fields.keys() - {"queue", "retry", "notify"}  # those that a Submission takes as they are


def is_job_id(value: str) -> bool:
    """Whether it could be the id of a job."""
    return ID.match(value) is not None


def submission_of(
    body: Any, messages: bool = False, by: str | None = None, quota: Quota | None = None, origin: Origin = NOWHERE
) -> tuple[Submission, str | None]:
    """The job that a body asks for, and the queue it names.

    Args:
        messages: also take `{"type", ...}`, the form of whole jobs on a HotQueue.
        by: name of the token that it comes with.
        quota: of that token.
        origin: the request that it comes with.

    Raises:
        InvalidInput (InvalidBody): the body fits no spelling, or names fields that no job has; all of them are listed.
        InvalidParameters: of `{"start","end"}` and `{"date"}`, under the names the body gave them.
    """
    if messages and isinstance(body, dict) and "type" in body and "operation" not in body:
        operation, params = operation_of_message(body)
        return Submission(operation, _own(operation, params, by), input=body, by=by, quota=quota, origin=origin), None
    operation, params = operation_of(body)
    params = _own(operation, params, by)
    named = "operation" in body
    spelling = ["operation", "params"] if named else ["date"] if operation == DATE_OPERATION else ["start", "end"]
    options = _options({name: value for name, value in body.items() if name not in spelling}, spelling)
    fields: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(options, name)) is not None}
    if options.retry is not None:
        fields["retry"] = options.retry.retry()
    if options.notify:
        fields["notify"] = [target.model_dump(exclude_none=True) for target in options.notify]
    if not named:
        _check_top_level(operation, params)
        fields["input"] = {name: body[name] for name in body if name in spelling}
        fields |= {name: str(params[name]) for name in ("start", "end") if name in params}
    return Submission(operation, params, by=by, quota=quota, origin=origin, **fields), options.queue


def _own(operation: str, params: dict[str, Any], by: str | None) -> dict[str, Any]:
    """Parameters in the caller's own name: nobody loads data in the name of another."""
    return params | {"by": by} if by is not None and operation == "load" else params


def _options(rest: dict[str, Any], spelling: list[str]) -> JobOptions:
    try:
        return strictly(JobOptions, rest) if rest else _NO_OPTIONS
    except ValidationError as error:
        known = [*spelling, *JobOptions.model_fields]
        errors = error.errors(include_url=False)[:MOST_ERRORS]
        raise InvalidBody([_problem(known, each["type"], each["loc"], each["msg"]) for each in errors]) from None


def _problem(known: list[str], kind: str, place: tuple[int | str, ...], message: str) -> tuple[str, str]:
    name = ".".join(map(str, place))[:80]
    if kind != "extra_forbidden":
        return name, message.replace("Input should", "should", 1)
    if len(place) > 1:
        return name, f"is not a part of {place[0]}; it takes {', '.join(_PARTS[str(place[0])].model_fields)}"
    takes = f"it takes {', '.join(known)}, and an operation's own parameters in params"
    return name, f"is not a field of this job{did_you_mean(name, known)}; {takes}"


def _check_top_level(operation: str, params: dict[str, Any]) -> None:
    """Check parameters that stand at the top of the body, so that errors name them as the caller did."""
    try:
        backend().catalog.validate(operation, params)
    except InvalidParameters as error:
        raise error.at_top() from None

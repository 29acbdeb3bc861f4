"""What the client raises: one class for each thing a caller may want to do about it, all under `TrafficjobsError`.

Messages are the service's own: one or two sentences that say what is wrong and what would be right. Problem details
(RFC 9457) become exceptions here and nowhere else.
"""

from typing import Any

import httpx

LONGEST = 300  # characters of an answer that is no problem details


class TrafficjobsError(Exception):
    """Base of everything the client raises on purpose.

    Attributes:
        message: what is wrong and what to do about it.
        status: of the HTTP answer; None where there was none.
        problem: the problem details, as the service sent them.
        field: dotted name of the offending field (`params.n`), if it is one.
        retry_after: seconds after which the service wants to be asked again, if it said so.
        accepted: jobs that `submit_many` had submitted before.
    """

    def __init__(self, message: str, *, status: int | None = None, problem: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.problem = problem or {}
        field = self.problem.get("field")
        self.field: str | None = field if isinstance(field, str) else None
        self.retry_after: float | None = None
        self.accepted: list[Any] = []


class Invalid(TrafficjobsError):
    """The request cannot be accepted as it is: `field` names what does not fit."""


class NotFound(TrafficjobsError):
    """There is no such job, file, queue, operation or incident, or no longer."""


class Conflict(TrafficjobsError):
    """The request contradicts what is stored, such as retrying a job that has not ended."""


class Unauthorized(TrafficjobsError):
    """The service wants a token, or does not know this one."""


class Forbidden(TrafficjobsError):
    """The token's role does not reach so far."""


class QueueFull(TrafficjobsError):
    """The queue takes no more jobs for now."""


class Unavailable(TrafficjobsError):
    """The service cannot be reached, or cannot serve now."""


class JobFailed(TrafficjobsError):
    """The job ended as failed.

    Attributes:
        error: the record's evidence: `type`, `message`, `reason`, and more where a process died.
        record: the job's last record.
    """

    def __init__(self, record: dict[str, Any]) -> None:
        error = record.get("error") or {}
        result = record.get("result")
        told = error.get("message") or (result.get("error") if isinstance(result, dict) else None) or "it did not say why"
        super().__init__(f"Job {record['id']} failed: {error.get('type', 'error')}: {told}")
        self.error: dict[str, Any] = error
        self.record = record


class JobCancelled(TrafficjobsError):
    """The job was cancelled and has no result."""


class BatchFailed(TrafficjobsError):
    """A batch has ended, and not all of its jobs are complete."""


class ResultTimeout(TrafficjobsError, TimeoutError):
    """The job, or the batch, had not ended in time. It goes on; asking again is fine. `record` is what was last seen of it."""

    def __init__(self, record: dict[str, Any], seconds: float) -> None:
        what = "Batch" if "total" in record else "Job"
        super().__init__(f"{what} {record['id']} was still {record['status']} after {seconds:g} s; it goes on.")
        self.record = record


_BY_STATUS: dict[int, type[TrafficjobsError]] = {
    400: Invalid,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    406: Invalid,
    409: Conflict,
    410: NotFound,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: Unavailable,
    502: Unavailable,
    503: Unavailable,
    504: Unavailable,
}
_BY_KIND: dict[str, type[TrafficjobsError]] = {
    "queue-full": QueueFull,
    "job-cancelled": JobCancelled,
    "too-many-attempts": Unauthorized,
}


def error_of(response: httpx.Response) -> TrafficjobsError:
    """The exception for an answer that is no success; its body must have been read."""
    problem = _problem(response)
    kind = str(problem.get("type", "")).rpartition("/")[2]
    cls = _BY_KIND.get(kind) or _BY_STATUS.get(response.status_code, TrafficjobsError)
    error = cls(_message(response, problem), status=response.status_code, problem=problem)
    given = response.headers.get("Retry-After", "")
    error.retry_after = float(given) if given.isascii() and given.isdigit() else None
    return error


def _problem(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) and "title" in body else {}


def _message(response: httpx.Response, problem: dict[str, Any]) -> str:
    told = problem.get("detail") or problem.get("title")
    if told:
        return str(told)
    where = f"{response.request.method} {response.request.url}"
    if response.has_redirect_location:
        return f"{where} redirects to {response.headers['Location']}; use that address."
    text = " ".join(response.text.split())[:LONGEST]
    return f"{where} answered {response.status_code} without problem details{f' ({text})' if text else ''}; is it trafficjobs?"

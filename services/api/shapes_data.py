"""The shapes of answers about the data and about the service itself; as `services.api.shapes`, for the OpenAPI document."""

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema
from typing_extensions import TypedDict

from lib.cleaning import Report
from lib.examination.finding import STATUSES
from services.api.shapes import BrokenOperation, Count, moment


class Incident(TypedDict, total=False):
    """A traffic incident. A column the loaded files do not have is absent; days and hours are local."""

    report_id: str
    published: Annotated[str | None, moment("When it was published, UTC.")]
    date: Annotated[str | None, Field(json_schema_extra={"format": "date"})]
    hour: int | None
    weekday: Annotated[int | None, Field(description="0 is Monday.")]
    issue: str | None
    issue_raw: str | None
    address: str | None
    address_raw: str | None
    latitude: float | None
    longitude: float | None
    point: str | None
    status: str | None
    status_date: Annotated[str | None, moment("When the status was set, UTC.")]
    agency: str | None
    response_time: float | None


class VersionRecord(TypedDict):
    """A version of the data, with the report of its loading."""

    id: str
    rows: Count
    bytes: Count
    chunks: Count
    sha256: str
    created: Annotated[str, moment("When it was published.")]
    source: str
    by: str
    job: Annotated[str, Field(description="The job that loaded it.")]
    first: Annotated[str | None, Field(description="First local day.")]
    last: Annotated[str | None, Field(description="Last local day.")]
    report: Report
    current: bool


class Versions(TypedDict):
    versions: list[VersionRecord]


class RestoredRelease(TypedDict):
    """What a restore has put in place."""

    made: Annotated[str, moment("When the backup was made.")]
    made_by: Annotated[str, Field(description="The version of trafficjobs that made it.")]
    jobs: Count
    seconds: Annotated[float, Field(description="How long it took.")]


class Health(TypedDict):
    status: str


class UpkeepCheck(TypedDict):
    age_seconds: Annotated[float | None, Field(description="Since upkeep last looked; null: never.")]


class SignInCheck(TypedDict):
    required: bool
    problem: Annotated[str | None, Field(description="Why nobody can sign in.")]


class RedisCheck(TypedDict):
    """Redis, and what is not as it should be; null where it does not tell."""

    status: Annotated[str, Field(description="ok, or full: it takes no new jobs, and those that are there still end.")]
    maxmemory_policy: str | None
    aof_enabled: bool | None
    aof_last_write_status: str | None
    warnings: Annotated[list[str], Field(description="What may lose jobs, and the remedy. Looked at every five seconds.")]


class Checks(TypedDict):
    redis: RedisCheck
    upkeep: UpkeepCheck
    operations_broken: list[BrokenOperation]
    data: Annotated[str | None, Field(description="The version of the data.")]
    sign_in: SignInCheck


class Ready(TypedDict):
    status: str
    checks: Checks


class FindingRecord(TypedDict):
    """What one check has found."""

    check: Annotated[str, Field(description="What was looked at. More than one thing may be found by one check.")]
    status: Annotated[str, WithJsonSchema({"type": "string", "enum": list(STATUSES)})]
    seen: str
    remedy: Annotated[str, Field(description="What to do about it; empty where it is ok.")]


class Examination(TypedDict):
    """The worst status of all checks, and what each has found."""

    status: Annotated[str, WithJsonSchema({"type": "string", "enum": list(STATUSES)})]
    checks: list[FindingRecord]


class RouteRecord(TypedDict):
    path: str
    methods: list[str]
    summary: str


class Index(TypedDict):
    """What there is."""

    service: str
    routes: list[RouteRecord]


class ProblemPage(TypedDict):
    """What a type of problem means."""

    type: str
    title: str
    status: int
    meaning: str
    remedy: str


class ProblemPages(TypedDict):
    problems: list[ProblemPage]


OpenApi = dict[str, Any]

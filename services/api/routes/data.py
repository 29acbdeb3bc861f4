"""`/data`: load a file of incidents, search them, look one up, list the versions, go back to one, remove one."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, request

from lib.egress import Refused
from lib.errors import Conflict, InvalidInput, NoData, StoreUnavailable
from lib.jobs import Accepted, Submission
from lib.rows import row_by_id, select_rows
from lib.sources import Sources, shown
from services.api import kinds
from services.api.access_log import origin
from services.api.auth import caller_name, caller_quota
from services.api.backend import backend
from services.api.body import page_link, query
from services.api.contract import Answer, Body, contract
from services.api.problems import Problem
from services.api.queries import DataQuery, LoadQuery
from services.api.replies import json_reply
from services.api.routes.jobs import FOLLOW, accepted
from services.api.shapes import JobRecord
from services.api.shapes_data import Incident, VersionRecord, Versions
from services.api.tokens import Role
from services.api.uploads import Received, Uploads

blueprint = Blueprint("data", __name__)

_UPLOADED = ("text/csv", "application/x-ndjson", "application/octet-stream")


@blueprint.post("/data")
@contract(
    role=Role.SUBMIT,
    tag="Data",
    query=LoadQuery,
    body=Body(media=_UPLOADED, required=False, form="file"),
    takes=("Idempotency-Key",),
    answers={202: Answer("The job that loads it.", JobRecord, headers=("Location", "Idempotent-Replayed"), follow=FOLLOW)},
    problems=(
        kinds.INVALID_INPUT,
        kinds.BAD_REQUEST,
        kinds.NO_DATA_FILE,
        kinds.CONFLICT,
        kinds.TOO_LARGE,
        kinds.ENCODED_BODY,
        kinds.UNREADABLE_FILE,
        kinds.QUEUE_DRAINING,
        kinds.QUEUE_FULL,
        kinds.QUOTA_EXCEEDED,
        kinds.STORE_FULL,
    ),
)
def load() -> Response:
    """Upload a file of incidents and queue its loading.

    CSV, JSON or NDJSON as the body, whatever its Content-Type, or as the one file of a form. Without a body, what `url` names is
    downloaded by the job, or DATA_FILE is loaded. The same Idempotency-Key with the same file is the same job.
    """
    return accepted(load_job(query(LoadQuery), request.headers.get("Idempotency-Key")))


def load_job(asked: LoadQuery, key: str | None) -> Accepted:
    """The job that loads what this request brings or names. Raises as `Uploads.receive` and `Jobs.submit` do."""
    if asked.url is not None:
        if request.content_length or "Transfer-Encoding" in request.headers:
            raise InvalidInput("url", "is given, and a body as well; send one of the two")
        return download_job(asked.url, asked.mode, key)
    received = Uploads(backend(), digest=key is not None).receive(caller_name() or "")
    try:
        one = _submit(received, asked.mode, key)
    except StoreUnavailable:  # perhaps the job is there all the same: the upload is its, or expires
        raise
    except Exception:
        backend().dataset.store.remove_upload(received.upload)
        raise
    if one.replayed:
        backend().dataset.store.remove_upload(received.upload)
    return one


def download_job(url: str, mode: str, key: str | None) -> Accepted:
    """The job that downloads a file; it looks at the addresses of the name itself. Raises InvalidInput, and as submit does."""
    settings = backend().settings
    try:
        Sources(settings.data_urls, settings.data_urls_allow).endpoint(url)
    except Refused as error:
        raise InvalidInput("url", str(error)) from None
    by = caller_name()
    params = {"url": url, "mode": mode, "source": shown(url)[:200], "by": by}
    params = {name: value for name, value in params.items() if value}
    submission = Submission("load", params, by=by, quota=caller_quota(), origin=origin())
    return backend().jobs.submit(submission, idempotency_key=key)


def _submit(received: Received, mode: str, key: str | None) -> Accepted:
    by = caller_name()
    params = {"upload": received.upload, "mode": mode, "source": received.name[:200], "by": by, "sha256": received.sha256}
    params = {name: value for name, value in params.items() if value}
    try:
        submission = Submission("load", params, by=by, quota=caller_quota(), origin=origin())
        return backend().jobs.submit(submission, idempotency_key=key)
    except Conflict:
        # The same file sent again is another upload; what it holds is what counts.
        known = backend().jobs.of_key(key, by) if key else None
        before = {} if known is None else known.input.get("params", {})
        if known is None or known.operation != "load" or before | {"upload": received.upload} != params:
            raise
        return Accepted(known.id, replayed=True)


@blueprint.get("/data")
@contract(
    role=Role.VIEW,
    tag="Data",
    query=DataQuery,
    answers={
        200: Answer(
            "A page; the header Link leads to the next one.",
            list[Incident],
            headers=("Link", "X-Total-Count", "X-Data-Version"),
        )
    },
    problems=(kinds.INVALID_INPUT, kinds.NO_DATA, kinds.CONFLICT),
    validated=True,
)
def index() -> Response:
    """Search incidents, in the order of time."""
    asked = query(DataQuery)
    table, version = backend().table()
    page = select_rows(table, version, **dict(asked))
    headers = {"X-Total-Count": str(page.total), "X-Data-Version": page.version}
    if page.next is not None:
        headers["Link"] = page_link("after", page.next)
    return json_reply(page.rows, headers=headers)


@blueprint.get("/data/versions")
@contract(
    role=Role.VIEW,
    tag="Data",
    answers={200: Answer("The versions, the newest first.", Versions)},
    problems=(kinds.NO_DATA,),
    validated=True,
)
def versions() -> Response:
    """The versions that are kept, the newest first, each with the report of its loading."""
    return json_reply({"versions": _versions()})


@blueprint.post("/data/versions/<version>/activate")
@contract(
    role=Role.ADMIN,
    tag="Data",
    answers={200: Answer("It is current now.", VersionRecord)},
    problems=(kinds.NOT_FOUND, kinds.STORE_FULL),
)
def activate(version: str) -> Response:
    """Make a version that is kept the current one, such as the one before a bad load. Jobs that run go on with theirs."""
    activate_version(version)
    found = next((one for one in _versions() if one["id"] == version), None)
    if found is None:
        raise _not_kept(version)
    return json_reply(found)


@blueprint.delete("/data/versions/<version>")
@contract(
    role=Role.ADMIN,
    tag="Data",
    answers={204: Answer("It is gone.")},
    problems=(kinds.NOT_FOUND, kinds.CONFLICT),
)
def remove(version: str) -> Response:
    """Remove a version that is not the current one."""
    remove_version(version)
    return Response(status=204)


@blueprint.get("/data/<report_id>")
@contract(
    role=Role.VIEW,
    tag="Data",
    answers={200: Answer("The incident.", Incident)},
    problems=(kinds.NO_DATA, kinds.NOT_FOUND),
    validated=True,
)
def get(report_id: str) -> Response:
    """One incident."""
    row = row_by_id(backend().table()[0], report_id)
    if row is None:
        raise Problem(kinds.NOT_FOUND, f"There is no incident {report_id[:80]!r}.")
    return json_reply(row)


def activate_version(version: str) -> None:
    """Make it current. Raises Problem where it is not kept."""
    try:
        _persist(lambda: backend().dataset.store.activate(version))
    except NoData as error:
        raise _not_kept(version) from error


def remove_version(version: str) -> None:
    """Remove it. Raises Problem where it is not kept, Conflict where it is current."""
    if _persist(lambda: backend().dataset.store.version(version)) is None:
        raise _not_kept(version)
    _persist(lambda: backend().dataset.store.remove(version))


def _persist(action: Callable[[], Any]) -> Any:
    return backend().store.persist(action, backend().store.patience)


def _versions() -> list[dict[str, Any]]:
    store = backend().dataset.store
    current, found = _persist(lambda: (store.current(), store.versions()))
    if current is None:
        raise NoData("No data is loaded yet; send a file to POST /data.")
    return [asdict(version) | {"current": version.id == current} for version in found]


def _not_kept(version: str) -> Problem:
    return Problem(kinds.NOT_FOUND, f"Version {version[:80]!r} of the data is not kept; GET /data/versions lists those that are.")

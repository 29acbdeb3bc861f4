"""`/data`: load a file of incidents, search them, look one up, list the versions."""

from dataclasses import asdict

from flask import Blueprint, Response, request

from lib.errors import InvalidInput, NoData
from lib.jobs import Submission
from lib.rows import row_by_id, select_rows
from services.api.backend import backend
from services.api.body import page_link, query_int
from services.api.problems import NOT_FOUND, Problem
from services.api.replies import json_reply
from services.api.routes.jobs import accepted
from services.api.uploads import Uploads

blueprint = Blueprint("data", __name__)

_MODES = ("replace", "append")


@blueprint.post("/data")
def load() -> Response:
    """Upload a file of incidents (CSV, JSON, NDJSON; body or form) and queue its loading; without a body, the data file."""
    mode = request.args.get("mode", "replace")
    if mode not in _MODES:
        raise InvalidInput("mode", f"must be {' or '.join(_MODES)}, not {mode[:40]!r}")
    upload, name = Uploads(backend()).receive()
    try:
        one = backend().jobs.submit(Submission("load", {"upload": upload, "mode": mode, "source": name[:200]}))
    except Exception:
        backend().dataset.store.remove_upload(upload)
        raise
    return accepted(one)


@blueprint.get("/data")
def index() -> Response:
    """Incidents in the order of time, as a list; the Link header leads to the next page."""
    args = request.args
    table, version = backend().table()
    page = select_rows(
        table,
        version,
        search=args.get("search"),
        start=args.get("start"),
        end=args.get("end"),
        issue=args.get("issue"),
        limit=query_int("limit", 1_000),
        after=args.get("after"),
    )
    headers = {"X-Total-Count": str(page.total), "X-Data-Version": page.version}
    if page.next is not None:
        headers["Link"] = page_link("after", page.next)
    return json_reply(page.rows, headers=headers)


@blueprint.get("/data/versions")
def versions() -> Response:
    """The versions that are kept, the newest first, each with the report of its loading."""
    store = backend().dataset.store
    current, found = backend().store.persist(lambda: (store.current(), store.versions()), backend().store.patience)
    if current is None:
        raise NoData("No data is loaded yet; send a file to POST /data.")
    return json_reply({"versions": [asdict(version) | {"current": version.id == current} for version in found]})


@blueprint.get("/data/<report_id>")
def get(report_id: str) -> Response:
    """One incident."""
    row = row_by_id(backend().table()[0], report_id)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no incident {report_id[:80]!r}.")
    return json_reply(row)

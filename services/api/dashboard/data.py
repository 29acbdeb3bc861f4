"""The data: what is current and how it was loaded, the versions that are kept, loading another file, and a look into it."""

import uuid
from collections.abc import Mapping
from typing import Any

from flask import Response, request, url_for
from werkzeug.exceptions import HTTPException

from lib.errors import Conflict, InvalidInput, JobsError, NoData, StoreUnavailable
from lib.jobs import Accepted
from lib.rows import select_rows
from services.api import problems
from services.api.backend import backend
from services.api.body import parsed, query
from services.api.dashboard.pages import blueprint, done, page, render
from services.api.dashboard.session import csrf
from services.api.problems import InvalidBody, Problem
from services.api.queries import DataQuery, LoadQuery
from services.api.routes.data import activate_version, download_job, load_job, remove_version
from services.api.tokens import Role

PAGE = 50  # incidents
MODES = {"replace": "Replace the data", "append": "Add to the data"}
_FILTERS = ("search", "start", "end", "issue")


@blueprint.get("/data")
@page(role=Role.VIEW)
def data() -> Response:
    """The versions that are kept, the newest first, and the incidents of the current one."""
    return _page()


@blueprint.post("/data/file")
@page(role=Role.SUBMIT, action="data.load")
def load_file() -> Response:
    """Take an upload from a form, and queue its loading. Its address says how, and carries its key: sent twice, it is one job."""
    try:
        if request.mimetype != "multipart/form-data":
            raise InvalidInput("file", "must come with the form of this page; a program sends it to POST /data")
        return _loads(load_job(query(LoadQuery), request.args.get("key")))
    except StoreUnavailable:
        raise
    except (JobsError, Problem, HTTPException) as error:
        return _refused(error, {})


@blueprint.post("/data/url")
@page(role=Role.SUBMIT, action="data.load")
def load_url() -> Response:
    """Queue the download of a file, where DATA_URLS allows it."""
    given = {name: request.form.get(name, "").strip() for name in ("url", "mode")}
    try:
        asked = parsed(LoadQuery, {name: value for name, value in given.items() if value}, coerce=True)
        if asked.url is None:
            raise InvalidInput("url", "must be given")
        return _loads(download_job(asked.url, asked.mode, request.form.get("key")))
    except StoreUnavailable:
        raise
    except (JobsError, Problem) as error:
        return _refused(error, given)


@blueprint.post("/data/versions/<version>/activate", endpoint="activate_version")
@page(role=Role.ADMIN, action="data.activate")
def activate(version: str) -> Response:
    """Make it current."""
    activate_version(version)
    return done(f"{version} is current now. Jobs that run go on with the version they began with.", "ui.data")


@blueprint.post("/data/versions/<version>/remove", endpoint="remove_version")
@page(role=Role.ADMIN, action="data.remove")
def remove(version: str) -> Response:
    """Remove it."""
    remove_version(version)
    return done(f"{version} is removed.", "ui.data")


def _loads(one: Accepted) -> Response:
    return done("The data stays as it is until this job has ended.", "ui.job", jid=one.id)


def _refused(error: Exception, sent: Mapping[str, str]) -> Response:
    """The page again, with the reason beside the form that was sent."""
    about, headers = problems.details(error)
    words = about["detail"]
    if isinstance(error, InvalidInput):
        words = error.message[:1].upper() + error.message[1:] + "."
    elif isinstance(error, Conflict):
        words = "This form was sent before with another file. Send it again, and it is loaded as well."
    response = _page(about["status"], wrong={"url" if sent else "file": words}, sent=sent)
    response.headers.update({name: value for name, value in headers.items() if name == "Retry-After"})
    return response


def _page(status: int = 200, wrong: Mapping[str, str] | None = None, sent: Mapping[str, str] | None = None) -> Response:
    kept, store, settings = backend().dataset.store, backend().store, backend().settings
    current, versions = store.persist(lambda: (kept.current(), kept.versions()), store.patience)
    found, given, errors = _looked_up() if current is not None else (None, {}, {})
    key = str(uuid.uuid4())
    return render(
        "data.html",
        status,
        versions=versions,
        current=next((each for each in versions if each.id == current), None),
        found=found,
        given=given,
        errors=errors,
        older=_next(found.next, given) if found is not None and found.next is not None else None,
        most=settings.max_upload_bytes,
        sources=settings.data_urls,
        key=key,
        addresses={mode: url_for("ui.load_file", mode=mode, key=key, csrf=csrf("ui.load_file")) for mode in MODES},
        modes=MODES,
        wrong=wrong or {},
        sent=sent or {},
    )


def _next(after: str, given: Mapping[str, str]) -> str:
    values: dict[str, Any] = {**given, "after": after}
    return url_for("ui.data", _anchor="rows", **values)


def _looked_up() -> tuple[Any, dict[str, str], dict[str, str]]:
    """A page of incidents, None where none can be shown; the filters given; what is wrong with them."""
    given = {name: value for name in _FILTERS if (value := request.args.get(name, "").strip())}
    after = request.args.get("after") or None
    try:
        asked = parsed(DataQuery, given | {"limit": PAGE} | ({"after": after} if after else {}), coerce=True)
        table, version = backend().table()
        return select_rows(table, version, **dict(asked)), given, {}
    except InvalidBody as error:
        return None, given, dict(reversed(error.problems))
    except InvalidInput as error:
        return None, given, {error.field: error.message}
    except Conflict:
        return None, given, {"after": "The data has changed since the page before; start again from the first."}
    except NoData:
        return None, given, {}

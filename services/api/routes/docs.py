"""What there is to read: `/openapi.json`, `/docs` (Swagger UI, from its wheel, without the internet), `/problems`.

None of it holds data, so none of it wants a token. The document is made once per process, at the first request.
"""

from functools import cache
from html import escape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, request, url_for

from services.api import kinds
from services.api.backend import backend
from services.api.contract import Answer, contract
from services.api.forms import JSON, wants_page
from services.api.kinds import KINDS, Kind
from services.api.openapi import document
from services.api.problems import Problem
from services.api.replies import json_reply
from services.api.shapes import JsonObject
from services.api.shapes_data import ProblemPage, ProblemPages
from services.api.tokens import Role

blueprint = Blueprint("docs", __name__)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_ASSETS = {
    "swagger-ui.css": ("css/swagger-ui.css", "text/css; charset=utf-8"),
    "swagger-ui-bundle.js": ("js/swagger-ui-bundle.js", "application/javascript; charset=utf-8"),
}
_START = b"""SwaggerUIBundle({url: "../openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  defaultModelsExpandDepth: 0, docExpansion: "list", persistAuthorization: false})
"""


@blueprint.get("/openapi.json")
@contract(
    role=Role.OPEN, tag="Service", answers={200: Answer("An OpenAPI 3.1 document.", JsonObject)}, validated=True, redis=False
)
def openapi() -> Response:
    """This API as an OpenAPI document."""
    made: bytes | None = current_app.extensions.get("trafficjobs.openapi")
    if made is None:
        made = orjson.dumps(document(current_app, backend().catalog, backend().settings), option=orjson.OPT_APPEND_NEWLINE)
        current_app.extensions["trafficjobs.openapi"] = made
    return Response(made, mimetype=JSON)


@blueprint.get("/docs")
@contract(role=Role.OPEN, tag="Service", answers={200: Answer("A page.", str, media=("text/html",))}, validated=True, redis=False)
def page() -> Response:
    """This API as a page to try it on."""
    base = escape(f"{request.script_root}/docs")
    body = f'<link rel="stylesheet" href="{base}/swagger-ui.css"><div id="swagger-ui"></div>'
    scripts = f'<script src="{base}/swagger-ui-bundle.js"></script><script src="{base}/start.js"></script>'
    return _page("trafficjobs API", body + scripts)


@blueprint.get("/docs/<name>")
@contract(
    role=Role.OPEN,
    tag="Service",
    answers={200: Answer("A style sheet or script.", str, media=("text/css", "application/javascript"))},
    problems=(kinds.NOT_FOUND,),
    validated=True,
    redis=False,
)
def asset(name: str) -> Response:
    """A part of the page at /docs."""
    if name == "start.js":
        return Response(_START.replace(b"../openapi.json", url_for("docs.openapi").encode()), mimetype="application/javascript")
    found = _asset(name)
    if found is None:
        raise Problem(kinds.NOT_FOUND, f"/docs has no part {name[:80]!r}.")
    return Response(found[0], content_type=found[1])


@cache
def _asset(name: str) -> tuple[bytes, str] | None:
    # Found and not imported: the wheel's own code brings a framework with it.
    spec = find_spec("flask_openapi3_swagger")
    if name not in _ASSETS or spec is None or not spec.submodule_search_locations:
        return None
    path, content_type = _ASSETS[name]
    return (Path(spec.submodule_search_locations[0]) / "templates" / "swagger" / path).read_bytes(), content_type


@blueprint.get("/problems")
@contract(role=Role.OPEN, tag="Service", answers={200: Answer("All types.", ProblemPages)}, validated=True, redis=False)
def problems() -> Response:
    """Every type of problem that an answer may have."""
    return json_reply({"problems": [_about(kind) for kind in KINDS.values()]})


@blueprint.get("/problems/<slug>")
@contract(
    role=Role.OPEN,
    tag="Service",
    takes=("Accept",),
    answers={200: Answer("What it means and what to do.", ProblemPage, media=(JSON, "text/html"))},
    problems=(kinds.NOT_FOUND,),
    validated=True,
    redis=False,
)
def problem(slug: str) -> Response:
    """What one type of problem means: a page in a browser, JSON elsewhere."""
    kind = KINDS.get(slug)
    if kind is None:
        raise Problem(kinds.NOT_FOUND, f"There is no problem {slug[:80]!r}; GET /problems lists them.")
    if not wants_page():
        answer = json_reply(_about(kind))
    else:
        text = f"<h1>{kind.status} {escape(kind.title)}</h1><p>{escape(kind.meaning)}</p><p>{escape(kind.remedy)}</p>"
        answer = _page(kind.title, text)
    answer.vary.add("Accept")
    return answer


def _about(kind: Kind) -> dict[str, Any]:
    return {"type": kind.uri, "title": kind.title, "status": kind.status, "meaning": kind.meaning, "remedy": kind.remedy}


def _page(title: str, body: str) -> Response:
    head = f'<meta charset="utf-8"><link rel="icon" href="data:,"><title>{escape(title)}</title>'  # no request for a favicon
    html = f'<!doctype html><html lang="en">{head}<body>{body}</body></html>'
    return Response(html, headers={"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}, mimetype="text/html")

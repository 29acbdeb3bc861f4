"""What all pages share: the blueprint, the contract of a page, how one is rendered, and how an error looks on one."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException

from services.api import problems
from services.api.auth import own_only, sign_in
from services.api.backend import backend
from services.api.contract import View, contract
from services.api.dashboard import session, words
from services.api.dashboard.assets import address_of, policy_of, written
from services.api.kinds import UNAUTHORIZED
from services.api.tokens import Caller, Role
from trafficjobs import __version__

POLICY = (
    f"default-src 'none'; script-src 'self'; style-src {policy_of('style.css')}; img-src 'self' data:; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SAID = "trafficjobs_said"  # a cookie with one sentence for the next page
_LONGEST_WORD = 300  # characters of it
_THEME = "trafficjobs_theme"  # a cookie that app.js keeps: the colours that the viewer chose, where not the system's
# Endpoint, word in the menu.
MENU = (
    ("ui.overview", "Overview"),
    ("ui.jobs", "Jobs"),
    ("ui.failures", "Failures"),
    ("ui.submit", "Submit"),
    ("ui.schedules", "Schedules"),
    ("ui.batches", "Batches"),
    ("ui.queues", "Queues"),
    ("ui.workers", "Workers"),
    ("ui.data", "Data"),
    ("ui.map", "Map"),
)

blueprint = Blueprint("ui", __name__, url_prefix="/ui", template_folder="templates")


def page(*, role: Role, action: str = "") -> Callable[[View], View]:
    """The contract of a page, or of a form's action.

    Args:
        role: who may see it, or do it.
        action: what the audit trail calls it, as the API's route for the same.
    """
    return contract(role=role, tag="", answers={}, page=True, action=action)


def may(role: str) -> bool:
    """Whether who looks may do what wants `role`: view, submit or admin."""
    caller: Caller | None = g.get("caller")
    return sign_in().tokens is None or (caller is not None and caller.role >= Role[role.upper()])


def mine(owner: str | None) -> bool:
    """Whether who looks may change what belongs to `owner`."""
    return may("submit") and own_only() in (None, owner)


def render(template: str, status: int = 200, **values: Any) -> Response:
    """A page from a template."""
    said = request.cookies.get(_SAID, "")[:_LONGEST_WORD]
    response = make_response(render_template(template, said=said, **values), status)
    if said:
        response.delete_cookie(_SAID, path=request.script_root or "/")
    # Where somebody signed in, the way back after signing out must not show what a browser has kept.
    kept = "private, no-cache" if g.get("caller") is None else "private, no-store"
    response.headers.update({"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin", "Cache-Control": kept})
    return response


def done(said: str, endpoint: str, **values: Any) -> Response:
    """To another page, which says what was done."""
    return done_at(said, url_for(endpoint, **values))


def done_at(said: str, address: str) -> Response:
    """As `done`, to an address of ours."""
    response = make_response(redirect(address, 303))
    response.set_cookie(_SAID, said[:_LONGEST_WORD], max_age=30, httponly=True, samesite="Lax", path=request.script_root or "/")
    return response


def back(default: str) -> str:
    """Where a form wants to return to: its field `next` where that is a page of ours, or `default`."""
    wanted = request.form.get("next", "") or request.args.get("next", "")
    own = url_for("ui.overview")
    # A backslash or a second slash would lead to another host.
    fits = wanted.startswith(own) and wanted[len(own) :][:1] in ("", "/", "?") and "\\" not in wanted and wanted.isprintable()
    return wanted if fits else default


@blueprint.before_request
def _own_form() -> None:
    """With sign-in on, a cookie's CSRF token has been checked by it; a bearer token needs none."""
    if sign_in().tokens is None and "Authorization" not in request.headers:
        session.check_csrf()


@blueprint.after_request
def _keep(response: Response) -> Response:
    return session.keep(response)


@blueprint.errorhandler(Exception)
def _problem(error: Exception) -> Response | HTTPException:
    if isinstance(error, HTTPException) and error.code is not None and error.code < 400:
        return error  # a redirect
    about, headers = problems.details(error)
    if about["type"] == UNAUTHORIZED.uri and request.endpoint != "ui.sign_in":
        wanted = request.full_path.rstrip("?") if request.method == "GET" else ""
        return make_response(redirect(url_for("ui.sign_in", next=f"{request.script_root}{wanted}" if wanted else None), 303))
    response = render("problem.html", about["status"], about=about)
    response.headers.update({name: value for name, value in headers.items() if name == "Retry-After"})
    return response


@blueprint.app_context_processor
def _everywhere() -> dict[str, Any]:
    caller: Caller | None = g.get("caller")
    return {
        "asset": address_of,
        "caller": caller,
        "city": words.zone_of(backend().settings.timezone),
        "csrf": session.csrf,
        "icon": written("icon.svg"),
        "may": may,
        "mine": mine,
        "menu": MENU,
        "signs_in": sign_in().tokens is not None,
        "style": written("style.css"),
        "status_words": words.STATUS_WORDS,
        "theme": chosen if (chosen := request.cookies.get(_THEME)) in ("light", "dark") else None,
        "took": words.took,
        "between": words.between,
        "version": __version__,
    }


for _name, _filter in words.FILTERS.items():
    blueprint.add_app_template_filter(_filter, _name)

"""Coming in and going out: sign-in with a token, sign-out, and what every page needs before anybody has signed in."""

from flask import Response, make_response, redirect, request, url_for

from services.api import kinds
from services.api.auth import sign_in
from services.api.dashboard import session
from services.api.dashboard.assets import assets
from services.api.dashboard.pages import back, blueprint, done, done_at, page, render
from services.api.problems import Problem
from services.api.tokens import Role, digest_of

_YEAR = 31_536_000  # seconds


@blueprint.get("/assets/<mark>/<name>")
@page(role=Role.OPEN)
def asset(mark: str, name: str) -> Response:
    """A style sheet, script or icon; an address of another version gets the present one, for a short time."""
    found = assets().get(name)
    if found is None:
        raise Problem(kinds.NOT_FOUND, f"There is no asset {name[:80]!r}.")
    response = Response(found.content, content_type=found.content_type)
    response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable" if mark == found.mark else "public, max-age=60"
    return response


@blueprint.get("/sign-in", endpoint="sign_in")
@page(role=Role.OPEN)
def sign_in_page() -> Response:
    """The form for a token."""
    if sign_in().tokens is None:
        return make_response(redirect(url_for("ui.overview")))
    return render("sign_in.html", next=back(""), wrong="")


@blueprint.post("/sign-in", endpoint="signed_in")
@page(role=Role.OPEN, action="session.open")
def signed_in() -> Response:
    """Open a session with a token."""
    session.check_csrf()
    token = request.form.get("token", "").strip()
    try:
        caller = sign_in().known(token)
    except Problem as problem:
        response = render("sign_in.html", problem.kind.status, next=back(""), wrong=str(problem))
        response.headers.update(problem.headers)
        return response
    session.open_session(digest_of(token))
    return done_at(f"Signed in as {caller.name}.", back(url_for("ui.overview")))


@blueprint.post("/sign-out")
@page(role=Role.OPEN, action="session.close")
def sign_out() -> Response:
    """End the session, here and everywhere."""
    session.check_csrf()
    session.close_session()
    return done("Signed out.", "ui.sign_in")


@blueprint.get("/<path:rest>")
@page(role=Role.VIEW)
def nowhere(rest: str) -> Response:
    """An address that is no page."""
    raise Problem(kinds.NOT_FOUND, f"There is no page at /ui/{rest[:200]}.")

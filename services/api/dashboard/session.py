"""Who looks at the dashboard: a cookie with a random secret, and in Redis whose token it was opened with.

Kept is a proof that only the digest of that token makes, and it is made anew with each entry of the file of tokens at every
request: a token that is taken away ends its sessions, whoever can write to Redis cannot make one, and none outlives
SESSION_TTL. The secret itself is only in the cookie. Whatever changes something by cookie must show the session's CSRF token,
which a page of another site cannot know; where nobody signs in, the cookie has no session in Redis and serves that alone.
"""

import hashlib
import hmac
import re
import secrets

from flask import Response, g, request
from werkzeug.exceptions import LengthRequired

from services.api.backend import backend
from services.api.contract import READING
from services.api.kinds import CROSS_SITE
from services.api.problems import Problem
from services.api.tokens import proof_of

COOKIE = "trafficjobs_session"
FIELD, HEADER = "csrf", "X-CSRF-Token"
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_FORM, _FORM_WITH_A_FILE = "application/x-www-form-urlencoded", "multipart/form-data"


def secret() -> str:
    """The secret of this request's cookie; a new one, which the answer sets, where there is none."""
    if "session" not in g:
        given = request.cookies.get(COOKIE, "")
        g.session = given if _SECRET.match(given) else _new()
    return str(g.session)


def _new() -> str:
    g.session_is_new = True
    return secrets.token_urlsafe(32)


def csrf(endpoint: str = "") -> str:
    """What forms of this session carry in FIELD, and scripts in HEADER.

    Args:
        endpoint: of a form with a file, which carries it in its address, since nothing of it is read before. It is good
            there alone.
    """
    return hashlib.sha256(f"csrf {endpoint} {secret()}".encode()).hexdigest()[:40]


def check_csrf() -> None:
    """Raises Problem where this request would change something and does not show the session's CSRF token."""
    if request.method in READING:
        return
    shown, wanted = request.headers.get(HEADER, ""), csrf()
    if not shown and request.mimetype == _FORM:
        if request.content_length is None:  # which a thread would have to wait for, and nobody has signed in
            raise LengthRequired("A form must come with its length.")
        shown = request.form.get(FIELD, "")
    elif not shown and request.mimetype == _FORM_WITH_A_FILE:
        shown, wanted = request.args.get(FIELD, ""), csrf(request.endpoint or "")
    known = _SECRET.match(request.cookies.get(COOKIE, "")) is not None
    if not known or not hmac.compare_digest(wanted.encode(), shown.encode("utf-8", "replace")):
        raise Problem(CROSS_SITE, "This form is older than the session, or comes from another site; load the page again.")


def opened_by() -> tuple[bytes, bytes] | None:
    """The digest of this request's session, and the proof of the token that opened it; None without. Raises StoreUnavailable."""
    given = request.cookies.get(COOKIE, "")
    if not _SECRET.match(given):
        return None
    store = backend().store
    kept = store.persist(lambda: store.records.get(_key(given)), store.patience)
    return None if kept is None else (_digest(given), kept)


def open_session(digest: bytes) -> None:
    """Begin a session under a new secret: one that was there before signing in is worth nothing. Raises StoreUnavailable."""
    close_session()
    g.session = _new()
    store, lifetime = backend().store, int(backend().settings.session_ttl)
    proof = proof_of(digest, _digest(g.session))
    store.persist(lambda: store.records.set(_key(g.session), proof, ex=lifetime), store.patience)


def close_session() -> None:
    """End the session of this request everywhere. Raises StoreUnavailable."""
    given = request.cookies.get(COOKIE, "")
    if _SECRET.match(given):
        store = backend().store
        store.persist(lambda: store.records.delete(_key(given)), store.patience)
    g.session = _new()


def keep(response: Response) -> Response:
    """Set the cookie where its secret is new. It is `Secure` where the browser, or the proxy before us, speaks TLS."""
    if g.get("session_is_new"):
        tls = request.is_secure or request.headers.get("X-Forwarded-Proto", "").split(",")[0].strip() == "https"
        path = request.script_root or "/"
        response.set_cookie(COOKIE, secret(), httponly=True, samesite="Lax", secure=tls, path=path)
    return response


def _key(given: str) -> str:
    return f"{backend().store.prefix}session.{_digest(given).hex()}"


def _digest(given: str) -> bytes:
    return hashlib.sha256(given.encode()).digest()

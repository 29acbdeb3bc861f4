"""Sign-in: which requests are let through, by the role that each route declares in its contract.

`install` puts the check in front of every route of an application; a route without a contract is for admins only. A
request carries `Authorization: Bearer <token>`; who it was is `caller()`, for the record and the log. The token itself is
never kept or logged. In a browser, the cookie of the dashboard's session stands for the token that it was opened with.
"""

import hmac
import ipaddress
import logging

from flask import Flask, Response, current_app, g, request

from lib.jobs import Quota
from lib.settings import Settings, SettingsError
from services.api.attempts import Attempts
from services.api.contract import contract_of
from services.api.dashboard import session
from services.api.kinds import CROSS_SITE, FORBIDDEN, TOO_MANY_ATTEMPTS, UNAUTHORIZED
from services.api.problems import Problem
from services.api.tokens import Caller, Role, TokenFile

logger = logging.getLogger("trafficjobs.api")
_NAME = "trafficjobs.sign_in"
_REALM = 'Bearer realm="trafficjobs"'
_METRICS = Caller("metrics", Role.OPEN)
_OWN_PAGES = ("same-origin", "none")  # `same-site` is also another port of this machine, or a sibling's subdomain


def wants_sign_in(settings: Settings) -> bool:
    """Whether callers must sign in.

    Raises:
        SettingsError: these settings would leave the API open to others without anybody having said so, or would let
            nobody in.
    """
    if settings.auth == "off":
        return False
    if settings.tokens_file is not None:
        return True
    if settings.auth == "on":
        raise SettingsError("AUTH: is on, and there is no TOKENS_FILE; name one, or set AUTH=off")
    if not is_loopback(settings.host):
        raise SettingsError(
            f"HOST: {settings.host} can be reached by others, and nobody would have to sign in. Set TOKENS_FILE to a file that"
            " `trafficjobs token new NAME --role submit --file FILE` makes, or AUTH=off to let everybody do everything"
        )
    return False


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class SignIn:
    """Sign-in of one application: `tokens` is None where it is off."""

    def __init__(self, settings: Settings) -> None:
        path = settings.tokens_file if wants_sign_in(settings) else None
        self.tokens = None if path is None else TokenFile(path)
        self._metrics_token = None if settings.metrics_token is None else settings.metrics_token.encode()
        self._attempts = Attempts()
        if self.tokens is None and not is_loopback(settings.host):
            logger.warning("AUTH is off and HOST is %s: everybody who reaches it may do everything", settings.host)

    @property
    def guards_metrics(self) -> bool:
        """Whether /metrics wants a token."""
        return self._metrics_token is not None

    @property
    def trouble(self) -> str | None:
        """Why nobody can sign in, if so."""
        if self.tokens is None:
            return None
        self.tokens.look()
        return self.tokens.trouble

    def check(self) -> None:
        """Let this request through and say who it is, or raise a Problem."""
        g.caller = None
        if request.endpoint is None or request.method == "OPTIONS":
            return  # there is nothing at this address, or only the names of methods
        if (
            self.tokens is None
            and request.method not in ("GET", "HEAD")
            and request.headers.get("Sec-Fetch-Site", "none") not in _OWN_PAGES
        ):
            raise Problem(CROSS_SITE, "A page of another origin sent this, and nobody has to sign in here; use another client.")
        needed = self._needed(request.endpoint)
        if needed is Role.OPEN:
            return
        caller = self._caller(request.endpoint)
        if caller is _METRICS:
            return
        g.caller = caller
        if caller.role < needed:
            higher = "" if needed is Role.ADMIN else " or a higher one"
            raise Problem(
                FORBIDDEN,
                f"This wants the role {_named(needed)}{higher}; the token {caller.name} has the role {_named(caller.role)}.",
            )

    def _needed(self, endpoint: str) -> Role:
        if endpoint == "health.metrics":
            return Role.OPEN if self._metrics_token is None else Role.VIEW
        if self.tokens is None:
            return Role.OPEN
        contract = contract_of(current_app.view_functions[endpoint])
        return Role.ADMIN if contract is None else contract.role

    def _caller(self, endpoint: str) -> Caller:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        token = token.strip()
        if not scheme and (caller := self._by_cookie()) is not None:
            session.check_csrf()
            g.by_cookie = True
            return caller
        if scheme.lower() != "bearer" or not token:
            raise Problem(
                UNAUTHORIZED,
                "Send a token: Authorization: Bearer tj_...; `trafficjobs token new NAME --role submit` makes one.",
                headers={"WWW-Authenticate": _REALM},
            )
        if endpoint == "health.metrics" and self._is_metrics_token(token):
            return _METRICS
        return self.known(token)

    def _by_cookie(self) -> Caller | None:
        """Whose session this is; None where there is none, or its token is gone."""
        opened = session.opened_by() if self.tokens is not None else None
        return None if opened is None or self.tokens is None else self.tokens.of_session(*opened)

    def known(self, token: str) -> Caller:
        """Who a token belongs to. Raises Problem where it belongs to nobody, or too many wrong ones came from this address."""
        found = self.tokens.find(token) if self.tokens is not None else None
        if found is not None:
            return found
        if wait := self._attempts.failed(request.remote_addr or ""):
            raise Problem(
                TOO_MANY_ATTEMPTS,
                f"Too many wrong tokens came from this address; try again in {wait} seconds.",
                headers={"Retry-After": str(wait)},
            )
        raise Problem(UNAUTHORIZED, "This token is not known.", headers={"WWW-Authenticate": f'{_REALM}, error="invalid_token"'})

    def _is_metrics_token(self, token: str) -> bool:
        return self._metrics_token is not None and hmac.compare_digest(self._metrics_token, token.encode("utf-8", "replace"))


def install(app: Flask, settings: Settings) -> None:
    """Put sign-in in front of every route. Raises SettingsError as `wants_sign_in` does."""
    made = SignIn(settings)
    app.extensions[_NAME] = made
    app.before_request(made.check)
    app.after_request(_keep_private)


def _keep_private(response: Response) -> Response:
    """Caches between know by themselves that what `Authorization` opens is for one caller; of a cookie they must be told."""
    if g.get("by_cookie"):
        response.headers.setdefault("Cache-Control", "private, no-cache")
    return response


def sign_in() -> SignIn:
    """Sign-in of the application that answers this request."""
    found: SignIn = current_app.extensions[_NAME]
    return found


def caller_name() -> str | None:
    """Name of the token of this request; None where nobody has to sign in."""
    caller: Caller | None = g.get("caller")
    return None if caller is None else caller.name


def caller_quota() -> Quota | None:
    """The quota of the token of this request; None where it has none."""
    caller: Caller | None = g.get("caller")
    return None if caller is None else caller.quota


def check_owner(owner: str | None, what: str) -> None:
    """Raises Problem where this request's caller may change only what is their own, and this is not."""
    caller: Caller | None = g.get("caller")
    if caller is None or caller.role is Role.ADMIN or caller.name == owner:
        return
    whose = f"belongs to {owner}" if owner else "was submitted without a token"
    raise Problem(FORBIDDEN, f"{what} {whose}; only the role admin may change it.")


def own_only() -> str | None:
    """The name whose jobs alone this request's caller may change; None where they may change those of all."""
    caller: Caller | None = g.get("caller")
    return None if caller is None or caller.role is Role.ADMIN else caller.name


def _named(role: Role) -> str:
    return role.name.lower()

"""How requests reach the service: its address, who asks, and when one is sent again. All that the client sends goes through here.

A request is sent again when the connection failed, the answer was lost, or the service said 429, 502 or 503; it waits as
long as Retry-After says, and gives up as soon as that is longer than its patience. A request that is not `repeatable` is
sent again only where it surely was not taken, so that nothing ever happens twice.
"""

import random
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import httpx

from trafficjobs import __version__, drivers
from trafficjobs.errors import Invalid, NotFound, TrafficjobsError, Unauthorized, Unavailable, error_of
from trafficjobs.steps import Item, Items, Line, Open, Pause, Piece, Request, Steps

CONNECT_TIMEOUT = 5.0  # seconds
_REPEATED = frozenset({429, 502, 503})
_UNKNOWN = " Whether it was done is not known; look before you ask for it again."
_LONGEST = 10.0**6  # seconds without a byte; what is longer says the same, and is more than a socket takes
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


def pauses(first: float, last: float, growth: float = 1.6) -> Iterator[float]:
    """Seconds to wait between tries: growing, with a random part, so that many clients do not come at once."""
    pause = first
    while True:
        yield pause * random.uniform(0.75, 1.0)
        pause = min(last, growth * pause)


def _certificates(url: str) -> ssl.SSLContext:
    """Whom to trust. Loading the authorities takes longer than most requests, so it is done once, and only for TLS."""
    if url.lower().startswith("http:") and not urllib.request.getproxies():
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nobody
    return _authorities()


@cache
def _authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context()


class Transport:
    """One service, and the steps of sending it something.

    Args:
        url: of the service, with the path prefix it may have.
        token: sent as a bearer token; None sends none.
        timeout: seconds without a byte after which an answer counts as lost.
        patience: seconds during which a request is sent again.
        transport: another way to the service, for tests.
        awaited: whether the steps are run by asyncio.
    """

    def __init__(
        self, url: str, token: str | None, timeout: float, patience: float, transport: Any = None, awaited: bool = False
    ) -> None:
        if not timeout > 0:
            raise Invalid(f"A timeout of {timeout:g} s lets nothing be answered; it must be more than 0.")
        timeout = min(timeout, _LONGEST)
        self.url = url.rstrip("/")
        self.timeout = timeout
        self.patience = patience
        headers = {"Accept": "application/json", "User-Agent": f"trafficjobs/{__version__}"}
        if token:
            if not (token.isascii() and token.isprintable()) or " " in token:
                raise Invalid("The token holds characters that no token has; copy it again.")
            headers["Authorization"] = f"Bearer {token}"
        # Who awaits many answers at once waits for a free connection as long as that takes.
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT), pool=None if awaited else timeout)
        options: dict[str, Any] = {"base_url": self.url, "headers": headers, "timeout": limits, "transport": transport}
        try:
            options["verify"] = _certificates(self.url)
            self.driver: Any = drivers.Awaiting(**options) if awaited else drivers.Blocking(**options)
        except httpx.InvalidURL as error:
            raise Invalid(f"{url!r} is no address of a service: {error}.") from None
        base = self.driver.http.base_url
        if base.scheme not in ("http", "https") or not base.host:
            raise Invalid(f"{url!r} is no address of a service; it begins with http:// or https://.")

    def send(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool = True,
        patience: float | None = None,
        timeout: float | None = None,
        body: Callable[[], Iterator[bytes] | bytes] | None = None,
        **options: Any,
    ) -> Steps[httpx.Response]:
        """Send a request until it is answered; the answer is a success.

        Args:
            repeatable: whether taking it twice is the same as taking it once.
            patience, timeout: other than the usual ones; seconds.
            body: makes the content anew for each time that it is sent; `options` are httpx's.

        Raises: TrafficjobsError, of the class that fits.
        """
        if timeout is not None:
            options["timeout"] = self._limits(timeout)
        end = time.monotonic() + (self.patience if patience is None else patience)
        growing = pauses(0.05, 2.0)
        while True:
            try:
                response: httpx.Response = yield Request(method, path, options, body)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                again = repeatable or isinstance(error, _NOT_SENT)
                failure = self.failure(error, "" if again else _UNKNOWN)
            else:
                if response.is_success:
                    return response
                failure = error_of(response)
                again = repeatable and response.status_code in _REPEATED and not isinstance(failure, Unauthorized)
            pause = max(next(growing), failure.retry_after or 0.0)
            if not again or time.monotonic() + pause > end:
                raise failure from None
            yield Pause(pause)

    def failure(self, error: Exception, more: str = "") -> TrafficjobsError:
        """What is raised where no answer came; `more` stands at the end of its message."""
        if not isinstance(error, httpx.TransportError):
            return TrafficjobsError(f"{self.url} answered what cannot be read: {error}.{more}")
        if isinstance(error, httpx.TimeoutException):
            return Unavailable(f"{self.url} does not answer in time ({type(error).__name__}).{more}")
        return Unavailable(f"{self.url} cannot be reached: {str(error) or type(error).__name__}.{more}")

    def delete(self, path: str) -> Steps[None]:
        """Delete something. Raises as `send`; not where it was deleted the first time, and only the answer was lost."""
        try:
            yield from self.send("DELETE", path, patience=0.0)
        except Unavailable:
            try:
                yield from self.send("DELETE", path)
            except NotFound:
                pass

    def json(self, method: str, path: str, **options: Any) -> Steps[Any]:
        """The JSON of an answer. Raises as `send`."""
        return self.decoded((yield from self.send(method, path, **options)))

    def pages(
        self,
        path: str,
        name: str,
        params: Mapping[str, str],
        size: int,
        limit: int | None = None,
        made: Callable[[Any], Any] = lambda found: found,
    ) -> Items[Any]:
        """What a list has under `name`, page by page of up to `size` as it is asked for; `limit` of them at most.

        `made` makes of each what the caller gets.
        """
        asked, left = dict(params), limit
        while left is None or left > 0:
            page = yield from self.json("GET", path, params={**asked, "limit": str(min(size, left or size))})
            for found in page[name]:
                yield Item(made(found))
            if page["next"] is None:
                return
            asked["cursor"] = page["next"]
            left = None if left is None else left - len(page[name])

    def decoded(self, response: httpx.Response) -> Any:
        """The JSON of an answer that is there."""
        try:
            return response.json()
        except ValueError:
            raise TrafficjobsError(f"{response.request.url} answered something that is no JSON; is it trafficjobs?") from None

    def opened(self, path: str, headers: Mapping[str, str], timeout: float) -> Steps[httpx.Response]:
        """Open a stream, which `line` reads; tried once. Raises as `send`."""
        try:
            response: httpx.Response = yield Open(path, {"headers": dict(headers), "timeout": self._limits(timeout)})
        except httpx.HTTPError as error:
            raise self.failure(error) from None
        if not response.is_success:
            raise error_of(response)
        return response

    def line(self) -> Steps[str | None]:
        """A line of the open stream; None at its end. Raises Unavailable."""
        try:
            found: str | None = yield Line()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self.failure(error) from None
        return found

    def piece(self) -> Steps[bytes | None]:
        """Some bytes of the open stream; None at its end. Raises Unavailable."""
        try:
            found: bytes | None = yield Piece()
        except (httpx.HTTPError, httpx.StreamError) as error:
            raise self.failure(error) from None
        return found

    def _limits(self, timeout: float) -> httpx.Timeout:
        return httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT), pool=self.driver.http.timeout.pool)

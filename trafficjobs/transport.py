"""Sends requests to the service, again where that is safe. Client, job handles and event streams all send through here.

A request is sent again when the connection failed, the answer was lost, or the service said 429, 502 or 503; it waits as
long as Retry-After says, and gives up as soon as that is longer than its patience. A request that is not `repeatable` is
sent again only where it surely was not taken, so that nothing ever happens twice.
"""

import random
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import httpx

from trafficjobs import __version__
from trafficjobs.errors import Invalid, TrafficjobsError, Unauthorized, Unavailable, error_of

CONNECT_TIMEOUT = 5.0  # seconds
_REPEATED = frozenset({429, 502, 503})
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
    """Connections to one service, kept open between requests; may be shared by threads.

    Args:
        url: of the service, with the path prefix it may have.
        token: sent as a bearer token; None sends none.
        timeout: seconds without a byte after which an answer counts as lost.
        patience: seconds during which a request is sent again.
        transport: another way to the service, for tests.
    """

    def __init__(
        self, url: str, token: str | None, timeout: float, patience: float, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self.timeout = timeout
        self.patience = patience
        headers = {"Accept": "application/json", "User-Agent": f"trafficjobs/{__version__}"}
        if token:
            if not (token.isascii() and token.isprintable()) or " " in token:
                raise Invalid("The token holds characters that no token has; copy it again.")
            headers["Authorization"] = f"Bearer {token}"
        try:
            limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT))
            options: dict[str, Any] = {"transport": transport, "verify": _certificates(self.url)}
            self.http = httpx.Client(base_url=self.url, headers=headers, timeout=limits, **options)
        except httpx.InvalidURL as error:
            raise Invalid(f"{url!r} is no address of a service: {error}.") from None
        if self.http.base_url.scheme not in ("http", "https") or not self.http.base_url.host:
            raise Invalid(f"{url!r} is no address of a service; it begins with http:// or https://.")

    def send(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool = True,
        patience: float | None = None,
        timeout: float | None = None,
        body: Callable[[], Any] | None = None,
        **options: Any,
    ) -> httpx.Response:
        """Send a request until it is answered; the answer is a success.

        Args:
            repeatable: whether taking it twice is the same as taking it once.
            patience, timeout: other than the usual ones; seconds.
            body: makes the content anew for each time that it is sent; `options` are httpx's.

        Raises: TrafficjobsError, of the class that fits.
        """
        if timeout is not None:
            options["timeout"] = httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT))
        end = time.monotonic() + (self.patience if patience is None else patience)
        growing = pauses(0.05, 2.0)
        while True:
            if body is not None:
                options["content"] = body()
            try:
                response = self.http.request(method, path, **options)
            except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
                failure, again = self._failure(error), repeatable or isinstance(error, _NOT_SENT)
            else:
                if response.is_success:
                    return response
                failure = error_of(response)
                again = repeatable and response.status_code in _REPEATED and not isinstance(failure, Unauthorized)
            pause = next(growing) if failure.retry_after is None else failure.retry_after
            if not again or time.monotonic() + pause > end:
                raise failure from None
            time.sleep(pause)

    def _failure(self, error: Exception) -> TrafficjobsError:
        if not isinstance(error, httpx.TransportError):
            return TrafficjobsError(f"{self.url} answered what cannot be read: {error}.")
        if isinstance(error, httpx.TimeoutException):
            return Unavailable(f"{self.url} does not answer in time ({type(error).__name__}).")
        return Unavailable(f"{self.url} cannot be reached: {error or type(error).__name__}.")

    def json(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of an answer. Raises as `send`."""
        return self.decoded(self.send(method, path, **options))

    def decoded(self, response: httpx.Response) -> Any:
        """The JSON of an answer that is there."""
        try:
            return response.json()
        except ValueError:
            raise TrafficjobsError(f"{response.request.url} answered something that is no JSON; is it trafficjobs?") from None

    @contextmanager
    def stream(self, path: str, headers: Mapping[str, str], timeout: float) -> Iterator[httpx.Response]:
        """An answer whose body is read as it arrives; tried once. Raises as `send`."""
        limits = httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT))
        try:
            with self.http.stream("GET", path, headers=dict(headers), timeout=limits) as response:
                if not response.is_success:
                    response.read()
                    raise error_of(response)
                yield response
        except httpx.HTTPError as error:
            raise self._failure(error) from None

    def close(self) -> None:
        self.http.close()

"""A file of incidents from a URL, as a stream: what comes is read piece by piece and never held.

The `load` operation reads it as it reads an upload. The end of the stream is the end of the file for certain: what is cut off,
unpacks to too much, or is no file at all raises, and nothing is published.
"""

import http.client
import ssl
import time
import zlib
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

from lib.egress import Endpoint, Refused
from lib.errors import DownloadFailed, InvalidInput, TooLarge
from lib.outgoing import connected
from lib.sources import Sources, shown

CONNECT_TIMEOUT = 10.0  # seconds for the name, the connection and TLS
READ_TIMEOUT = 30.0  # seconds without a byte
MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_PIECE = 1 << 16  # bytes
_HEADERS = {"User-Agent": "trafficjobs", "Accept": "text/csv, application/json, */*;q=0.1", "Accept-Encoding": "gzip"}


class Download:
    """What a URL answers; close it.

    Args:
        limit: bytes that may come out of it.

    Raises:
        InvalidInput: it may not be fetched.
        TooLarge: it says itself that it is larger than `limit`.
        DownloadFailed: there is no answer, or none with a whole file.
    """

    def __init__(self, sources: Sources, url: str, limit: int) -> None:
        self.name = unquote(urlsplit(url).path.rpartition("/")[2]) or shown(url)
        self._url, self._limit = url, limit
        self.received = self.given = 0  # bytes on the way, and bytes unpacked
        self._response = self._followed(sources)
        try:
            self.size = self._announced()
            packed = self._response.headers.get("Content-Encoding", "identity").strip().lower()
            if packed not in ("identity", "", "gzip", "x-gzip"):
                raise self._failed(f"it is sent in an encoding that was not asked for ({packed[:40]})")
            self._inflater = zlib.decompressobj(31) if "gzip" in packed else None
        except BaseException:
            self.close()
            raise

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, `size` of them unless the end comes first (all for -1). Raises TooLarge, DownloadFailed."""
        data = bytearray()
        while size < 0 or len(data) < size:
            piece = self._unpacked(_PIECE if size < 0 else min(_PIECE, size - len(data)))
            if not piece:
                break
            data += piece
        return bytes(data)

    def close(self) -> None:
        self._response.close()

    def _failed(self, reason: str) -> DownloadFailed:
        return DownloadFailed(f"{shown(self._url)} cannot be loaded: {reason}")

    def _followed(self, sources: Sources) -> http.client.HTTPResponse:
        for _ in range(MOST_REDIRECTS + 1):
            try:
                endpoint = sources.endpoint(self._url)
                addresses = sources.egress.addresses(endpoint)
            except Refused as error:
                raise InvalidInput("params.url", str(error)) from None
            except OSError as error:
                raise self._failed(f"its name cannot be looked up ({error.strerror or error})") from None
            response = self._asked(endpoint, addresses)
            if response.status == 200:
                return response
            response.close()
            target = response.headers.get("Location")
            if response.status not in _REDIRECTS or not target:
                raise self._failed(f"it answered {response.status} {response.reason}"[:200])
            try:
                before, self._url = self._url, urldefrag(urljoin(self._url, target)).url
            except ValueError:
                raise self._failed("it leads to an address that is none") from None
            if endpoint.tls and not self._url.lower().startswith("https:"):
                raise InvalidInput("params.url", f"{shown(before)} leads from https to {shown(self._url)}")
        raise self._failed(f"it leads to another address more than {MOST_REDIRECTS} times")

    def _asked(self, endpoint: Endpoint, addresses: list[str]) -> http.client.HTTPResponse:
        lines = [f"GET {endpoint.target} HTTP/1.1", f"Host: {endpoint.authority}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in _HEADERS.items()]
        try:
            with connected(endpoint, addresses, time.monotonic() + CONNECT_TIMEOUT) as connection:
                connection.settimeout(READ_TIMEOUT)
                connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
                response = http.client.HTTPResponse(connection, method="GET")  # has the socket open until it is closed itself
                try:
                    response.begin()
                except BaseException:
                    response.close()
                    raise
                return response
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from None

    def _broken(self, error: Exception) -> DownloadFailed:
        if isinstance(error, ssl.SSLError):
            return self._failed(
                f"there is no secure connection ({getattr(error, 'verify_message', '') or error.reason or error})"
            )
        if isinstance(error, TimeoutError):
            return self._failed("it does not answer in time")
        if isinstance(error, http.client.IncompleteRead):
            return self._failed(f"it was cut off after {self.received:,} bytes")
        return self._failed(f"{type(error).__name__}: {error}"[:200])

    def _announced(self) -> int | None:
        """Bytes on the way, where the answer says how many; None where it comes in chunks."""
        length = self._response.length
        if length is None and not self._response.chunked:
            raise self._failed("the answer has no Content-Length and no chunks, so that nobody could tell whether it is whole")
        if length is not None and length > self._limit:
            raise self._too_large()
        return length

    def _too_large(self) -> TooLarge:
        return TooLarge("params.url", f"{shown(self._url)} is larger than {self._limit / 2**20:,.1f} MiB (MAX_UPLOAD_BYTES)")

    def _wire(self, most: int = _PIECE) -> bytes:
        try:
            data = self._response.read(most)
        except (OSError, http.client.HTTPException) as error:
            raise self._broken(error) from None
        self.received += len(data)
        if not data and self.size is not None and self.received < self.size:
            raise self._failed(f"it was cut off after {self.received:,} of {self.size:,} bytes")
        return data

    def _unpacked(self, most: int) -> bytes:
        data = self._wire(most) if self._inflater is None else self._inflated(most)
        self.given += len(data)
        if self.given > self._limit:
            raise self._too_large()
        return data

    def _inflated(self, most: int) -> bytes:
        """The next bytes of one or several members of gzip, as its files may have."""
        while True:
            assert self._inflater is not None
            if self._inflater.eof:
                data = self._inflater.unused_data or self._wire()
                if not data:
                    return b""
                self._inflater = zlib.decompressobj(31)
            elif not (data := self._inflater.unconsumed_tail or self._wire()):
                raise self._failed(f"its gzip was cut off after {self.received:,} bytes")
            try:
                if piece := self._inflater.decompress(data, most):
                    return piece
            except zlib.error as error:
                raise self._failed(f"its gzip is broken ({error})") from None

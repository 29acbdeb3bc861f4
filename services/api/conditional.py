"""What is done to every answer on its way out: ETag and 304, gzip where it is wanted and worth it.

Nothing is done to streams, and pictures are compressed already. Answers under a token are for nobody else's cache.
"""

import hashlib
import zlib

from flask import Flask, Response, current_app, request

from services.api.contract import contract_of

SMALLEST = 1_024  # bytes; below it, gzip costs more than it saves
_LEVEL = 5
_COMPRESSIBLE = ("text/", "application/json", "application/problem+json", "image/svg+xml", "application/javascript")


def install(app: Flask) -> None:
    """Look at every answer of `app`."""
    app.after_request(_compress)
    app.after_request(_validate)  # called before _compress: Flask calls the last one first


def _validate(response: Response) -> Response:
    """ETag of what the route says may be asked for again, and 304 for those who have it."""
    if response.status_code != 200 or request.method not in ("GET", "HEAD") or response.is_streamed or request.endpoint is None:
        return response
    contract = contract_of(current_app.view_functions[request.endpoint])
    if contract is None or not contract.validated:
        return response
    if "ETag" not in response.headers:
        response.set_etag(hashlib.blake2b(response.get_data(), digest_size=12).hexdigest())
    response.headers.setdefault("Cache-Control", "private, no-cache")
    if request.if_none_match:
        response.make_conditional(request)
    return response


def _compress(response: Response) -> Response:
    if response.is_streamed or not response.content_type or not response.content_type.startswith(_COMPRESSIBLE):
        return response
    length = response.content_length
    if length is None or length <= SMALLEST or "Content-Encoding" in response.headers:
        return response
    response.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"] > 0 and response.status_code != 304:
        tag, _ = response.get_etag()
        if tag is not None:
            response.set_etag(tag, weak=True)  # other bytes, the same meaning
        response.set_data(gzipped(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
    return response


def gzipped(data: bytes) -> bytes:
    """`data` as gzip, the same bytes each time."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, 31)
    return packer.compress(data) + packer.flush()

"""Answers: JSON by orjson, and stored files. Every route answers through here."""

from collections.abc import Mapping
from typing import Any

import orjson
from flask import Flask, Response


def install(app: Flask) -> None:
    """Have browsers take each answer of `app` for what its Content-Type says, and guess nothing from its bytes."""
    app.after_request(_not_guessed)


def _not_guessed(response: Response) -> Response:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response


def json_reply(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None, mimetype: str = "application/json"
) -> Response:
    """A JSON answer that ends with a newline, for the sake of terminals."""
    return Response(orjson.dumps(value, option=orjson.OPT_APPEND_NEWLINE), status, headers, mimetype=mimetype)


def file_reply(data: bytes, content_type: str) -> Response:
    """A file that an operation made. A browser shows it in a sandbox, since anybody's operation may have written it."""
    headers = {"Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
    return Response(data, 200, headers, content_type=content_type)

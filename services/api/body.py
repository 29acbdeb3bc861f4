"""Reading requests: JSON bodies and query parameters, with all their limits. The one place where input is parsed.

JSON is taken whatever the Content-Type says, since curl and the course's clients send any. Nothing here touches Redis.
"""

from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import orjson
from flask import request
from pydantic import BaseModel
from werkzeug.exceptions import BadRequest, HTTPException

from lib.errors import InvalidInput, InvalidParameters
from lib.parameters import parse
from services.api.kinds import INVALID_JSON
from services.api.problems import InvalidBody, Problem

Model = TypeVar("Model", bound=BaseModel)
MAX_DEPTH = 32
CHUNK = 1 << 16  # bytes


def json_body(required: bool = True) -> Any:
    """The body as JSON; `{}` where it is empty and need not be there.

    Raises:
        Problem: it is not JSON, not UTF-8, or empty.
        InvalidInput: it is nested too deeply.
        RequestEntityTooLarge, BadRequest: as `Body.read` says.
    """
    # Not `request.get_data`: it would cut a chunked body off at the limit without a word.
    raw = b"".join(iter(Body().read, b""))
    if not raw and not required:
        return {}
    if not raw:
        raise Problem(INVALID_JSON, "Invalid JSON: the body is empty.")
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Problem(INVALID_JSON, f"Invalid JSON: {error}.") from None
    if _deeper_than(value, MAX_DEPTH):
        raise InvalidInput("", f"the body is nested more than {MAX_DEPTH} levels deep")
    return value


class Body:
    """The bytes of this request, as they arrive. A body that breaks off is refused, however the server reports it."""

    def __init__(self) -> None:
        self._stream = request.stream  # refuses what is announced as larger than the limit, and reading on past it
        self._received = 0

    def read(self, size: int = CHUNK) -> bytes:
        """The next bytes; b"" at the end.

        Raises:
            RequestEntityTooLarge: the limit is reached.
            BadRequest: fewer bytes came than were announced, or their framing is broken.
        """
        try:
            data = self._stream.read(size)
        except HTTPException:
            raise
        except Exception as error:  # of the server's own kinds
            raise BadRequest(f"The body cannot be read: {type(error).__name__}.") from error
        self._received += len(data)
        announced = request.content_length
        if not data and announced is not None and self._received < announced:
            raise BadRequest(f"The body broke off after {self._received} of {announced} bytes.")
        return data


def _deeper_than(value: Any, limit: int) -> bool:
    """Whether more than `limit` objects and lists stand within one another."""
    level, depth = [value] if isinstance(value, dict | list) else [], 0
    while level:
        depth += 1
        if depth > limit:
            return True
        children = (each.values() if isinstance(each, dict) else each for each in level)
        level = [item for items in children for item in items if isinstance(item, dict | list)]
    return False


def body_of(model: type[Model]) -> Model:
    """The JSON body as the model says; an empty one leaves everything out. Raises as `json_body`, and InvalidBody."""
    given = json_body(required=False)
    if not isinstance(given, dict):
        raise InvalidInput("", f"the body must be an object; it takes {', '.join(model.model_fields)}")
    return parsed(model, given, coerce=False)


def query(model: type[Model]) -> Model:
    """The query string as the model says. Raises InvalidBody with every parameter that does not fit."""
    given = {name: values if len(values) > 1 else values[0] for name, values in request.args.lists()}
    return parsed(model, {name: value for name, value in given.items() if name in model.model_fields}, coerce=True)


def parsed(model: type[Model], given: dict[str, Any], coerce: bool) -> Model:
    """Values as the model says; with `coerce`, texts count as what they stand for. Raises InvalidBody with all that is wrong."""
    try:
        return parse(model, given, coerce)
    except InvalidParameters as error:
        raise InvalidBody(error.at_top().problems) from None


def page_link(name: str, value: str) -> str:
    """A Link header to the next page: this request's address with `name` set to `value`."""
    query = urlencode([(key, each) for key, each in request.args.items(multi=True) if key != name] + [(name, value)])
    return f'<{request.script_root}{quote(request.path)}?{query}>; rel="next"'

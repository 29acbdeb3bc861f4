"""The direct routes `GET /<operation>?<parameters>`: small questions answered within the request, without the queue.

They compute on the API's own mapped data, with the very function that a job would run. Operations whose name is the path
of another route give way to it.
"""

import logging
from collections.abc import Callable
from typing import Any, get_type_hints

from flask import Flask, Response, request
from pydantic import TypeAdapter

from lib.context import Recorder, running
from lib.errors import InvalidParameters, JobsError
from lib.operations import Catalog, Operation, run
from services.api import kinds
from services.api.backend import backend
from services.api.contract import JSON, Answer, contract
from services.api.problems import Problem
from services.api.replies import file_reply, json_reply
from services.api.shapes import JsonValue
from services.api.tokens import Role

logger = logging.getLogger("trafficjobs.api")

# The course's direct route calls the number `count`, its job calls it `incident_count`.
_ALIASES = {"incident_count_by_date": {"count": "incident_count"}}


def add_routes(app: Flask, catalog: Catalog) -> None:
    """Add a route for every operation that is offered directly, wherever its path is free."""
    taken = {rule.rule for rule in app.url_map.iter_rules()}
    for operation in catalog:
        path = f"/{operation.name}"
        if not operation.direct or operation.hidden:
            continue
        if path in taken:
            logger.warning("The operation %s has no direct route, because %s is another one", operation.name, path)
            continue
        app.add_url_rule(path, endpoint=f"direct.{operation.name}", view_func=_view(operation), methods=["GET"])


def _view(operation: Operation) -> Callable[[], Response]:
    problems = (kinds.NO_DATA, kinds.INVALID_PARAMETERS) if operation.needs_data else (kinds.INVALID_PARAMETERS,)

    @contract(
        role=Role.VIEW,
        tag="Direct",
        query=operation.params_model,
        takes=("Accept",),
        answers={200: Answer("The result, or the picture it made.", result_shape(operation), media=(JSON, "image/png"))},
        problems=(*problems, kinds.OPERATION_FAILED),
        redis=operation.needs_data,
    )
    def view() -> Response:
        return _answer(operation, _parameters(operation))

    view.__doc__ = operation.doc
    return view


def result_shape(operation: Operation) -> Any:
    """What the operation's annotation says that it returns; any JSON where it says nothing that can be described."""
    try:
        found = get_type_hints(operation.function, include_extras=True).get("return", Any)
        return JsonValue if found is Any or not TypeAdapter(found).json_schema() else found
    except Exception:  # whatever a user's annotation may raise
        return JsonValue


def _parameters(operation: Operation) -> dict[str, Any]:
    """The query string as parameters; a name that stands there several times is a list."""
    given = {name: values if len(values) > 1 else values[0] for name, values in request.args.lists()}
    try:
        return operation.validate(given, coerce=True)
    except InvalidParameters as error:
        raise InvalidParameters([(name.removeprefix("params."), message) for name, message in error.problems]) from None


def _answer(operation: Operation, params: dict[str, Any]) -> Response:
    frame = backend().frame() if operation.needs_data else None
    recorder = Recorder()
    with running(recorder):
        try:
            result = run(operation, params, frame)
        except JobsError:
            raise
        except Exception as error:
            # What a job would show as its error; the traceback is for the log.
            logger.warning("The operation %s failed in a direct route", operation.name, exc_info=error)
            raise Problem(kinds.OPERATION_FAILED, f"{type(error).__name__}: {error}") from error
    if recorder.files and request.accept_mimetypes.best != "application/json":
        return file_reply(*next(iter(recorder.files.values())))
    for alias, name in _ALIASES.get(operation.name, {}).items():
        result = {alias: result[name], **result}
    return json_reply(result)

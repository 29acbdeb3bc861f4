"""The direct routes `GET /<operation>?<parameters>`: small questions answered within the request, without the queue.

They compute on the API's own mapped data, with the very function that a job would run. Operations whose name is the path
of another route give way to it.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask, Response, request
from pydantic import TypeAdapter

from lib.context import Content, Recorder, made, running
from lib.errors import InvalidParameters, JobsError
from lib.operations import Catalog, Operation, run
from services.api import kinds
from services.api.backend import backend
from services.api.contract import Answer, contract
from services.api.drawing import drawing
from services.api.forms import CSV, GEOJSON, JSON, PNG, SVG, in_best_form, plain_type
from services.api.problems import Problem
from services.api.replies import file_reply, json_reply
from services.api.shapes import JsonValue
from services.api.tables import csv_of
from services.api.tokens import Role

logger = logging.getLogger("trafficjobs.api")

FORMS = (JSON, PNG, SVG, CSV, GEOJSON)
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

    lists = _list_fields(operation)

    @contract(
        role=Role.VIEW,
        tag="Direct",
        query=operation.params_model,
        takes=("Accept",),
        answers={200: Answer("The result in the form that Accept prefers.", result_shape(operation), media=FORMS)},
        problems=(*problems, kinds.OPERATION_FAILED, kinds.NOT_ACCEPTABLE, kinds.TOO_MANY_PICTURES),
        redis=operation.needs_data,
    )
    def view() -> Response:
        return _answer(operation, _parameters(operation, lists))

    view.__doc__ = operation.doc
    return view


def result_shape(operation: Operation) -> Any:
    """What the operation says that it returns; any JSON where it says nothing that can be described."""
    try:
        described = operation.returns is not None and TypeAdapter(operation.returns).json_schema()
    except Exception:  # whatever a user's annotation may raise
        described = False
    return operation.returns if described else JsonValue


def _parameters(operation: Operation, lists: frozenset[str]) -> dict[str, Any]:
    """The query string as parameters; a name that stands there several times is a list."""
    given = {name: values if len(values) > 1 or name in lists else values[0] for name, values in request.args.lists()}
    try:
        return operation.validate(given, coerce=True)
    except InvalidParameters as error:
        raise error.at_top() from None


def _list_fields(operation: Operation) -> frozenset[str]:
    """Parameters that are a list, even where one value stands for it."""
    fields = operation.json_schema().get("properties", {})
    kinds_of = {name: {kind.get("type") for kind in field.get("anyOf", [field])} for name, field in fields.items()}
    return frozenset(name for name, types in kinds_of.items() if "array" in types and "string" not in types)


def _answer(operation: Operation, params: dict[str, Any]) -> Response:
    frame = backend().frame() if operation.needs_data else None
    with running(_Offers()) as offered:
        try:
            result = run(operation, params, frame)
        except JobsError:
            raise
        except Exception as error:
            # What a job would show as its error; the traceback is for the log.
            logger.warning("The operation %s failed in a direct route", operation.name, exc_info=error)
            raise Problem(kinds.OPERATION_FAILED, f"{type(error).__name__}: {error}") from error
        return _in_best_form(operation, result, offered)


def _in_best_form(operation: Operation, result: Any, offered: "_Offers") -> Response:
    """The result as JSON or CSV, or a file it made, which is made now. One that the result names goes before all else."""
    named = offered.types.get(str(result.get("file"))) if isinstance(result, dict) else None

    def file(kind: str) -> Response:
        with drawing():
            return file_reply(made(offered.by_type[kind]), kind)

    def as_json() -> Response:
        aliases = {alias: result[name] for alias, name in _ALIASES.get(operation.name, {}).items()}
        return json_reply({**aliases, **result} if aliases else result)

    return in_best_form(
        operation.name,
        as_json,
        {kind: partial(file, kind) for kind in sorted(offered.by_type, key=lambda kind: kind != named)},
        partial(csv_of, result, operation),
        files_first=named is not None,
    )


class _Offers(Recorder):
    """Keeps of every type the first file, as what makes it, and the type of every name."""

    def __init__(self) -> None:
        super().__init__()
        self.by_type: dict[str, Content] = {}
        self.types: dict[str, str] = {}

    def save_file(self, name: str, data: Content, content_type: str) -> None:
        self.types[name] = plain_type(content_type)
        self.by_type.setdefault(self.types[name], data)

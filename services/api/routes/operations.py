"""`/operations` and `/templates`: what a job can do, with the schema and a ready body of each. No Redis is needed."""

from typing import Any

from flask import Blueprint, Response, url_for

from lib.errors import UnknownOperation
from lib.operations import Operation
from services.api.backend import backend
from services.api.contract import Answer, contract
from services.api.kinds import NOT_FOUND
from services.api.problems import Problem
from services.api.replies import json_reply
from services.api.shapes import OperationRecord, Operations, Template
from services.api.tokens import Role

blueprint = Blueprint("operations", __name__)


@blueprint.get("/operations")
@contract(role=Role.VIEW, tag="Operations", answers={200: Answer("The operations.", Operations)}, validated=True, redis=False)
def index() -> Response:
    """Every operation that is offered."""
    catalog = backend().catalog
    return json_reply({"operations": [_brief(catalog.get(name)) for name in catalog.names()]})


@blueprint.get("/operations/<name>")
@contract(
    role=Role.VIEW,
    tag="Operations",
    answers={200: Answer("The operation.", OperationRecord)},
    problems=(NOT_FOUND,),
    validated=True,
    redis=False,
)
def get(name: str) -> Response:
    """One operation, with the JSON Schema of its parameters."""
    found = known_operation(name)
    about = {"description": found.doc, "timeout": found.timeout, "schema": found.json_schema(), "template": found.template()}
    return json_reply(_brief(found) | about)


def known_operation(name: str) -> Operation:
    """The operation of that name. Raises Problem where there is none."""
    try:
        return backend().catalog.get(name)
    except UnknownOperation as error:
        raise Problem(NOT_FOUND, error.message[:1].upper() + error.message[1:], "name") from None


def _brief(operation: Operation) -> dict[str, Any]:
    return {
        "name": operation.name,
        "title": operation.title,
        "summary": operation.summary,
        "url": url_for("operations.get", name=operation.name),
    }


@blueprint.get("/templates")
@contract(
    role=Role.VIEW,
    tag="Operations",
    answers={200: Answer("A body by the name of its operation.", dict[str, Template])},
    validated=True,
    redis=False,
)
def templates() -> Response:
    """A body for POST /jobs that works as it stands, for every operation that is offered."""
    return json_reply(backend().catalog.templates())

"""What a job's body asks for, in every spelling in use: ours, the course's, and that of whole jobs on a HotQueue.

Called at submit by the API and at adoption of foreign records. Nothing is guessed: a body that fits no spelling raises.
"""

from typing import Any

from lib.errors import InvalidInput

DEFAULT_OPERATION = "describe"  # of {"start", "end"}
DATE_OPERATION = "incident_count_by_date"  # of {"date"}


def operation_of(body: Any) -> tuple[str, dict[str, Any]]:
    """The operation and parameters that a submitted JSON body names.

    `{"operation", "params"}`; `{"start", "end"}` is describe; `{"date"}` is incident_count_by_date.

    Raises: InvalidInput naming the field.
    """
    if not isinstance(body, dict):
        raise InvalidInput("", 'must be a JSON object such as {"operation": "top_locations", "params": {"n": 5}}')
    params = body.get("params", {})
    if "operation" in body:
        operation = body["operation"]
        if not isinstance(operation, str) or not operation:
            raise InvalidInput("operation", "must be the name of an operation; GET /operations lists them")
        if params is None:
            params = {}
        if not isinstance(params, dict):
            raise InvalidInput("params", 'must be an object of parameters such as {"n": 5}')
        return operation, params
    if "start" in body or "end" in body:
        return DEFAULT_OPERATION, {name: body[name] for name in ("start", "end") if body.get(name) is not None}
    if "date" in body:
        return DATE_OPERATION, {"date": body["date"]}
    raise InvalidInput("operation", "is missing; GET /operations lists the operations, GET /templates has ready bodies")


def operation_of_message(message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The operation and parameters of a whole job put on a HotQueue: `{"type", "params"}`, `{"type", <parameter>: ...}`, or a
    body as `operation_of` takes it. Raises InvalidInput."""
    if "type" not in message:
        return operation_of(message)
    params = message["params"] if "params" in message else {key: value for key, value in message.items() if key != "type"}
    if not isinstance(message["type"], str) or not isinstance(params, dict):
        raise InvalidInput("type", "must be the name of an operation, with an object of parameters")
    return message["type"], params

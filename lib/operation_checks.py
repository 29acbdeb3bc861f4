"""Checks of an operation as it is registered, so that no mistake in a decorator shows only when somebody submits a job.

Called by `lib.operations.operation` for built-in operations and for those of the operator. It changes nothing.
"""

import json
from typing import TYPE_CHECKING

from pydantic import BaseModel

if TYPE_CHECKING:
    from lib.operations import Operation


def check(made: "Operation") -> None:
    """Look at limits, parameters, defaults and the example of an operation.

    Raises:
        TypeError, ValueError: with the argument of `@operation`, or the parameter, and what would be right.
    """
    for name, value in (("memory_limit", made.memory_limit), ("concurrency", made.concurrency)):
        if value is not None and (type(value) is not int or value < 1):
            raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}")
    if made.timeout is not None and (type(made.timeout) not in (int, float) or not 0 < made.timeout < float("inf")):
        raise ValueError(f"timeout must be a number of seconds above 0, not {made.timeout!r}")
    if not _is_model(made.params_model):
        raise TypeError(f"params must be a class derived from lib.operations.Params, not {made.params_model!r}")
    made.signature.check(made.params_model)
    try:
        json.dumps(made.json_schema())
    except Exception as error:
        raise TypeError(f"its parameters have no JSON Schema: {error}") from error
    if made.example or not any(field.is_required() for field in made.params_model.model_fields.values()):
        made.validate(made.example)  # its defaults are checked with it
        json.dumps(made.template())


def _is_model(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)

"""Typed parameters of operations: the base model, models made from a signature, and errors that say what would be right.

`lib.operations` calls it for every submitted job. It is pure and keeps no state.
"""

import difflib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import ErrorDetails

from lib.errors import InvalidInput, InvalidParameters

Model = TypeVar("Model", bound=BaseModel)
# What a value of the wrong type should have been, by pydantic's name of the error.
_WANTED = {
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "a string",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "dict_type": "an object",
    "finite_number": "a finite number",
}


class Params(BaseModel):
    """Base of every parameter model: unknown names are errors, text is stripped nowhere, defaults are checked too."""

    model_config = ConfigDict(extra="forbid", validate_default=True, allow_inf_nan=False, use_attribute_docstrings=True)


class _Made(Params):
    """Base of models made from a signature. They stand in no source; to find that out takes pydantic a tenth of a second."""

    model_config = ConfigDict(use_attribute_docstrings=False)


class NoParams(Params):
    """The model of an operation without parameters."""


@dataclass(frozen=True)
class Signature:
    """What a function takes by name: parameters of its own, and groups, which stand for the fields of a model."""

    own: frozenset[str]
    required: frozenset[str]
    """Those of its own that have no default."""
    groups: Mapping[str, type[BaseModel]]
    """Name of the parameter -> a model derived from `Params`, such as `lib.filters.Filters`."""

    @classmethod
    def of(cls, function: Callable[..., Any], skip_first: bool) -> Self:
        """A function's signature; `skip_first` leaves out the frame. Annotations that cannot be resolved are no groups."""
        try:
            hints = get_type_hints(function)
        except NameError:
            hints = {}
        given = {each.name: each for each in list(inspect.signature(function).parameters.values())[1 if skip_first else 0 :]}
        groups = {name: kind for name, kind in hints.items() if name in given and _is_group(kind)}
        own = frozenset(given) - groups.keys()
        return cls(own, frozenset(name for name in own if given[name].default is inspect.Parameter.empty), groups)

    def check(self, model: type[BaseModel]) -> None:
        """Raise TypeError where the model has a field that the function cannot take, or lacks one that it must be given."""
        for name in sorted(self.required - model.model_fields.keys()):
            raise TypeError(f"the function must be given {name!r}, which its parameters do not have")
        grouped = {name for group in self.groups.values() for name in group.model_fields}
        for name in model.model_fields:
            if name not in self.own and name not in grouped:
                raise TypeError(f"its parameters have {name!r}, and the function takes no argument of that name")
        for group in self.groups.values():
            for name in group.model_fields.keys() - model.model_fields.keys():
                raise TypeError(f"the function takes {group.__name__}, and its parameters have no {name!r}; derive them from it")

    def arguments(self, filled: BaseModel) -> dict[str, Any]:
        """The arguments by name: a field goes to the parameter of its name, else to the groups that have it."""
        values = {name: getattr(filled, name) for name in type(filled).model_fields}
        grouped = {
            parameter: group.model_construct(**{name: values[name] for name in group.model_fields if name not in self.own})
            for parameter, group in self.groups.items()
        }
        return {name: value for name, value in values.items() if name in self.own} | grouped


def _is_group(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Params)


def model_of(function: Callable[..., Any], skip_first: bool) -> type[BaseModel]:
    """A parameter model from an annotated signature; `skip_first` leaves out the frame.

    A parameter annotated with a model derived from `Params` stands for the fields of that model.

    Raises:
        TypeError: a parameter has no annotation, or the function takes *args or **kwargs.
    """
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    groups: list[type[BaseModel]] = []
    for parameter in list(inspect.signature(function).parameters.values())[1 if skip_first else 0 :]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{function.__name__}: parameter {parameter} cannot be given by name; list the parameters one by one")
        if parameter.name not in hints:
            raise TypeError(
                f"{function.__name__}: parameter {parameter.name!r} needs a type annotation, such as {parameter.name}: int"
            )
        if _is_group(hints[parameter.name]):
            groups.append(hints[parameter.name])
            continue
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    own = create_model(f"{function.__name__}_params", __base__=_Made, **fields)
    if not groups:
        return own
    # Of several bases pydantic puts the last one's fields first; a field of the function's own stands for a group's.
    shared = {name: field for name, field in fields.items() if any(name in group.model_fields for group in groups)}
    return create_model(own.__name__, __base__=(*groups[::-1], own), **shared)


def parse(model: type[Model], params: Mapping[str, Any] | None, coerce: bool) -> Model:
    """The model filled from `params`. Strict as JSON is: "5" is no number, unless `coerce` (query strings) says so."""
    given = {} if params is None else params
    if not isinstance(given, Mapping):
        raise InvalidParameters([("params", f"must be an object with the parameters, not {_shown(given)}")])
    try:
        if coerce:
            return model.model_validate(dict(given), strict=False)
        return strictly(model, given)
    except ValidationError as error:
        raise InvalidParameters([_problem(model, each) for each in error.errors(include_url=False)]) from None
    except (TypeError, ValueError) as error:
        raise InvalidParameters([("params", f"must be plain JSON: {error}")]) from None


def strictly(model: type[Model], given: Mapping[str, Any]) -> Model:
    """The model filled as JSON means it: "5" is no number, and 5.0 is the whole number 5. Raises pydantic's ValidationError."""
    try:
        return model.model_validate_json(json.dumps(dict(given)), strict=True)
    except ValidationError as error:
        whole = (each["type"] == "int_type" and isinstance(each["input"], float) for each in error.errors(include_url=False))
        if not any(whole):
            raise
    return model.model_validate_json(json.dumps(_with_whole_numbers(dict(given))), strict=True)


def _with_whole_numbers(value: Any) -> Any:
    """Floats without a fraction as integers; a field that wants a float takes both."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {name: _with_whole_numbers(each) for name, each in value.items()}
    return [_with_whole_numbers(each) for each in value] if isinstance(value, list) else value


def _problem(model: type[BaseModel], error: ErrorDetails) -> tuple[str, str]:
    place = [str(part) for part in error["loc"]]
    field = ".".join(["params", *place])
    kind = error["type"]
    if kind == "missing":
        return field, "is required"
    if kind == "extra_forbidden":
        known = list(model.model_fields)
        hint = did_you_mean(place[-1], known)
        return field, f"is not a parameter of this operation{hint}; it takes {', '.join(known) or 'none'}"
    if kind in _WANTED:
        return field, f"must be {_WANTED[kind]}, not {_shown(error['input'])}"
    if kind == "literal_error":
        return field, f"must be one of {error['ctx']['expected'].replace(' or ', ', ')}, not {_shown(error['input'])}"
    cause = error.get("ctx", {}).get("error")
    message = str(cause) if isinstance(cause, Exception) else error["msg"]
    if isinstance(cause, InvalidInput):
        message = cause.message
    return field, message.replace("Input should", "should", 1)


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    return f"the string {text}" if isinstance(value, str) else text


def did_you_mean(name: str, known: list[str]) -> str:
    """` (did you mean "x"?)`, or nothing when no known name is near."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f' (did you mean "{near[0]}"?)' if near else ""

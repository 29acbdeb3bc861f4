"""From the JSON Schema of an operation's parameters to the fields of a form, and from a filled form back to parameters.

Pure. A field left empty is left out, so that the operation's default holds. What cannot be read as its type goes on as the text
that was typed: the operation's own check then says what would be right, in the words that the API uses.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

_SHORT = 80  # characters from which a text gets a larger field
_NUMBERS = {"integer": int, "number": float}


@dataclass(frozen=True)
class Field:
    """One field of a form.

    Args:
        kind: text, long, number, date, choice, flag, list, numbers or json; the template has a control for each.
        value: as it stands in the control.
        about: attributes of the control, such as min and max.
        error: what is wrong with it.
    """

    name: str
    kind: str
    description: str
    required: bool
    default: str
    value: str = ""
    choices: list[str] = field(default_factory=list)
    about: dict[str, Any] = field(default_factory=dict)
    error: str = ""

    @property
    def optional_choices(self) -> list[str]:
        """The choices of a field that may be left alone have an empty one in front."""
        return self.choices if self.required else ["", *self.choices]


def fields_of(schema: Mapping[str, Any], values: Mapping[str, Any], errors: Mapping[str, str]) -> list[Field]:
    """The fields in the order of the schema, those that must be filled first.

    Args:
        values: parameters, or what was typed where that was no parameter.
        errors: messages by the name of the field.
    """
    required = set(schema.get("required", ()))
    made = []
    for name, about in schema.get("properties", {}).items():
        plain, kind = _kind(about, schema.get("$defs", {}))
        limits = {"min": plain.get("minimum"), "max": plain.get("maximum"), "maxlength": plain.get("maxLength")}
        if kind == "number":
            limits["step"] = 1 if plain.get("type") == "integer" else "any"
        made.append(
            Field(
                name,
                kind,
                about.get("description", ""),
                name in required,
                typed(about.get("default"), kind),
                typed(values.get(name), kind),
                [str(each).lower() if isinstance(each, bool) else str(each) for each in _choices(plain)],
                {attribute: limit for attribute, limit in limits.items() if limit is not None},
                errors.get(name, ""),
            )
        )
    return sorted(made, key=lambda each: not each.required)


def of_params(errors: Mapping[str, str]) -> dict[str, str]:
    """Of the errors of a body those of its parameters, by the names of their fields."""
    return {name.removeprefix("params."): message for name, message in errors.items() if name.startswith("params.")}


def params_of(schema: Mapping[str, Any], form: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that a filled form gives: those of its fields that are not empty."""
    given = {}
    for name, about in schema.get("properties", {}).items():
        text = form.get(f"params.{name}", "")
        if text.strip():
            plain, kind = _kind(about, schema.get("$defs", {}))
            given[name] = _read(text, kind, plain)
    return given


def typed(value: Any, kind: str) -> str:
    """A value as it stands in a control."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if kind in ("list", "numbers") and isinstance(value, list | tuple):
        return ("\n" if kind == "list" else ", ").join(typed(each, "") for each in value)
    return orjson.dumps(value).decode()


def _kind(about: Mapping[str, Any], definitions: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The part of a field's schema that counts, and its kind. One that also takes null is taken without it."""
    if "$ref" in about:
        about = definitions.get(str(about["$ref"]).rpartition("/")[2], {})
    variants = [each for each in about.get("anyOf", [about]) if each.get("type") != "null"]
    types = {each.get("type") for each in variants}
    if len(variants) == 2 and types == {"string", "array"}:
        return next(each for each in variants if each["type"] == "array"), "list"
    if len(variants) != 1:
        return about, "json"
    return variants[0], _plain_kind(variants[0])


def _plain_kind(about: Mapping[str, Any]) -> str:
    kind = about.get("type")
    if "enum" in about or "const" in about or kind == "boolean":
        return "flag" if kind == "boolean" else "choice"
    if kind in _NUMBERS:
        return "number"
    if kind == "array":
        numbers = [*about.get("prefixItems", []), *([about["items"]] if isinstance(about.get("items"), dict) else [])]
        if numbers and all(each.get("type") in _NUMBERS for each in numbers):
            return "numbers"
        return "list" if about.get("items", {}).get("type") == "string" else "json"
    if kind != "string":
        return "json"
    if about.get("format") == "date":
        return "date"
    return "long" if about.get("maxLength", _SHORT) > 1_000 else "text"


def _choices(about: Mapping[str, Any]) -> list[Any]:
    if about.get("type") == "boolean":
        return [True, False]
    return list(about.get("enum", [about["const"]] if "const" in about else []))


def _read(text: str, kind: str, about: Mapping[str, Any]) -> Any:
    """What was typed as its type; as it is where it cannot be."""
    if kind == "list":
        return [line.strip() for line in text.splitlines() if line.strip()]
    if kind == "numbers":
        return [_number(part) for part in text.replace(",", " ").split()]
    if kind == "number":
        return _number(text.strip())
    if kind in ("json", "flag"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            return text
    if kind == "choice":
        return next((each for each in _choices(about) if str(each) == text), text)
    return text.strip() if kind == "date" else text.replace("\r\n", "\n")


def _number(text: str) -> Any:
    """An integer that JSON's readers would not take as one is a float, as it is in a body."""
    for read in _NUMBERS.values():
        try:
            number = read(text)
        except ValueError:
            continue
        if isinstance(number, float) or -(2**63) <= number < 2**64:
            return number
    return text

"""Parameters of a job as one types them: `-p name=value`, read by the JSON Schema of the operation.

`n=5` is a number where the schema wants one and text where it wants text. Whatever fits no type of the schema is sent as
text, so that the service can say what would be right. Pure functions.
"""

import json
from typing import Any

from trafficjobs.errors import Invalid

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def parsed(given: list[str], schema: dict[str, Any]) -> dict[str, Any]:
    """The parameters that `name=value` pairs mean. A name that stands twice is a list. Raises Invalid."""
    known: dict[str, Any] = schema.get("properties", {})
    texts: dict[str, list[str]] = {}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals or not name.strip():
            raise Invalid(f"-p takes name=value, not {pair!r}.")
        texts.setdefault(name.strip(), []).append(text)
    return {name: _value(values, known.get(name, {}), schema) for name, values in texts.items()}


def json_object(text: str, what: str) -> dict[str, Any]:
    """A JSON object that was typed. Raises Invalid."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise Invalid(f"{what} is not JSON: {error}.") from None
    if not isinstance(value, dict):
        raise Invalid(f"{what} must be a JSON object.")
    return value


def _value(texts: list[str], schema: dict[str, Any], root: dict[str, Any]) -> Any:
    kinds = _kinds(schema, root)
    items = next((kind.get("items", {}) for kind in kinds if kind.get("type") == "array"), None)
    if items is None and len(texts) == 1:
        return _scalar(texts[0], kinds)
    if len(texts) == 1 and texts[0].lstrip().startswith("["):
        return _json_or_text(texts[0], list)
    return [_scalar(text, _kinds(items or {}, root)) for text in texts]


def _kinds(schema: dict[str, Any], root: dict[str, Any]) -> list[dict[str, Any]]:
    """The alternatives that a schema allows, references and unions resolved."""
    while "$ref" in schema:
        schema = root.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2], {})
    for name in ("anyOf", "oneOf"):
        if name in schema:
            return [kind for one in schema[name] for kind in _kinds(one, root)]
    if isinstance(types := schema.get("type"), list):
        return [{**schema, "type": one} for one in types]
    return [schema]


def _scalar(text: str, kinds: list[dict[str, Any]]) -> Any:
    types = {kind.get("type") for kind in kinds}
    if "string" in types and not (text == "null" and "null" in types):
        return text
    for kind, wanted in (("integer", int), ("number", float)):
        if kind in types:
            try:
                return wanted(text)
            except ValueError:
                pass
    if "boolean" in types and text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if "null" in types and text in ("", "null"):
        return None
    return _json_or_text(text, dict) if "object" in types else text


def _json_or_text(text: str, wanted: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, wanted) else text

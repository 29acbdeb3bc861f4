"""Collects the schemas of an OpenAPI document: each type once, under its name, in `components`."""

from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter
from typing_extensions import is_typeddict

from lib.operations import Operation

Schema = dict[str, Any]
_PLACE = "#/components/schemas/"


class Schemas:
    """The schemas of one document; `components` grows with every type that is asked for."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}
        self._known: dict[tuple[Any, str, str], Schema] = {}

    def of(self, shape: Any) -> Schema:
        """The schema of a type that is answered; a reference where the type has a name."""
        schema = self._made(shape, "serialization")
        if is_typeddict(shape):
            return self.add(shape.__name__, schema)
        return schema

    def fields(self, model: type[BaseModel], prefix: str = "") -> dict[str, Schema]:
        """The schemas of the fields of a model that is asked for, each without the title that pydantic makes of its name."""
        properties = self._made(model, "validation", prefix).get("properties", {})
        return {name: {key: value for key, value in schema.items() if key != "title"} for name, schema in properties.items()}

    def of_body(self, model: type[BaseModel]) -> Schema:
        """A reference to the schema of a model that a body fills."""
        return self.add(model.__name__, self._made(model, "validation"))

    def of_operation(self, operation: Operation) -> Schema:
        """A reference to the schema of an operation's parameters. Names within it are the operation's own."""
        try:
            schema = self._made(operation.params_model, "validation", f"{operation.name}.")
            schema.pop("title", None)  # of a class, which several operations may share; generators make names of titles
        except Exception:  # a user's type that has no schema; its jobs are checked all the same
            schema = {"type": "object", "description": "These parameters cannot be described."}
        return self.add(f"{operation.name}_params", schema)

    def add(self, name: str, schema: Schema) -> Schema:
        """Take a schema up under a name; the reference to it."""
        self.components[name] = schema
        return {"$ref": _PLACE + name}

    def _made(self, shape: Any, mode: Literal["validation", "serialization"], prefix: str = "") -> Schema:
        if (shape, mode, prefix) not in self._known:
            schema = TypeAdapter(shape).json_schema(mode=mode, ref_template=f"{_PLACE}{prefix}{{model}}")
            self.components |= {prefix + name: part for name, part in schema.pop("$defs", {}).items()}
            self._known[shape, mode, prefix] = schema
        return dict(self._known[shape, mode, prefix])

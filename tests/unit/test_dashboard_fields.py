"""Forms from JSON Schema and back: what is typed arrives as the type that the operation takes, or as it was typed."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field as PydanticField

from lib.operations import load_catalog
from lib.parameters import Params
from services.api.dashboard.fields import Field, fields_of, params_of

CATALOG = load_catalog()


def sent(fields: list[Field]) -> dict[str, str]:
    """What a browser sends of a form that nobody has touched; it ends lines with CR and LF."""
    return {f"params.{field.name}": field.value.replace("\n", "\r\n") for field in fields}


@pytest.mark.parametrize("name", CATALOG.names())
def test_every_operation_has_a_form_that_gives_back_its_example(name: str) -> None:
    operation = CATALOG.get(name)
    schema = operation.json_schema()
    fields = fields_of(schema, operation.example, {})
    assert {field.name for field in fields} == set(schema.get("properties", {}))
    assert "json" not in {field.kind for field in fields}, "a field that nobody can fill by hand"
    given = params_of(schema, sent(fields))
    assert operation.validate(given) == operation.validate(operation.example)


class Every(Params):
    whole: int = PydanticField(ge=1, le=9)
    number: float | None = None
    flag: bool = False
    choice: Literal["a", "b"] = "a"
    level: Literal[1, 2] = 1
    text: Annotated[str, PydanticField(max_length=20)] = ""
    long: Annotated[str, PydanticField(max_length=5_000)] = ""
    names: list[str] | None = None
    one_or_many: str | list[str] | None = None
    box: tuple[float, float] | None = None
    anything: dict[str, Any] | None = None


def read(**typed: str) -> dict[str, Any]:
    return params_of(Every.model_json_schema(), {f"params.{name}": text for name, text in typed.items()})


def test_each_kind_of_field() -> None:
    kinds = {field.name: field.kind for field in fields_of(Every.model_json_schema(), {}, {})}
    assert kinds == {
        **{"whole": "number", "number": "number", "flag": "flag", "choice": "choice", "level": "choice", "text": "text"},
        **{"long": "long", "names": "list", "one_or_many": "list", "box": "numbers", "anything": "json"},
    }
    whole = fields_of(Every.model_json_schema(), {}, {})[0]
    assert (whole.name, whole.required, whole.about) == ("whole", True, {"min": 1, "max": 9, "step": 1})


@pytest.mark.parametrize(
    ("typed", "read_as"),
    [
        ({"whole": " 7 "}, {"whole": 7}),
        ({"whole": "7.5"}, {"whole": 7.5}),
        ({"whole": "seven"}, {"whole": "seven"}),
        ({"number": "1e3"}, {"number": 1000.0}),
        ({"flag": "true"}, {"flag": True}),
        ({"flag": "false"}, {"flag": False}),
        ({"flag": "maybe"}, {"flag": "maybe"}),
        ({"choice": "b"}, {"choice": "b"}),
        ({"level": "2"}, {"level": 2}),
        ({"level": "3"}, {"level": "3"}),
        ({"text": " kept as it is "}, {"text": " kept as it is "}),
        ({"long": "two\r\nlines"}, {"long": "two\nlines"}),
        ({"names": " a \r\n\r\n b "}, {"names": ["a", "b"]}),
        ({"one_or_many": "only one"}, {"one_or_many": ["only one"]}),
        ({"box": "1, 2.5"}, {"box": [1, 2.5]}),
        ({"box": "1 x"}, {"box": [1, "x"]}),
        ({"anything": '{"a": [1]}'}, {"anything": {"a": [1]}}),
        ({"anything": "{"}, {"anything": "{"}),
        ({"text": "", "names": " \r\n ", "number": " "}, {}),
        ({"unknown": "x"}, {}),
    ],
)
def test_what_is_typed_is_read_as_its_type_or_left_as_it_is(typed: dict[str, str], read_as: dict[str, Any]) -> None:
    assert read(**typed) == read_as


def test_what_was_typed_stands_there_again_with_its_error() -> None:
    fields = {
        each.name: each for each in fields_of(Every.model_json_schema(), read(whole="seven"), {"whole": "must be a number"})
    }
    assert (fields["whole"].value, fields["whole"].error) == ("seven", "must be a number")

"""docs/operations.md, made from the operations, which are run on the sample of the demonstration."""

import json
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pandas as pd

from lib import incidents
from lib.filters import Filters
from lib.operations import Operation, load_catalog, run
from tools.make_sample import make_sample, write

ROWS = 20_000  # of the sample that `make demo` loads, too
LONGEST = 140  # characters of a part of an answer

_HEAD = """# Operations

What a job can compute. Each is a job (`POST /jobs` with the body shown), a direct route (`GET`, answered at once) and a plain
function: `from lib.analysis import top_locations`. `GET /operations` lists them with the JSON Schema of their parameters, and
those of [your own](your-own-operation.md) beside them. Days and hours are local; [data.md](data.md) says why that matters.

A result is JSON. `Accept` picks another form of it where there is one: `text/csv` of whatever is a table, `image/png` and
`image/svg+xml` of what has a picture ([pictures.md](pictures.md) shows them), `application/geo+json` of what lies on a map. A job
keeps its picture in both forms unless `pictures` says otherwise; a direct route draws it only when asked.

Each body below stands above its answer, long parts of it cut, on the invented sample that `make demo` loads.

## Filters

These parameters are shared: operations that take them say so below. What is left out leaves nothing out, and all that is given
must hold. A period without data gives an empty answer.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, *_table(Filters.model_json_schema(), set(Filters.model_fields))]
    sample = _sample()
    for operation in load_catalog():
        if not operation.hidden:
            parts += _section(operation, sample)
    return "\n".join(parts) + "\n"


def _sample() -> pd.DataFrame:
    """The invented incidents that the answers shown are about."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sample.csv"
        write(make_sample(ROWS, seed=1), path)
        return incidents.load(path)


def _section(operation: Operation, sample: pd.DataFrame) -> list[str]:
    schema = operation.json_schema()
    fields = set(schema.get("properties", {}))
    own = [name for name in schema.get("properties", {}) if name not in Filters.model_fields or name in operation.signature.own]
    shared = [name for name in Filters.model_fields if name in fields and name not in own]
    lines = ["", f"## {operation.name}", "", operation.doc]
    if own:
        lines += ["", *_table(schema, own)]
    if shared:
        everything = len(shared) == len(Filters.model_fields)
        lines += ["", "Filters: all." if everything else f"Filters: {', '.join(f'`{name}`' for name in shared)}."]
    lines += ["", "```json", json.dumps(operation.template()), "```"]
    lines += ["", "```text", *_answer(run(operation, operation.example, sample)), "```"]
    if operation.direct:
        question = urlencode(operation.example, doseq=True)
        lines += ["", f"`GET /{operation.name}{'?' if question else ''}{question}`"]
    return lines


def _answer(result: dict[str, Any]) -> list[str]:
    """A result, a line for each of its parts, cut where it is long."""
    lines = []
    for name, value in result.items():
        text = json.dumps(value)
        lines.append(f'  "{name}": {text if len(text) <= LONGEST else f"{text[:LONGEST]}..."}')
    return ["{", *(f"{line}," for line in lines[:-1]), lines[-1], "}"]


def _table(schema: dict[str, Any], names: Any) -> list[str]:
    """A table row for each of these parameters, in the order of the schema."""
    required = schema.get("required", [])
    lines = ["| parameter | type | default | what it is |", "|---|---|---|---|"]
    for name, field in schema["properties"].items():
        if name in names:
            default = (
                "required"
                if name in required
                else f"`{json.dumps(field['default'])}`"
                if field.get("default") is not None
                else ""
            )
            lines.append(f"| `{name}` | {_type(field)} | {default} | {field.get('description', '')} |")
    return lines


def _type(field: dict[str, Any]) -> str:
    """A type in words, with its bounds."""
    if "anyOf" in field:
        return " or ".join(_type(each) for each in field["anyOf"] if each.get("type") != "null")
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if field.get("type") == "array":
        items = field.get("items")
        inner = f"{len(field['prefixItems'])} numbers" if "prefixItems" in field else _type(items) if items else "anything"
        return f"list of {inner}"
    if field.get("format") == "date":
        return "day"
    low = field.get("minimum", field.get("exclusiveMinimum"))
    bounds = (
        f" {'from' if 'minimum' in field else 'above'} {low:g} to {field['maximum']:g}"
        if low is not None and "maximum" in field
        else ""
    )
    return str({"string": "text", "integer": "whole number"}.get(field.get("type", ""), field.get("type", "anything"))) + bounds

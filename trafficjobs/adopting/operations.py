"""From a function's name and arguments, as another queue stores them, to the body of a job of the service."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any


class Stays(Exception):
    """An entry cannot be moved; the text says why, and what would help."""


@dataclass(frozen=True)
class Waiting:
    """One entry of the source.

    Args:
        key: of the list or sorted set in which it stands.
        entry: its bytes there.
        about: what it is, for people.
        id: of the job that it becomes; None where the source gives it none.
        body: of that job, as POST /jobs takes it; None where it stays.
        why: it stays; "" where it does not.
        due: when it is to run, seconds since 1970; None for now.
        record: key of its record in the source, which goes with it.
    """

    key: bytes
    entry: bytes
    about: str
    id: str | None = None
    body: Mapping[str, Any] | None = None
    why: str = ""
    due: float | None = None
    record: str | None = None


class Operations:
    """The service's operations, and which functions of the source they are.

    Args:
        schema_of: the JSON Schema of an operation's parameters; None where there is no such operation. Asked once for each.
        mapping: operations by the names that the source has for them; by default the last part of a dotted name.
    """

    def __init__(self, schema_of: Callable[[str], Mapping[str, Any] | None], mapping: Mapping[str, str]) -> None:
        self._schema_of = cache(schema_of)
        self._mapping = mapping

    def body(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """`{"operation", "params"}` for a call. Raises Stays."""
        operation = self._mapping.get(name) or name.rpartition(".")[2]
        schema = self._schema_of(operation)
        if schema is None:
            raise Stays(f"there is no operation {operation!r}; register it, or say --map {name}=OPERATION")
        names = list(schema.get("properties", {}))
        if len(args) > len(names):
            raise Stays(f"{operation} takes {len(names)} parameters, and this has {len(args)} arguments")
        params = dict(zip(names, args, strict=False)) | dict(kwargs)
        if unknown := params.keys() - set(names):
            raise Stays(f"{operation} takes {', '.join(names) or 'nothing'}, and this has {', '.join(sorted(unknown))}")
        if missing := set(schema.get("required", ())) - params.keys():
            raise Stays(f"{operation} needs {', '.join(sorted(missing))}, which this has not")
        return {"operation": operation, "params": params}

"""Turns what operations return (numpy, pandas and Arrow values included) into what JSON can hold.

`lib.operations.run` calls it on every result. It is pure: a value that JSON cannot hold raises, naming its place, and
nothing is dropped in silence.
"""

import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lib.errors import JobsError


def jsonable(value: Any, where: str = "result") -> Any:
    """`value` as dict, list, str, int, float, bool or None; NaN, NaT, NA and infinities become None.

    Raises:
        JobsError: something in it has no JSON form, or two keys have the same one; the message says where it is.
    """
    if value is None or isinstance(value, bool | str | int):
        if isinstance(value, enum.Enum):
            return value.value
        if isinstance(value, int) and not -(2**63) <= value < 2**64:
            raise JobsError(
                f"{where} is an integer of more than 64 bits, which JSON readers cannot hold; make it a float or a string"
            )
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return _object(value.items(), where)
    if isinstance(value, list | tuple):
        return [jsonable(item, f"{where}[{index}]") for index, item in enumerate(value)]
    if isinstance(value, set | frozenset):
        return [jsonable(item, where) for item in sorted(value, key=lambda item: (str(type(item)), str(item)))]
    return _other(value, where)


def iso_utc(moment: datetime.datetime) -> str:
    """An instant in UTC as ISO 8601 with a Z, as all answers write it."""
    return moment.isoformat().replace("+00:00", "Z")


def _other(value: Any, where: str) -> Any:
    convert = _plain(value) or _foreign(value, where)
    if convert is None:
        raise JobsError(f"{where} is a {type(value).__module__}.{type(value).__qualname__}, which JSON cannot hold")
    return convert()


def _plain(value: Any) -> Callable[[], Any] | None:
    if isinstance(value, datetime.timedelta):
        return lambda: None if value != value else value.total_seconds()  # NaT is not equal to itself
    if isinstance(value, datetime.date | datetime.time):
        return lambda: None if value != value else value.isoformat()
    if isinstance(value, decimal.Decimal):
        return lambda: jsonable(float(value))
    if isinstance(value, uuid.UUID):
        return lambda: str(value)
    if isinstance(value, enum.Enum):
        return lambda: jsonable(value.value)
    return None


def _foreign(value: Any, where: str) -> Callable[[], Any] | None:
    """Converters of numpy, pandas and Arrow objects, found by their names so that importing this costs nothing."""
    kind, package = type(value).__name__, type(value).__module__.partition(".")[0]
    if package == "pandas" and kind in {"NAType", "NaTType"}:
        return lambda: None
    if package == "pandas" and kind == "DataFrame":
        return lambda: _rows(value, where)
    if package == "pandas" and kind == "Series":
        return lambda: _object(value.items(), where)
    if package in {"pandas", "numpy"} and hasattr(value, "tolist"):
        return lambda: jsonable(value.tolist())
    if package == "numpy" and hasattr(value, "item"):
        return lambda: jsonable(value.item())
    if package == "pyarrow" and hasattr(value, "to_pylist"):
        return lambda: jsonable(value.to_pylist())
    if package == "pyarrow" and hasattr(value, "as_py"):
        return lambda: jsonable(value.as_py())
    if package == "pandas" and hasattr(value, "to_pydatetime"):
        return lambda: value.isoformat()
    return None


def _object(items: Iterable[tuple[Any, Any]], where: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, item in items:
        name = _key(key, where)
        if name in made:
            raise _twice(where, name)
        made[name] = jsonable(item, f"{where}.{key}")
    return made


def _rows(frame: Any, where: str) -> Any:
    if not frame.columns.is_unique:
        raise _twice(where, str(frame.columns[frame.columns.duplicated()][0]))
    return jsonable(frame.to_dict("records"), where)


def _twice(where: str, name: str) -> JobsError:
    return JobsError(f"{where} has two keys that are {name[:80]!r} in JSON, and one would be lost; give them names that differ")


def _key(key: Any, where: str) -> str:
    """A JSON object's key: the text of the value, as json.dumps writes it for numbers and None."""
    if isinstance(key, str):
        return key
    plain = jsonable(key, f"a key of {where}")
    if plain is None or isinstance(plain, bool):
        return {None: "null", True: "true", False: "false"}[plain]
    return ", ".join(map(str, plain)) if isinstance(plain, list) else str(plain)

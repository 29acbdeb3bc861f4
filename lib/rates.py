"""Limits of an operation: how many of its jobs run at once, and how many start within a time.

Declared with the operation or set by OPERATION_LIMITS; kept in the record of each job at its submission.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

_RATE = re.compile(r"(\d{1,5})/(\d{0,5})(s|m|h|d)\Z")
_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
MOST_STARTS = 10_000  # of a rate: as many times are kept


@dataclass(frozen=True)
class Rate:
    """At most `starts` runs begin in any `seconds`."""

    starts: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """From `10/m`, `100/h` or `5/30s`. Raises ValueError."""
        match = _RATE.match(text)
        starts, seconds = (int(match[1]), int(match[2] or 1) * _UNITS[match[3]]) if match else (0, 0)
        if not 1 <= starts <= MOST_STARTS or not 1 <= seconds <= 86_400:
            raise ValueError(f"{text!r} is no rate such as 10/m, 100/h or 5/30s (1 to {MOST_STARTS:,} starts, at most a day)")
        return cls(starts, seconds)

    def __str__(self) -> str:
        return f"{self.starts}/{self.seconds:g}s"


def _rate(value: Any) -> Any:
    return Rate.parse(value) if isinstance(value, str) else value


class OperationLimit(BaseModel):
    """One entry of OPERATION_LIMITS."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    concurrency: int | None = Field(None, ge=1, le=10_000)
    rate: Annotated[Rate | None, BeforeValidator(_rate), PlainSerializer(str)] = None

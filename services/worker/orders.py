"""What the supervisor's threads tell each other: orders to end a run, verdicts on the dead, and reports for Redis."""

from dataclasses import dataclass, field
from typing import Any

from services.worker.marks import Mark


@dataclass(frozen=True)
class Verdict:
    """What is reported of a child that was killed by order; see `Jobs.bury`."""

    kind: str
    reason: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """A dead child, to be told to Redis. Its slot is free once it was."""

    slot: int
    child: str
    token: str
    verdict: Verdict


@dataclass
class Order:
    """End the run of `token`; dropped when no child has marked it for a while.

    Args:
        spares_results: leave it alone once the run is over and only its result is still to be told.
    """

    token: str
    verdict: Verdict
    until: float
    spares_results: bool = False

    def meets(self, mark: Mark | None) -> bool:
        """Whether what is marked there is to end."""
        return mark is not None and mark.token == self.token and not (self.spares_results and mark.ended)

"""What a check has found: one thing that is well or not, what was seen, and what to do about it."""

from collections.abc import Iterable
from dataclasses import dataclass

OK, UNKNOWN, WARNING, FAILED = STATUSES = ("ok", "unknown", "warning", "failed")


@dataclass(frozen=True)
class Finding:
    """`status` is one of STATUSES, from the best to the worst; `remedy` is empty where it is ok."""

    check: str
    status: str
    seen: str
    remedy: str = ""


def worst(findings: Iterable[Finding]) -> str:
    """The worst status among findings; ok where there are none."""
    return max((each.status for each in findings), key=STATUSES.index, default=OK)

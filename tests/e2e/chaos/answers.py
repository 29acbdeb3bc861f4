"""What requests to the API met: for how long it was away, and when it was back after a strike. Needs no cluster."""

import itertools
from dataclasses import dataclass

from tests.chaos.evidence import Fault

GOOD = 200
_SEEN_WITHIN = 90.0  # seconds after a strike in which what it causes is seen


@dataclass(frozen=True)
class Answer:
    """One request: when it began and was over, and the status or error it met."""

    began: float
    ended: float
    met: int | str


def longest_without(answers: list[Answer], since: float, until: float, good: bool) -> float:
    """The longest time in which no answer came, seconds; with `good`, none but refusals."""
    wanted = [each.ended for each in answers if (each.met == GOOD if good else isinstance(each.met, int))]
    moments = [since, *(at for at in wanted if since < at < until), until]
    return max(later - earlier for earlier, later in itertools.pairwise(moments))


def back_after(answers: list[Answer], faults: list[Fault], kinds: frozenset[str]) -> dict[str, list[float]]:
    """By kind of strike: seconds from each until requests were answered again for good; 0 where none was refused or lost.

    What comes after the next strike of these kinds is that one's.
    """
    struck = [fault for fault in faults if fault.kind in kinds]
    found: dict[str, list[float]] = {}
    for fault, following in zip(struck, [*(each.start for each in struck[1:]), float("inf")], strict=False):
        until = min(following, fault.start + _SEEN_WITHIN)
        bad = [each.began for each in answers if fault.start <= each.ended and each.began < until and each.met != GOOD]
        good = [each.ended for each in answers if each.met == GOOD and bad and each.began > max(bad)]
        seconds = min(good, default=until) - fault.start if bad else 0.0
        found.setdefault(fault.kind, []).append(seconds)
    return found

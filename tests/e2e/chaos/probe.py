"""What somebody in the cluster is answered, from beginning to end: for how long the API was away, and when it was back after a
strike. The pod that asks is a bystander, which nobody strikes."""

import itertools
import json
from dataclasses import dataclass

from tests.chaos.evidence import Fault
from tests.e2e.bystanders import SCRIPTS, Bystander, secret_env
from tests.e2e.cluster import kubectl
from tests.e2e.release import FULL, Release

GOOD = 200
_SEEN_WITHIN = 90.0  # seconds after a strike in which what it causes is seen


@dataclass(frozen=True)
class Answer:
    """One request: when it began and was over, and the status or error it met."""

    began: float
    ended: float
    met: int | str


class Probe:
    """A pod that asks from now on, and that can read the volume with the ledger.

    Args:
        claim, path: the volume, and where it is mounted.
    """

    def __init__(self, release: Release, claim: str, path: str) -> None:
        env = [{"name": "HOST", "value": f"{FULL}-api"}, secret_env("TOKEN", f"{FULL}-tokens", "view-token")]
        command = ["python", "-c", (SCRIPTS / "probe.py").read_text()]
        self._namespace = release.namespace
        self._pod = Bystander(release.cluster, release.namespace, "probe", env=env, command=command, claims={claim: path})

    def answers(self) -> list[Answer]:
        """Every request that was over by now, in the order of their ends."""
        lines = [json.loads(line) for line in self._pod.log().splitlines()]
        return sorted((Answer(began, began + took, met) for began, took, met in lines), key=lambda answer: answer.ended)

    def read(self, path: str) -> str:
        """A file of the volume."""
        return kubectl("-n", self._namespace, "exec", self._pod.name, "--", "cat", path, timeout=300)


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

"""Which pods, containers and nodes are struck when: a plan that a seed decides. Needs no cluster."""

import random
from dataclasses import dataclass

# How often each comes, beside the others. `nemesis` does them.
WEIGHTS = {
    "delete-worker": 4,  # as Kubernetes ends a pod
    "force-worker": 4,  # without any grace
    "kill-child": 3,  # the process that runs a job
    "kill-nursery": 2,  # its parent
    "kill-container": 2,  # all processes of a worker
    "delete-api": 2,
    "force-api": 2,
    "kill-gunicorn": 2,  # one of the processes that answer requests
    "kill-api": 1,  # all processes of the API's container
    "kill-upkeep": 2,
    "delete-redis": 2,  # its volume stays
    "drain-node": 2,  # cordoned, every pod of the release evicted, and open again after a while
}
AWAY_WITH_REDIS = frozenset({"delete-redis", "drain-node"})
REDIS_EVERY = 120.0  # seconds between two of these, at least
_FIRST = 8.0  # seconds of load before anything happens
_PAUSES = (5.0, 13.0)  # seconds between two strikes


@dataclass(frozen=True)
class Planned:
    """A strike to come. `at`: seconds from the start of the load, without those that strikes take themselves; `which`: 0 to 1,
    picks the pod or process."""

    at: float
    kind: str
    which: float

    def __str__(self) -> str:
        return f"{self.at:6.1f} s {self.kind} {self.which:.3f}"


def plan(seed: int, seconds: float, without: frozenset[str] = frozenset()) -> list[Planned]:
    """The strikes of a seed, in order. Nothing but the arguments decides them.

    Args:
        without: kinds that do not come.
    """
    dice = random.Random(seed)
    found: list[Planned] = []
    at, redis_from = _FIRST, _FIRST
    while at < seconds:
        possible = [kind for kind in WEIGHTS if kind not in without and (kind not in AWAY_WITH_REDIS or at >= redis_from)]
        (kind,) = dice.choices(possible, [WEIGHTS[kind] for kind in possible])
        if kind in AWAY_WITH_REDIS:
            redis_from = at + REDIS_EVERY
        found.append(Planned(at, kind, dice.random()))
        at += dice.uniform(*_PAUSES)
    return found

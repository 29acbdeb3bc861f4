"""Who is measured: the runner's list of contestants, of which it imports none, since they live in other environments.

Whoever adds a queue writes a file in bench/contestants, a group `bench-<peer>` in pyproject.toml, and a line here.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Entrant:
    """One contestant as the runner knows it.

    Args:
        name: in the tables.
        place: its class, `module:class` under bench.contestants.
        environment: name of its peer in requirements/bench-<peer>.txt; "" is the runner's own.
        packages: distributions whose versions are written down.
        share: part of the asked number of jobs that it drains: less for those that would take minutes. Rates stay comparable.
        at_once: jobs that two of its worker processes run at once.
        lanes: priorities and further queues whose latency is measured; "" is the plain one.
        peer: False for ours.
    """

    name: str
    place: str
    environment: str = ""
    packages: Sequence[str] = ()
    share: float = 1.0
    at_once: int = 2
    lanes: Sequence[str] = ("",)
    peer: bool = True


ENTRANTS = [
    Entrant("trafficjobs", "trafficjobs:Trafficjobs", lanes=("", "high", "low", "second queue"), peer=False),
    Entrant("arq", "arq:Arq", "arq", ["arq", "redis"], share=0.05, at_once=20),
    Entrant("arq, poll_delay 10 ms", "arq:ArqQuick", "arq", ["arq", "redis"], share=0.2, at_once=20),
    Entrant("celery", "celery:Celery", "celery", ["celery", "kombu", "redis"], share=0.3),
    Entrant("celery, acks_late", "celery:CeleryLate", "celery", ["celery", "kombu", "redis"], share=0.3),
    Entrant("celery, threads", "celery:CeleryThreads", "celery", ["celery", "kombu", "redis"], share=0.3, at_once=4),
    Entrant("dramatiq", "dramatiq:Dramatiq", "dramatiq", ["dramatiq", "redis"], share=0.4, at_once=16),
    Entrant("hotqueue + hash", "hotqueue_hash:HotQueueAndHash", "", ["hotqueue", "redis"]),
    Entrant("huey", "huey:Huey", "huey", ["huey", "redis"]),
    Entrant("rpqueue", "rpqueue:Rpqueue", "rpqueue", ["rpqueue", "redis"], share=0.2),
    Entrant("rq", "rq:RQ", "rq", ["rq", "redis"], share=0.04),
    Entrant("rq, SimpleWorker", "rq:RQSimple", "rq", ["rq", "redis"], share=0.2),
    Entrant("saq", "saq:Saq", "saq", ["saq", "redis"], share=0.4, at_once=20),
    Entrant("streaq", "streaq:Streaq", "streaq", ["streaq", "coredis"], share=0.4, at_once=32),
    Entrant("taskiq, list", "taskiq:TaskiqList", "taskiq", ["taskiq", "taskiq-redis", "redis"], share=0.4, at_once=200),
    Entrant("taskiq, stream", "taskiq:TaskiqStream", "taskiq", ["taskiq", "taskiq-redis", "redis"], share=0.4, at_once=200),
]

"""Which faults strike when, by a plan that a seed decides, and who strikes them. When a fault strikes depends on how many jobs
have ended, so that the same seed meets the same part of the load, however fast the machine is.
"""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from lib.jobs import Jobs
from tests.chaos.evidence import Fault
from tests.chaos.proxy import Proxy
from tests.chaos.shortages import Disk, Memory
from tests.chaos.system import Program, now
from tests.servers import Server

# How often each fault comes, beside the others. `deaths` does kill, end and stop, `troubles` the rest.
WEIGHTS = {
    "kill-child": 8,
    "kill-nursery": 2,
    "kill-supervisor": 2,
    "kill-worker": 2,
    "kill-upkeep": 2,
    "kill-redis": 3,
    "kill-gunicorn": 2,  # one of its processes; the other one and their master stay
    "kill-api": 1,  # the master
    "stop-child": 1,
    "stop-supervisor": 2,
    "stop-worker": 1,
    "stop-upkeep": 1,
    "stop-api": 1,
    "end-worker": 1,
    "drop-reply": 8,
    "slow-network": 2,
    "half-open": 2,  # connections go silent, new ones work
    "partition": 1,  # for longer than a lease, new ones do not work either
    "fill-memory": 1,
    "fill-disk": 1,
    "pause-queue": 1,
    "drain-queue": 1,
    "drain-worker": 1,
}

_PATIENCE = 10.0  # seconds for which a fault waits for a target that is just being started


@dataclass(frozen=True)
class Planned:
    """A fault to come. `at`: part of the jobs that have ended by then; `which`: 0 to 1, picks the target; `leases`: 0 to 1,
    how long a freeze or an outage lasts."""

    at: float
    kind: str
    which: float
    leases: float

    def __str__(self) -> str:
        return f"{100 * self.at:5.1f} % {self.kind} {self.which:.3f} {self.leases:.3f}"


def plan(seed: int, faults: int, without: frozenset[str] = frozenset(), surely: frozenset[str] = frozenset()) -> list[Planned]:
    """The faults of a seed, in order. Nothing but the arguments decides them.

    Args:
        without: kinds that do not come.
        surely: kinds that come at least once, as far as there are that many faults.
    """
    dice = random.Random(seed)
    kinds = [kind for kind in WEIGHTS if kind not in without]
    drawn = dice.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=faults)
    places = dice.sample(range(faults), min(faults, len(surely)))
    for place, kind in zip(places, sorted(surely), strict=False):
        drawn[place] = kind
    return [Planned((n + 1) / (faults + 2), kind, dice.random(), dice.random()) for n, kind in enumerate(drawn)]


@dataclass
class Targets:
    """What can be struck.

    Args:
        lease: seconds; freezes last longer.
        proxies: in front of Redis; each says which worker is behind it.
        memory, disk: of the server.
        jobs: a queue that waits until Redis is back, for what is done to whole queues.
    """

    lease: float
    server: Server
    workers: list[Program]
    upkeeps: list[Program]
    api: Program | None
    proxies: list[Proxy]
    memory: Memory
    disk: Disk
    jobs: Jobs

    @property
    def impossible(self) -> dict[str, str]:
        """Kinds of faults that cannot be struck here, each with its reason."""
        found = {}
        if self.disk.missing:
            found["fill-disk"] = f"no small disk can be mounted: {self.disk.missing}"
        if self.api is None:
            found |= dict.fromkeys(("kill-gunicorn", "kill-api", "stop-api"), "there is no API")
        return found


Strike = Callable[["Nemesis", Planned], float | None]
"""Does a fault. Returns for how many seconds from now it may still be the cause of something, None if there was no target."""


class Nemesis:
    """Carries out planned faults and notes each.

    Args:
        strikes: who does which kind.
    """

    def __init__(self, targets: Targets, strikes: Mapping[str, Strike]) -> None:
        self.targets, self.strikes = targets, strikes
        self.faults: list[Fault] = []
        self.problems: list[str] = []
        self._undoing: list[threading.Thread] = []

    def strike(self, planned: Planned) -> None:
        """Do it now, or once there is a target again; what has none for long is left out."""
        patience = time.monotonic() + _PATIENCE
        while not self._strike(planned) and time.monotonic() < patience:
            time.sleep(0.05)

    def _strike(self, planned: Planned) -> bool:
        fault = Fault(planned.kind, self._worker_of(planned), now())
        self.faults.append(fault)  # noted before it is done: nothing that it causes comes earlier
        fault.end = now() + 3600
        after = self.strikes[planned.kind](self, planned)
        if after is None:
            self.faults.remove(fault)
            return False
        fault.end = now() + after
        return True

    def finish(self) -> None:
        """Wait until everything that ends by itself has ended."""
        for thread in self._undoing:
            thread.join()

    def stalls(self) -> list[Fault]:
        """Times in which a program waited for an answer on a link that had gone silent, and half a lease in which it makes up
        for that. They come long after the link went silent where nobody used it meanwhile."""
        return [
            Fault("stalled", proxy.behind or "none", stall.start, stall.end + self.targets.lease / 2)
            for proxy in self.targets.proxies
            for stall in proxy.stalls
        ]

    def later(self, seconds: float, undo: Callable[[], object]) -> None:
        """Call `undo` after so many seconds, and let `finish` wait for it."""

        def run() -> None:
            time.sleep(seconds)
            try:
                undo()
            except Exception as error:
                self.problems.append(f"a fault was not taken back: {error!r}")

        thread = threading.Thread(target=run, name="undo", daemon=True)
        thread.start()
        self._undoing.append(thread)

    def beyond_a_lease(self, planned: Planned) -> float:
        """Seconds of a freeze or an outage that leases do not outlast."""
        return self.targets.lease * (1.2 + 0.5 * planned.leases)

    def worker(self, planned: Planned) -> Program:
        """Which worker is meant."""
        workers = self.targets.workers
        return workers[int(planned.which * len(workers))]

    def proxy(self, planned: Planned) -> Proxy:
        """Which proxy is meant."""
        proxies = self.targets.proxies
        return proxies[int(planned.which * len(proxies))]

    def _worker_of(self, planned: Planned) -> str:
        if planned.kind.partition("-")[2] in ("child", "nursery", "supervisor", "worker"):
            return self.worker(planned).name
        if planned.kind in ("half-open", "partition", "slow-network"):
            return self.proxy(planned).behind or "none"
        return ""

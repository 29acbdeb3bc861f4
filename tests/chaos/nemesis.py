"""Kills, freezes and cuts, by a plan that a seed decides. When a fault strikes depends on how many jobs have ended, so that
the same seed meets the same part of the load, however fast the machine is."""

import random
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from tests.chaos.evidence import Fault
from tests.chaos.killing import kill_redis
from tests.chaos.proxy import Proxy
from tests.chaos.system import Program, now
from tests.servers import Server

# How often each fault comes, beside the others.
WEIGHTS = {
    "kill-child": 8,
    "kill-nursery": 2,
    "kill-supervisor": 2,
    "kill-worker": 2,
    "kill-upkeep": 2,
    "kill-redis": 3,
    "kill-api": 1,
    "stop-supervisor": 2,
    "stop-child": 1,
    "stop-upkeep": 1,
    "end-worker": 1,
    "drop-reply": 8,
}


@dataclass(frozen=True)
class Planned:
    """A fault to come. `at`: part of the jobs that have ended by then; `which`: 0 to 1, picks the target; `seconds`: of a
    freeze or an outage, in leases."""

    at: float
    kind: str
    which: float
    leases: float


def plan(seed: int, faults: int, without: frozenset[str] = frozenset()) -> list[Planned]:
    """The faults of a seed, in order. Nothing but the arguments decides them."""
    dice = random.Random(seed)
    kinds = [kind for kind in WEIGHTS if kind not in without]
    drawn = dice.choices(kinds, [WEIGHTS[kind] for kind in kinds], k=faults)
    return [Planned((n + 1) / (faults + 2), kind, dice.random(), dice.random()) for n, kind in enumerate(drawn)]


class Nemesis:
    """Carries out planned faults and notes each.

    Args:
        lease: seconds; freezes last longer.
    """

    def __init__(
        self,
        lease: float,
        server: Server,
        workers: list[Program],
        upkeeps: list[Program],
        api: Program | None,
        proxies: list[Proxy],
    ) -> None:
        self.lease, self.server, self.workers, self.upkeeps, self.api, self.proxies = (
            lease,
            server,
            workers,
            upkeeps,
            api,
            proxies,
        )
        self.faults: list[Fault] = []
        self._thaws: list[threading.Timer] = []

    def strike(self, planned: Planned) -> None:
        """Do it now. What needs a target that is just being started again passes over to another kind of nothing."""
        kind, part = planned.kind, planned.kind.partition("-")[2]
        act: Callable[[Planned], tuple[str, float] | None] = getattr(self, "_" + kind.replace("-", "_"))
        fault = Fault(kind, "", now())
        self.faults.append(fault)  # noted before it is done: nothing that it causes comes earlier
        if part in ("child", "nursery", "supervisor", "worker"):
            fault.worker = self._worker(planned).name
        fault.end = now() + 3600
        struck = act(planned)
        if struck is None:
            self.faults.remove(fault)
        else:
            fault.end = now() + struck[1]

    def finish(self) -> None:
        """Let everything that is frozen go on."""
        for timer in self._thaws:
            timer.join()

    def _worker(self, planned: Planned) -> Program:
        return self.workers[int(planned.which * len(self.workers))]

    def _child(self, planned: Planned) -> psutil.Process | None:
        children = self._worker(planned).children()
        return children[int(planned.which * 97) % len(children)] if children else None

    def _kill_child(self, planned: Planned) -> tuple[str, float] | None:
        return self._signalled(self._child(planned))

    def _kill_nursery(self, planned: Planned) -> tuple[str, float] | None:
        return self._signalled(self._worker(planned).nursery())

    def _kill_supervisor(self, planned: Planned) -> tuple[str, float] | None:
        worker = self._worker(planned)
        if not worker.alive:
            return None
        worker.kill()
        return worker.name, 0.5

    def _kill_worker(self, planned: Planned) -> tuple[str, float] | None:
        """All its processes at once, as a node or the kernel's OOM killer would."""
        worker = self._worker(planned)
        if not worker.alive:
            return None
        family = worker.family()
        worker.kill()
        for process in family:
            self._signalled(process)
        return worker.name, 0.5

    def _end_worker(self, planned: Planned) -> tuple[str, float] | None:
        worker = self._worker(planned)
        if not worker.alive:
            return None
        worker.kill(signal.SIGTERM)
        return worker.name, 0.0

    def _kill_upkeep(self, planned: Planned) -> tuple[str, float] | None:
        self.upkeeps[int(planned.which * len(self.upkeeps))].kill()
        return "", 0.0

    def _kill_api(self, planned: Planned) -> tuple[str, float] | None:
        """One of gunicorn's workers, or all of it."""
        if self.api is None or not self.api.alive:
            return None
        family = self.api.family()
        if family and planned.leases < 0.7:
            return self._signalled(family[int(planned.which * len(family))])
        self.api.kill()
        return "", 0.0

    def _kill_redis(self, planned: Planned) -> tuple[str, float] | None:
        """And start it again on its AOF; sometimes only after a while."""
        kill_redis(self.server)
        if planned.leases > 0.5:
            threading.Event().wait(planned.leases * self.lease / 2)
        self.server.start()
        return "", 0.0

    def _drop_reply(self, planned: Planned) -> tuple[str, float] | None:
        self.proxies[int(planned.which * len(self.proxies))].drop()
        return "", 0.0

    def _stop_supervisor(self, planned: Planned) -> tuple[str, float] | None:
        worker = self._worker(planned)
        return self._frozen(psutil.Process(worker.pid), planned) if worker.alive else None

    def _stop_child(self, planned: Planned) -> tuple[str, float] | None:
        return self._frozen(self._child(planned), planned)

    def _stop_upkeep(self, planned: Planned) -> tuple[str, float] | None:
        program = self.upkeeps[int(planned.which * len(self.upkeeps))]
        return self._frozen(psutil.Process(program.pid), planned) if program.alive else None

    def _frozen(self, process: psutil.Process | None, planned: Planned) -> tuple[str, float] | None:
        """SIGSTOP, and SIGCONT after more than a lease."""
        if process is None or self._signalled(process, signal.SIGSTOP) is None:
            return None
        seconds = self.lease * (1.2 + 0.5 * planned.leases)
        timer = threading.Timer(seconds, self._signalled, (process, signal.SIGCONT))
        timer.start()
        self._thaws.append(timer)
        return "", seconds + 0.5

    @staticmethod
    def _signalled(process: psutil.Process | None, number: signal.Signals = signal.SIGKILL) -> tuple[str, float] | None:
        try:
            if process is not None:
                process.send_signal(number)
                return "", 0.5
        except psutil.NoSuchProcess:
            pass
        return None

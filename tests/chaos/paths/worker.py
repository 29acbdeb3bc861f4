"""A worker, one of whose processes is killed: a child, its supervisor, or all of it at once, as when its node dies.

Who goes on is its own supervisor, the next one in the same folder, which finds the marks, or nobody: then upkeep reaps.
"""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from lib.jobs import Retry
from services.worker.marks import Marks
from tests.chaos.counting import Command
from tests.chaos.crash_points import CrashPath, Scene
from tests.chaos.evidence import Fault
from tests.chaos.forge import Victim
from tests.chaos.history import Remains
from tests.waiting import until

NAME = "w"
_PATIENCE = 60.0  # seconds for a worker to do what it has to do


class WorkerPath(CrashPath):
    """What all have in common.

    Args:
        killed: `child`, `supervisor` or `worker`.
        by: who goes on: `supervisor`, `successor` or `upkeep`.
    """

    job = "jobs"

    def __init__(self, killed: str, by: str) -> None:
        self.killed, self.by = killed, by
        self.connects = by == "successor" and not self.job.startswith("a load")
        self.name = f"{self.job} in a worker whose {killed} is killed, recovered by {by}"

    def start(self, scene: Scene) -> Victim:
        shutil.rmtree(scene.state, ignore_errors=True)
        return self._worker(scene, self.killed == "supervisor", self.killed != "supervisor")

    def _worker(self, scene: Scene, supervisor: bool = False, children: bool = False, **more: str) -> Victim:
        """A worker, of which the supervisor or the children speak through the proxy."""
        port = {True: str(scene.proxy.port), False: str(scene.server.port)}
        own = {"WORKER_NAME": NAME, "WORKER_STATE_DIR": str(scene.state), "WORKER_CHILDREN": "1", "WORKER_GRACE": "5"}
        return scene.forge.fork("work", port[children], **own | {"REDIS_PORT": port[supervisor]} | more)

    def victims(self, scene: Scene, victim: Victim) -> Iterable[int]:
        return [victim.pid] if self.killed != "child" else list(_children(scene.state))

    def drive(self, scene: Scene, victim: Victim) -> None:
        until(lambda: victim.ended() or self.has_come_to_its_end(scene), _PATIENCE, f"the end of {self.name}")
        victim.terminate()
        victim.wait()

    def has_come_to_its_end(self, scene: Scene) -> bool:
        """Whether all jobs have ended, and the child waits for more."""
        return not scene.open() and ("BLPOP", 0) in scene.proxy.commands

    def points(self, commands: list[Command]) -> list[Command]:
        return commands[: commands.index(("BLPOP", 0)) + 1]

    def recover(self, scene: Scene, killed: bool) -> None:
        if killed:
            kind = {"child": "kill-child", "supervisor": "kill-supervisor", "worker": "kill-worker"}[self.killed]
            scene.faults.append(Fault(kind, NAME, 0.0))
        if self.by == "upkeep" and killed:
            scene.recover()
        elif self.by == "successor" and killed:
            left = list(scene.state.glob("*.marks"))
            successor = self._worker(scene)
            until(
                lambda: not scene.open() and not any(path.exists() for path in left),
                _PATIENCE,
                f"the jobs' end, and the report of {left}, in the next worker",
            )
            successor.terminate()
            successor.wait()

    def judge(self, scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        if self.by != "upkeep" and any(name.startswith("reaped|") for name in remains.counters):
            yield "reaped", "a job had to wait for the end of its lease"
        left = [str(path) for path in scene.state.glob("*.marks")]
        if self.by != "upkeep" and left:
            yield "orphan", f"marks of workers are left: {left}"
        for jid, record in remains.records.items():
            if record.get("status") != "complete":
                yield "wrong-end", f"{jid} is {record.get('status')}: {record.get('error')}"


def _children(folder: Path) -> Iterator[int]:
    """Pids that the marks in a folder name."""
    for path in folder.glob("*.marks"):
        marks = Marks(path)
        try:
            yield from (mark.pid for slot in range(marks.slots) if (mark := marks.read(slot)) is not None)
        finally:
            marks.close()


class Jobs(WorkerPath):
    """A job that reports its progress, writes lines and a file; one that fails and is tried again; one of another program."""

    at_least = 13
    holds = frozenset({"claim", "progress", "log", "stage", "turn", "adopt", "BLPOP"})

    def prepare(self, scene: Scene) -> None:
        scene.submit("talk", "ledger_talk", params={"lines": 1})
        scene.submit("raise", "ledger_raise", params={"times": 1}, retry=Retry(1))
        scene.jobs.store.queues.rpush(f"hotqueue:{scene.key('job-queue')}", b'{"type": "print", "msg": "hello"}')


class Stopping(WorkerPath):
    """A job that crashes, one that runs when the worker is told to stop, and the worker's leave."""

    job, at_least = "a stop", 6
    holds = frozenset({"beat", "serve", "XREAD", "bury", "leave"})

    def prepare(self, scene: Scene) -> None:
        self.gate = scene.folder / "gate"
        self.gate.unlink(missing_ok=True)
        scene.submit("crash", "ledger_crash", params={"times": 1})
        scene.submit("gate", "ledger_gate", params={"path": str(self.gate)})

    def start(self, scene: Scene) -> Victim:
        shutil.rmtree(scene.state, ignore_errors=True)
        return self._worker(scene, supervisor=True, WORKER_GRACE="0.05")

    def has_come_to_its_end(self, scene: Scene) -> bool:
        return scene.ledger.started("gate") is not None and ("serve", 0) in scene.proxy.commands

    def points(self, commands: list[Command]) -> list[Command]:
        most = {"beat": 1, "XREAD": 1}  # the others come by time
        return [(name, earlier) for name, earlier in commands if earlier < most.get(name, 1_000)]

    def recover(self, scene: Scene, killed: bool) -> None:
        self.gate.touch()
        if not killed:  # it has left, and its job waits
            scene.recover()
        super().recover(scene, killed)


PATHS: list[CrashPath] = [
    Jobs("child", "supervisor"),
    Jobs("worker", "successor"),
    Jobs("worker", "upkeep"),
    Stopping("supervisor", "successor"),
    Stopping("supervisor", "upkeep"),
]

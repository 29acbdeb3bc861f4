"""Kills a process at each of its commands, on both sides of it, lets the rest of the release recover, and asks the checker.

`sweep` does it for a `CrashPath`: what is prepared, who is killed, who recovers, and what must be true beside the rules of the
checker. A first run without a kill counts the commands. Leases and times are aged by writing scores, so that nothing waits.
`python -m tests.chaos.crash_points <path> <command> <folder>` sweeps the points at one command until one is red; so a copy is
swept from which a guard was taken out.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from lib.scripts import compose, script_names
from lib.upkeep import Upkeep
from tests.chaos import checker, system
from tests.chaos.counting import Command, CountingProxy, Point
from tests.chaos.evidence import Evidence, Violation
from tests.chaos.forge import Forge, Victim
from tests.chaos.history import History, Remains
from tests.chaos.scenarios.stage import Stage
from tests.receivers import Receiver, receiver

OPEN = ("submitted", "scheduled", "waiting", "in-progress")
LONG_AGO = 1_000_000_000  # as a score: long before any test
_OPENING = frozenset({"CLIENT SETINFO", "SELECT"})  # of a connection
_ROUNDS = 8  # of upkeep, after which everything must have ended
_TELLS = {"wrong-writer", "result-without-run"}  # asked of jobs whose operation writes to the ledger
_START = 30.0  # seconds in which a process that was forked must be known
_MOST_RED = 3  # points after which a sweep stops


class Scene(Stage):
    """A stage with a forge, and a proxy between Redis and what is forked; its server is emptied before each point.

    Args:
        folder: for everything it writes.
        more: further variables of the forge.
    """

    def __init__(self, folder: Path, **more: str) -> None:
        super().__init__(folder, lease=30.0, prefix="crash:")
        self.settings = self.settings.model_copy(
            update={"result_cache": False, "idle_wait": 0.2, "webhook_allow": ["127.0.0.1/32"], "queues": []}
        )
        self._more = more
        self._stack = ExitStack()
        self.repaired = 0  # repairs that the path itself makes necessary
        self._forgotten = False
        self.state = folder / "state"

    def __enter__(self) -> "Scene":
        super().__enter__()
        self.history.end()
        made = [compose(name, self.settings) for name in script_names()]
        scripts = {name: script.name for script in made for name in (script.sha, script.function) if name}
        self.proxy = self._stack.enter_context(CountingProxy(self.server.port, scripts))
        own = {
            "REDIS_PORT": str(self.proxy.port),
            "RESULT_CACHE": "false",
            "WORKER_PORT": "0",
            "HOST": "127.0.0.1",
            "AUTH": "off",
        }
        own |= {"WEBHOOK_SECRET": self.settings.webhook_secret or "", "WEBHOOK_ALLOW": "127.0.0.1/32", "PYTHONPATH": "."}
        own |= {"DATA_CACHE": str(self.folder / "cache"), "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        own |= {"ARROW_DEFAULT_MEMORY_POOL": "system", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
        env = system.environment(self.settings, self.ledger.path, **own | self._more)
        self.forge = self._stack.enter_context(Forge(env, self.folder / "forge.log"))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()
        super().__exit__(*error)

    def begin(self) -> None:
        """An empty release."""
        self.jobs.store.records.flushall()
        self.ledger.path.write_text("")
        self.faults, self.reruns, self.answers, self.acknowledged, self.children = [], {}, [], {}, []
        self.repaired = 0
        if self._forgotten:
            self._load_scripts()
            self._forgotten = False
        self.history = History(self.settings, follow=False)

    def forget_scripts(self) -> None:
        """As after a failover."""
        self.jobs.store.records.script_flush()
        self._forgotten = True

    @cached_property
    def receiver(self) -> Receiver:
        """Of webhooks."""
        return self._stack.enter_context(receiver())

    def key(self, name: str) -> str:
        """With the prefix."""
        return self.settings.key_prefix + name

    def watch(self) -> None:
        """As if upkeep had been looking all the time: it would reap at once."""
        run_id = self.jobs.store.records.info("server")["run_id"]
        self.jobs.store.records.hset(
            self.key("upkeep.seen"), mapping={"run_id": run_id, "last": f"{time.time():.6f}", "not_before": 0}
        )

    def age(self) -> None:
        """As if much time had passed: leases have ended, what is scheduled is due, and who was killed has long been silent."""
        records, queues = self.jobs.store.records, self.jobs.store.queues
        for client, name in (
            *((queues, f"{queue}.{part}") for queue in self.settings.all_queues for part in ("leases", "scheduled", "idle")),
            *((records, name) for name in ("batches.open", "workers", "deliveries.due")),
        ):
            members: Any = client.zrange(self.key(name), 0, -1)
            if members:
                client.zadd(self.key(name), dict.fromkeys(members, LONG_AGO))
        records.delete(self.key("upkeep.lock"))  # its time to live is over; that it has one is asked before

    def recover(self) -> None:
        """Another upkeep, and a child of another worker, go on until every job has ended."""
        for _ in range(_ROUNDS):
            self.watch()
            self.age()
            Upkeep(self.jobs).round()
            self.run_what_waits()
            if not self.open():
                break
        self.age()
        Upkeep(self.jobs).round()

    def open(self) -> bool:
        """Whether something has not ended."""
        counts = self.jobs.counts()
        listed = self.jobs.store.queues.llen(f"hotqueue:{self.key(self.settings.queue_name)}")
        return any(counts[status] for status in OPEN) or bool(listed or self.jobs.store.records.zcard(self.key("batches.open")))

    def record(self, jid: str) -> dict[str, str]:
        """What is kept of a job; empty where there is none."""
        raw = self.jobs.store.records.hgetall(self.key(f"job.{jid}"))
        return {name.decode(): value.decode() for name, value in raw.items()}

    def judged(self, path: "CrashPath") -> list[Violation]:
        """What the checker and the path say, after the last call."""
        self.dismiss()
        remains, runs = self.history.stop(), self.ledger.runs()
        remains.settings = self.settings.model_copy(update={"lease_seconds": 0.0})  # they were aged
        evidence = Evidence(remains, runs, self.acknowledged, self.faults, self.reruns, self.answers)
        found = [each for each in checker.check(evidence) if each.kind not in _TELLS or _is_told(remains, each.job)]
        said = [*_repairs(remains, self.repaired), *path.judge(self, remains)]
        return found + [Violation(kind, "", what) for kind, what in said]


def _is_told(remains: Remains, jid: str) -> bool:
    return remains.records[jid].get("operation", "").startswith("ledger_")


def _repairs(remains: Remains, wanted: int) -> Iterator[tuple[str, str]]:
    done = sum(number for name, number in remains.counters.items() if name.startswith("repaired|"))
    if done != wanted:
        yield "repaired", f"verify repaired {done} jobs, and {wanted} were damaged on purpose"


class CrashPath:
    """One way through the commands of one process.

    Args:
        name: of the path.
        at_least, holds: how many commands it has at least, and which scripts and commands are among them.
    """

    name: str
    at_least: int
    holds: frozenset[str] = frozenset()
    connects = False  # whether the commands that open a connection, which change nothing, are points as well

    def prepare(self, scene: Scene) -> None:
        """What is there before the process starts."""

    def start(self, scene: Scene) -> Victim:
        """Start it."""
        raise NotImplementedError

    def drive(self, scene: Scene, victim: Victim) -> None:
        """See it to its end, whether it is killed or not."""
        victim.wait()

    def victims(self, scene: Scene, victim: Victim) -> Iterable[int]:
        """Whom the proxy kills."""
        return [victim.pid]

    def points(self, commands: list[Command]) -> list[Command]:
        """Of the commands of a run without a kill, those at which to kill."""
        return commands

    def recover(self, scene: Scene, killed: bool) -> None:
        """What the rest of the release does afterwards."""
        scene.recover()

    def judge(self, scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        """What must be true beside the rules of the checker: kind and text of each violation."""
        return iter(())


@dataclass
class Swept:
    """What a sweep found: how many commands, points and deaths, and the points that are red."""

    path: str
    commands: int = 0
    points: int = 0
    names: Counter[str] = field(default_factory=Counter)
    missed: list[Point] = field(default_factory=list)
    red: list[tuple[Point | None, list[Violation]]] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether the path was swept from end to end, and is green."""
        return not self.red and not self.missed and self.points == 2 * self.commands

    def __str__(self) -> str:
        lines = [f"{self.path}: {self.points} crash points at {self.commands} commands"]
        for point, violations in self.red:
            lines.append(f"{self.path}, {point or 'without a kill'}:")
            lines += [f"  {violation}" for violation in violations]
        lines += [f"{self.path}, {point}: never came" for point in self.missed]
        return "\n".join(lines)


def play(scene: Scene, path: CrashPath, point: Point | None) -> tuple[list[Violation], list[Command], bool]:
    """One run, killed at the point: what is wrong afterwards, the commands that came, and whether the point was met."""
    scene.begin()
    path.prepare(scene)
    started: Future[Victim] = Future()  # its first command may come before its pid
    scene.proxy.begin(point, lambda: path.victims(scene, started.result(_START)))
    started.set_result(victim := path.start(scene))
    path.drive(scene, victim)
    commands, met = scene.proxy.end()
    if point is None and victim.status != 0:
        raise AssertionError(f"{path.name} ended with {victim.status}; {scene.forge.log}:\n{scene.forge.log.read_text()[-3000:]}")
    path.recover(scene, met)
    return scene.judged(path), commands, met


def sweep(scene: Scene, path: CrashPath, most_red: int = _MOST_RED, only: str = "") -> Swept:
    """Every point of a path, or those at one command; stops after so many red ones."""
    swept = Swept(path.name)
    violations, commands, _ = play(scene, path, None)
    if violations:
        swept.red.append((None, violations))
        return swept
    wanted = [each for each in path.points(commands) if only in ("", each[0]) and (path.connects or each[0] not in _OPENING)]
    swept.commands, swept.names = len(wanted), Counter(name for name, _ in wanted)
    for name, earlier in wanted:
        for after in (False, True):
            point = Point(name, earlier, after)
            violations, _, met = play(scene, path, point)
            swept.points += met
            if not met:
                swept.missed.append(point)
            if violations:
                swept.red.append((point, violations))
                if len(swept.red) >= most_red:
                    return swept
    return swept


def main(name: str, only: str, folder: Path) -> None:
    """Sweep the points of one path at one command until one is red, and print the kinds of its violations as JSON."""
    from tests.chaos.paths import PATHS

    with Scene(folder) as scene:
        swept = sweep(scene, PATHS[name], most_red=1, only=only)
    found = {violation.kind: str(violation) for _, violations in swept.red for violation in violations}
    print(orjson.dumps(found).decode())


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))

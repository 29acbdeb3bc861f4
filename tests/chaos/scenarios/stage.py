"""What every scenario stands on: a server of its own, simulated children on `lib.jobs`, and the evidence they leave."""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson

from lib.errors import JobsError, StaleClaim
from lib.functions import keep_functions
from lib.jobs import Claim, Jobs, Outcome, Submission, complete
from lib.scripts import compose, script_names
from lib.settings import load_settings
from lib.store import Store
from lib.upkeep import Upkeep
from tests.chaos import checker
from tests.chaos.evidence import Answer, Evidence, Fault, Violation
from tests.chaos.history import History
from tests.chaos.ledger import Ledger
from tests.chaos.proxy import Proxy
from tests.receivers import SECRET
from tests.servers import Server
from tests.waiting import until


@dataclass(frozen=True)
class Cut:
    """A guard, and how it is taken out.

    Args:
        file: in which it stands; `old` must stand there exactly once and becomes `new`.
        turns: the kind of violation that the checker must then show.
        lease: seconds that the scenario is played with.
    """

    file: str
    old: str
    new: str
    turns: str
    lease: float = 0.6


class Stage:
    """A server, a queue on it, and everything the checker asks for; use as a context manager.

    Args:
        lease: seconds.
        server: a running one; one of its own by default.
    """

    def __init__(self, folder: Path, lease: float = 1.0, server: Server | None = None, prefix: str = "stage:") -> None:
        self.folder = folder
        self.server = server or Server(folder / "redis", os.environ.get("TRAFFICJOBS_SERVER"))
        self._own_server = server is None
        self.settings = load_settings(
            webhook_secret=SECRET,
            redis_ip="127.0.0.1",
            redis_port=self.server.port,
            key_prefix=prefix,
            lease_seconds=lease,
            upkeep_interval=0.1,
        )
        self.ledger = Ledger(folder / "ledger")
        self.faults: list[Fault] = []
        self.reruns: dict[str, int] = {}
        self.answers: list[Answer] = []
        self.acknowledged: dict[str, str] = {}
        self.children: list[str] = []
        self.proxies: list[Proxy] = []

    def __enter__(self) -> "Stage":
        if self._own_server:
            self.server.start()
        self.jobs = Jobs(self.settings, store=Store(self.settings, patience=10.0))
        self._load_scripts()
        self.history = History(self.settings)
        self.upkeep = Upkeep(self.jobs)
        return self

    def __exit__(self, *_: object) -> None:
        self.history.end()
        self.jobs.close()
        for proxy in self.proxies:
            proxy.close()
        if self._own_server:
            self.server.kill()

    def _load_scripts(self) -> None:
        """So that the first call of each is answered, and not by NOSCRIPT or that there is no such function."""
        keep_functions(self.jobs.store)
        for name in script_names():
            self.jobs.store.queues.script_load(compose(name, self.settings).text)

    def submit(self, jid: str, operation: str = "ledger_noop", **options: object) -> str:
        """An acknowledged job."""
        self.jobs.submit(Submission(operation, id=jid, **options))  # type: ignore[arg-type]
        self.acknowledged[jid] = operation
        return jid

    def status(self, jid: str) -> str:
        """Of a job, now."""
        return self.jobs.get(jid).status

    def fault(self, kind: str, worker: str = "") -> Fault:
        """Note what is done to a worker."""
        self.faults.append(Fault(kind, worker, time.time()))
        return self.faults[-1]

    def reaps(self) -> None:
        """Wait until upkeep reaps: it waits for one lease before the first time."""
        until(lambda: self.jobs.store.run("reap", self.settings.queue_name, 500, 3600)[0] == b"OK", 10, "upkeep that reaps")

    def reaped(self, jid: str) -> None:
        """Let upkeep work until the lease of a job has ended and it is free again."""
        until(lambda: self.upkeep.round() and self.status(jid) != "in-progress", 10, f"the end of the lease of {jid}")

    @staticmethod
    def clock() -> float:
        """The machine's clock, which is Redis's."""
        return time.time()

    def outlast(self, claim: Claim) -> None:
        """Wait until the lease of a claim has ended by the clock, whether or not Redis answers."""
        ended = claim.started + 1.5 * self.settings.lease_seconds
        until(lambda: time.time() > ended, 10, "the end of the lease")

    def proxied(self, *scripts: str) -> Jobs:
        """The queue, seen through a proxy that drops the first reply of each of these scripts."""
        proxy = Proxy(self.server.port)
        self.proxies.append(proxy)
        for name in scripts:
            proxy.drop(self.sent_as(name))
        settings = self.settings.model_copy(update={"redis_port": proxy.port})
        return Jobs(settings, store=Store(settings, patience=10.0))

    def sent_as(self, name: str) -> bytes:
        """What a call of that script holds: the name of its function, or its sha."""
        script = compose(name, self.settings)
        return (script.function or script.sha).encode()

    def fill_memory(self) -> None:
        """Bring Redis to its memory limit: from now on it refuses what has no allow-oom."""
        client = self.jobs.store.records
        client.config_set("maxmemory", int(client.info("memory")["used_memory"]) // 2)

    def dismiss(self) -> None:
        """Children that hold nothing leave; what is held stays as it is."""
        holds = self.jobs.store.queues.hkeys(f"{self.settings.key_prefix}holds")
        for name in self.children:
            if name.encode() not in holds:
                try:
                    self.jobs.bury(name, "", "released", "exit", {})
                except JobsError:  # a scenario took its flag away
                    pass

    def verdict(self) -> list[Violation]:
        """What the checker says, after the last call."""
        self.dismiss()
        remains, runs = self.history.stop(), self.ledger.runs()
        return checker.check(Evidence(remains, runs, self.acknowledged, self.faults, self.reruns, self.answers))

    def run_what_waits(self) -> None:
        """Another worker's child takes everything that waits, and completes it."""
        child = Child(self, "the-last")
        while (claim := child.claim()) is not None:
            child.run(claim)


class Child:
    """A simulated child: what it does, it writes to the ledger, as real ones do."""

    def __init__(self, stage: Stage, name: str, jobs: Jobs | None = None) -> None:
        self.stage, self.name, self.worker = stage, f"{name}-worker/{name}", f"{name}-worker"
        self.jobs = jobs or stage.jobs
        stage.children.append(self.name)

    def write(self, kind: str, claim: Claim) -> None:
        """One line of the ledger."""
        with self.stage.ledger.path.open("a") as ledger:
            ledger.write(f"{time.time():.6f} {kind} {claim.id} {claim.token} {os.getpid()} {self.worker}\n")

    def claim(self) -> Claim | None:
        """The next job."""
        return self.jobs.claim(self.name, self.worker, [self.stage.settings.queue_name])

    def must_claim(self) -> Claim:
        """The next job, which must be there."""
        claim = self.claim()
        assert claim is not None
        return claim

    def start(self, claim: Claim) -> None:
        """Mark it and begin to run it."""
        self.write("mark", claim)
        self.write("start", claim)

    def end(self, claim: Claim, outcome: Outcome | None = None) -> bool:
        """Come to the end of the run and say its outcome; whether it counted."""
        self.write("end", claim)
        try:
            self.jobs.finish(claim, outcome or complete(orjson.dumps({"token": claim.token})))
            counted = True
        except StaleClaim:
            counted = False
        self.stage.answers.append(Answer(claim.id, claim.token, counted))
        return counted

    def run(self, claim: Claim) -> bool:
        """Start and end."""
        self.start(claim)
        return self.end(claim)

    def beat(self, *claims: Claim) -> list[str]:
        """Its supervisor renews these leases."""
        codes = self.jobs.beat(self.worker, {}, [(claim.id, claim.token) for claim in claims], patience=10.0)[1]
        self.jobs.leave(self.worker)
        return codes


def perform(drive: Callable[[Stage], None], cut: Cut, folder: Path) -> dict[str, str]:
    """Play a scenario on the code that is imported here: kinds of violations, each with one of its texts."""
    with Stage(folder, cut.lease) as stage:
        drive(stage)
        return {violation.kind: str(violation) for violation in stage.verdict()}


def play(drive: Callable[[Stage], None], cut: Cut) -> None:
    """Play a scenario in the folder that the command line names, and print what `perform` returns as JSON."""
    print(orjson.dumps(perform(drive, cut, Path(sys.argv[1]))).decode())

"""One whole run: starts a release, loads it, lets the nemesis loose, waits until it is calm, and judges what happened."""

import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from lib.jobs import Jobs
from lib.settings import Settings, load_settings
from lib.store import Store
from tests.chaos import checker, deaths, recovery, system, troubles
from tests.chaos.evidence import Evidence, Violation
from tests.chaos.history import History
from tests.chaos.ledger import Ledger
from tests.chaos.load import QUEUES, Load, todos
from tests.chaos.nemesis import Nemesis, Planned, Targets, plan
from tests.chaos.proxy import Proxy
from tests.chaos.requests import REFUSED, UNKNOWN, Requests
from tests.chaos.shortages import Disk, Memory
from tests.servers import Server, free_port
from tests.waiting import until


@dataclass(frozen=True)
class Plan:
    """What a run does; the same values strike the same faults at the same jobs."""

    seed: int
    jobs: int
    kills: int
    lease: float = 2.0
    workers: int = 2
    with_api: bool = True
    without: frozenset[str] = frozenset()  # kinds of faults left out
    surely: frozenset[str] = frozenset()  # kinds that come at least once

    def command(self) -> str:
        """What runs it again."""
        words = f"python -m tests.chaos --jobs {self.jobs} --kills {self.kills} --seed {self.seed}"
        words += f" --lease {self.lease:g} --workers {self.workers}"
        lists = [("without", self.without), ("surely", self.surely)]
        return words + "".join(f" --{name} {','.join(sorted(kinds))}" for name, kinds in lists if kinds)

    def faults(self) -> list[Planned]:
        """What is to strike, in order."""
        return plan(self.seed, self.kills, self.without, self.surely)


@dataclass
class Report:
    """What came of a run. It is good if there are no violations."""

    plan: Plan
    violations: list[Violation]
    evidence: Evidence
    seconds: float
    folder: Path
    numbers: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)  # kinds of faults that could not be struck, and why

    @property
    def asked(self) -> int:
        """How many jobs submitters asked for."""
        return sum(len(request.ids) or 1 for request in self.evidence.requests or [])

    def block(self) -> str:
        """Its figures, as docs/reliability.md has them."""
        return recovery.block(self.evidence, self.violations, self.numbers, self.plan.lease)

    def __str__(self) -> str:
        numbers = ", ".join(f"{number} {name}" for name, number in self.numbers.items())
        lines = [f"seed {self.plan.seed}: {numbers} in {self.seconds:.1f} s; logs in {self.folder}"]
        lines += [f"left out: {kind}: {why}" for kind, why in self.left_out.items()]
        if self.violations:
            lines.append(
                f"{len(self.violations)} violations; the same faults at the same part of the load: {self.plan.command()}"
            )
            lines += [str(violation) for violation in self.violations[:20]]
            lines += ["faults:", *(f"    {fault}" for fault in (*self.evidence.faults, *self.evidence.stalls))]
        return "\n".join(lines)


class Experiment:
    """The processes of one run.

    Args:
        folder: for ledger, logs, marks and the server's data.
        binary: the server program; the embedded Valkey's by default.
    """

    def __init__(self, wanted: Plan, folder: Path, binary: str | None = None) -> None:
        self.plan, self.folder = wanted, folder
        self.disk = Disk(folder / "redis")
        self.server = Server(folder / "redis", binary)
        self.settings = load_settings(
            redis_ip="127.0.0.1",
            redis_port=self.server.port,
            key_prefix=f"chaos{wanted.seed}:",
            lease_seconds=wanted.lease,
            upkeep_interval=min(1.0, wanted.lease / 20),
            idle_wait=1.0,
            queues=[QUEUES[1]],
        )
        self.ledger = Ledger(folder / "ledger")
        self.left_out: dict[str, str] = {}

    def run(self) -> Report:
        """Do it all; the report."""
        started = time.monotonic()
        with ExitStack() as stack:
            stack.enter_context(self.disk)
            stack.enter_context(self.server)
            names = {"worker": "worker-0", "library": "", "api": "", "upkeep": ""}
            proxies = {who: stack.enter_context(Proxy(self.server.port, worker)) for who, worker in names.items()}
            keeper = stack.enter_context(system.Keeper())
            requests = stack.enter_context(closing(Requests(self.folder / "requests")))
            nemesis, api_url = self._start(keeper, proxies)
            stack.callback(nemesis.targets.jobs.close)
            history = History(self.settings)
            work = todos(self.plan.seed, self.plan.jobs)
            load = Load(work, history.ended, api_url, [self.settings, self._through(proxies["library"])], requests)
            load.start()
            self._torment(nemesis, history)
            problems = self._calm_down(load, history)
            reruns = self._rerun(history)
            problems += self._calm_down(load, history) + self._stop(keeper) + nemesis.problems
            evidence = Evidence(
                history.stop(),
                self.ledger.runs(),
                load.acknowledged,
                nemesis.faults,
                reruns,
                requests=requests.ended,
                stalls=nemesis.stalls(),
            )
        violations = [Violation("wrong-answer", "", problem) for problem in load.problems]
        violations += [Violation("not-calm", "", problem) for problem in problems] + checker.check(evidence)
        seconds, numbers = time.monotonic() - started, self._numbers(evidence, requests)
        return Report(self.plan, violations, evidence, seconds, self.folder, numbers, self.left_out)

    def _through(self, proxy: Proxy) -> Settings:
        return self.settings.model_copy(update={"redis_port": proxy.port})

    def _start(self, keeper: system.Keeper, proxies: dict[str, Proxy]) -> tuple[Nemesis, str | None]:
        """Two upkeeps, the workers and the API; the first of each is behind a proxy."""
        where = (self.ledger.path, self.folder)
        upkeeps = [
            keeper.add(system.upkeep(f"upkeep-{n}", settings, *where))
            for n, settings in enumerate([self._through(proxies["upkeep"]), self.settings])
        ]
        workers = [
            keeper.add(system.worker(f"worker-{n}", self._through(proxies["worker"]) if n == 0 else self.settings, *where))
            for n in range(self.plan.workers)
        ]
        api, url = None, None
        if self.plan.with_api:
            port = free_port()
            api = keeper.add(system.api(self._through(proxies["api"]), *where, port))
            url = f"http://127.0.0.1:{port}"
            system.wait_for_api(api, url)
        targets = Targets(
            self.settings.lease_seconds,
            self.server,
            workers,
            upkeeps,
            api,
            list(proxies.values()),
            Memory(self.server),
            self.disk,
            Jobs(self.settings, store=Store(self.settings, patience=60.0)),
        )
        return Nemesis(targets, deaths.STRIKES | troubles.STRIKES), url

    def _torment(self, nemesis: Nemesis, history: History) -> None:
        """Strike each fault when its part of the jobs has ended, or when nothing has moved for two leases."""
        until(lambda: history.ended, 60, "the first ended job")
        self.left_out = nemesis.targets.impossible
        for planned in self.plan.faults():
            self._await(planned, history)
            if planned.kind not in self.left_out:
                nemesis.strike(planned)
        nemesis.finish()

    def _await(self, planned: Planned, history: History) -> None:
        give_up = time.monotonic() + 2 * self.settings.lease_seconds
        while len(history.ended) < planned.at * self.plan.jobs and time.monotonic() < give_up:
            time.sleep(0.005)

    def _calm_down(self, load: Load, history: History) -> list[str]:
        """Wait until every acknowledged job has ended and nobody holds anything."""
        try:
            until(lambda: load.done, 60 + self.plan.jobs / 50, "the acknowledgement of every job")
            seconds = 60 + 10 * self.settings.lease_seconds
            until(lambda: history.ended >= {*load.acknowledged, *history.seen}, seconds, "the end of every job")
        except AssertionError as error:
            return [str(error)]
        return []

    def _rerun(self, history: History) -> dict[str, int]:
        """Retry a few of the jobs that failed, each as a client that repeats its call."""
        jobs = Jobs(self.settings, store=Store(self.settings, patience=30.0))
        reruns = {}
        for job in jobs.page(status="failed", limit=10).jobs:
            if job.depends_on and not job.attempt:
                continue  # it failed because of another one, which must be retried before
            for _ in range(2):
                jobs.retry(job.id, run=0)
            reruns[job.id] = 1
        until(lambda: all(any(e.job == jid and e.reason == "rerun" for e in history.events) for jid in reruns), 10, "the reruns")
        jobs.close()
        return reruns

    def _stop(self, keeper: system.Keeper) -> list[str]:
        """SIGTERM to everything, once idle sets hold only children that live; what does not end is a problem."""
        problems = []
        workers = [program for program in keeper.programs if program.name.startswith("worker")]
        try:  # the workers that were started last have reported what their predecessors left
            until(lambda: all(len(worker.children()) == 2 for worker in workers), 30, "the full number of children")
            with_jobs = Jobs(self.settings)
            children = 2 * len(workers)
            until(lambda: with_jobs.queue(QUEUES[0]).idle_children == children, 30, f"{children} idle children and no other")
            with_jobs.close()
        except AssertionError as error:
            problems.append(str(error))
        for program in [*workers, *(program for program in keeper.programs if program not in workers)]:
            code = program.stop()
            if code != 0:
                problems.append(f"{program.name} ended with {code} after SIGTERM")
        return problems

    def _numbers(self, evidence: Evidence, requests: Requests) -> dict[str, int]:
        counters = evidence.remains.counters

        def total(name: str) -> int:
            return sum(number for field, number in counters.items() if field.split("|")[0] == name)

        asked = {"jobs": len(evidence.acknowledged), "refused": requests.count(REFUSED), "unanswered": requests.count(UNKNOWN)}
        names = ("complete", "failed", "cancelled", "crashed", "reaped", "released", "retried", "stale")
        return asked | {"tries": requests.tries, "faults": len(evidence.faults)} | {name: total(name) for name in names}

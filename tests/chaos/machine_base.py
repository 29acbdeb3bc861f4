"""What the rules of the state machine stand on: the release under test, the model beside it, and the comparison after every step.
`machine_runs` has the rules of children, `machine` the rest.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant

from lib.errors import ExpiredJob, JobsError
from lib.functions import keep_functions
from lib.jobs import Claim, Jobs, Submission
from lib.settings import Settings
from lib.store import Store
from lib.upkeep import Upkeep
from tests.chaos.comparison import differences
from tests.chaos.model import Job
from tests.chaos.model_calls import Model
from tests.chaos.snapshot import Clock, events_after, snapshot

QUEUES = ["job-queue", "second"]
CHILDREN = 3
twice, some = st.booleans(), st.integers(0, 30)


class Repeating(Store):
    """Sends every script twice while `again` says so; a claim must then give the same."""

    again = False

    def run(self, name: str, *args: Any, patience: float | None = None) -> Any:
        """As `Store.run`."""
        reply = super().run(name, *args, patience=patience)
        if not self.again:
            return reply
        second = super().run(name, *args, patience=patience)
        assert name not in ("claim", "take") or second == reply, f"{name} was answered {reply}, and sent again {second}"
        return second


class Base(RuleBasedStateMachine):
    """No rules yet. `settings` are of a release on a server of its own, set by a subclass."""

    settings: Settings

    def __init__(self) -> None:
        super().__init__()
        self.store = Repeating(self.settings)
        self.store.records.flushall()
        keep_functions(self.store)  # before the first call: a store that met none asks again after half a minute
        self.jobs = Jobs(self.settings, store=self.store)
        self.upkeep, self.clock = Upkeep(self.jobs), Clock(self.jobs)
        self.model = Model(QUEUES, self.settings.max_lost)
        self.incarnations = itertools.count(1)
        self.names = [self._name(slot) for slot in range(CHILDREN)]
        self.claims: dict[int, Claim] = {}  # what each child believes that it holds
        self.marks: dict[int, str] = {}
        self.old: list[Claim] = []
        self.said: dict[str, Submission] = {}
        self.batches: dict[str, list[Submission]] = {}
        self.events: list[Any] = []
        self.last = "0"

    def teardown(self) -> None:
        self.jobs.close()

    def _name(self, slot: int) -> str:
        return f"w{slot % 2}/{slot}-{next(self.incarnations)}"

    def _worker(self, slot: int) -> str:
        return f"w{slot % 2}"

    def ask(self, call: Callable[[], Any], again: bool = False) -> Any:
        """What a call answers, or the name of the error that it raises."""
        self.store.again = again
        try:
            return call()
        except JobsError as error:
            return "UnknownJob" if isinstance(error, ExpiredJob) else type(error).__name__
        finally:
            self.store.again = False

    def pick(self, n: int, where: Callable[[Job], bool] = lambda job: True) -> Job | None:
        """One of the jobs of which something is true."""
        found = [job for job in self.model.jobs.values() if where(job)]
        return found[n % len(found)] if found else None

    def any_id(self, n: int) -> str:
        """Of a job, mostly of one that is there."""
        return list(self.model.jobs)[n % len(self.model.jobs)] if self.model.jobs and n < 28 else "abcdef"[n % 6]

    def job(self, said: Submission, queue: str, idempotency: str | None = None) -> Job:
        """The model's job of a submission."""
        parents = tuple(dict.fromkeys(said.depends_on))
        key = f"{said.operation} {said.concurrency_key}" if said.concurrency_key else None
        return Job(
            said.id,
            queue,
            said.priority,
            body=(replace(said, id="", depends_on=parents, allow_failure=bool(parents) and said.allow_failure), queue),
            operation=said.operation,
            parents=parents,
            any_end=said.allow_failure,
            delayed=said.run_in is not None,
            key=key,
            max_retries=said.retry.max,
            intervals=tuple(said.retry.intervals),
            max_crashes=self.settings.max_crashes if said.max_crashes is None else said.max_crashes,
            batch=said.batch,
            idempotency=idempotency,
        )

    @invariant()
    def everything_is_as_in_the_model(self) -> None:
        remains = snapshot(self.jobs)
        new, self.last = events_after(self.jobs, self.last)
        self.events += new
        remains.events = self.events
        found = differences(self.model, remains, len(new))
        assert not found, "\n".join(found)

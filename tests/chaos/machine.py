"""The state machine: Hypothesis draws one call after another, each is made to the real scripts through `Jobs` and `Upkeep` and
to the model of `tests.chaos.model`, and after every one all that stands in Redis is compared. One thread, many simulated
children; no step waits.

Used by `test_state_machine`. Where a call is `twice`, every script of it is sent twice, as after a lost reply; nobody may see it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from lib.jobs import Submission
from lib.retries import Retry
from lib.states import CANCELLED, FAILED, IN_PROGRESS, PRIORITIES, SCHEDULED, SUBMITTED
from lib.upkeep import Upkeep
from tests.chaos.machine_base import QUEUES, some, twice
from tests.chaos.machine_runs import Runs
from tests.chaos.model import UNSERVED, Job

FAR = 3600.0  # seconds that do not pass in a test
STEERING = ["pause", *["resume"] * 3, "drain", *["open"] * 3]  # so that most queues are open most of the time
ids, queues = st.sampled_from("abcdef"), st.sampled_from(QUEUES)
rules = st.fixed_dictionaries(
    {
        "operation": st.sampled_from("xxy"),
        "priority": st.sampled_from(["normal", *PRIORITIES]),
        "run_in": st.sampled_from([None, None, None, None, FAR]),
        "allow_failure": st.booleans(),
        "concurrency_key": st.sampled_from([None, None, "k"]),
        "retry": st.sampled_from([Retry(), Retry(1), Retry(2, (0, FAR))]),
        "max_crashes": st.sampled_from([None, 0, 1]),
    }
)
some_parents: st.SearchStrategy[list[int]] = st.one_of(st.just([]), st.just([]), st.lists(some, min_size=1, max_size=2))


class Machine(Runs):
    """All rules: into the queue, what people do, upkeep, and time."""

    # Into the queue

    def _submit(self, said: Submission, queue: str, key: str | None, again: bool) -> None:
        note(f"submit {said.id} to {queue}, key {key}, {said}")
        got = self.ask(lambda: self.jobs.submit(said, queue=queue, idempotency_key=key), again)
        wanted = self.model.submit(self.job(said, queue, key))
        if isinstance(got, str):
            assert got == wanted
        else:
            assert got.id == wanted.partition(" ")[2], f"{got}, and not {wanted}"
            assert again or got.replayed == wanted.startswith("replayed"), f"{got}, and not {wanted}"
        if wanted == f"new {said.id}":
            self.said[said.id] = said

    @initialize(several=st.lists(rules, min_size=1, max_size=4))
    def begin(self, several: list[dict[str, Any]]) -> None:
        for jid, more in zip("abcd", several, strict=False):
            self._submit(Submission(**more, id=jid), QUEUES[0], None, False)

    @rule(jid=ids, queue=queues, key=st.sampled_from([None, None, "k1", "k2"]), more=rules, after=some_parents, again=twice)
    def submit(self, jid: str, queue: str, key: str | None, more: dict[str, Any], after: list[int], again: bool) -> None:
        depends_on = tuple(parent for n in after if (parent := self.any_id(n)) != jid)
        self._submit(Submission(**more, id=jid, depends_on=depends_on), queue, key, again)

    @precondition(lambda self: self.said)
    @rule(n=some, other=st.booleans(), again=twice)
    def submit_what_was_submitted(self, n: int, other: bool, again: bool) -> None:
        said = list(self.said.values())[n % len(self.said)]
        known = self.model.jobs.get(said.id)
        self._submit(replace(said, params={"other": 1}) if other else said, known.queue if known else QUEUES[0], None, again)

    @rule(queue=queues, more=rules, number=st.integers(1, 3), chain=st.booleans(), after=some_parents, again=twice)
    def submit_batch(self, queue: str, more: dict[str, Any], number: int, chain: bool, after: list[int], again: bool) -> None:
        name = f"batch{len(self.batches)}"
        given: list[Submission] = []
        for n in range(number):
            first = tuple(self.any_id(each) for each in after) if n == 0 else ()
            depends_on = (given[-1].id,) if chain and given else first
            given.append(Submission(**more, id=f"{name}-{n}", depends_on=depends_on))
        self.batches[name] = given
        self._submit_batch(name, given, queue, again)

    @precondition(lambda self: len(self.batches) > 1)
    @rule(n=some, other=st.booleans(), queue=queues, again=twice)
    def submit_a_batch_again(self, n: int, other: bool, queue: str, again: bool) -> None:
        name, given = list(self.batches.items())[n % len(self.batches)]
        self._submit_batch(name, [replace(each, params={"other": 1}) for each in given] if other else given, queue, again)

    def _submit_batch(self, name: str, given: list[Submission], queue: str, again: bool) -> None:
        note(f"submit {name} to {queue}: {given}")
        got = self.ask(lambda: self.jobs.submit_batch(given, id=name, queue=queue), again)
        wanted = self.model.submit_batch(name, [self.job(replace(each, batch=name), queue) for each in given])
        assert (got if isinstance(got, str) else got[0].id) == wanted.split()[-1]
        assert isinstance(got, str) or again or got[1] == wanted.startswith("replayed")

    @precondition(lambda self: self.model.jobs)
    @rule(queue=queues, n=some, kind=st.sampled_from(["id", "id", "json", "job", "rubbish"]))
    def another_program_pushes(self, queue: str, n: int, kind: str) -> None:
        jid = self.any_id(n)
        entry = {"id": jid, "json": f'"{jid}"', "job": '{"type": "x", "params": {}}', "rubbish": "no job!"}[kind]
        note(f"pushes {entry} to {queue}")
        self.store.queues.rpush(f"hotqueue:{self.settings.key_prefix}{queue}", entry)
        self.model.lists[queue, "normal", False].append(entry)

    # What people do

    @precondition(lambda self: self.model.jobs)
    @rule(n=some, again=twice)
    def cancel(self, n: int, again: bool) -> None:
        jid = self.any_id(n)
        note(f"cancel {jid}")
        assert self.ask(lambda: self.jobs.cancel(jid), again) == self.model.cancel(jid)

    @precondition(lambda self: any(job.ended for job in self.model.jobs.values()))
    @rule(n=some, before=st.sampled_from([0, 0, 0, 1]), again=twice)
    def retry(self, n: int, before: int, again: bool) -> None:
        job = self.pick(n, lambda job: job.status in (FAILED, CANCELLED)) or self.pick(n)
        assert job is not None
        run = max(0, len(job.runs) - before)
        note(f"retry {job.id} of run {run}")
        got, wanted = self.ask(lambda: self.jobs.retry(job.id, run), again), self.model.retry(job.id, run)
        assert isinstance(got, str) == (wanted not in ("retried", "again")), f"{got}, and not {wanted}"
        assert got == wanted if isinstance(got, str) else again or got == (wanted == "again")

    @precondition(lambda self: len(self.model.jobs) > 3)
    @rule(n=some, again=twice)
    def delete(self, n: int, again: bool) -> None:
        jid = self.any_id(n)
        note(f"delete {jid}")
        assert (self.ask(lambda: self.jobs.delete(jid), again) or "deleted") == self.model.delete(jid)

    @rule(queue=queues, what=st.sampled_from(STEERING), again=twice)
    def steer(self, queue: str, what: str, again: bool) -> None:
        note(f"{what} {queue}")
        self.ask(lambda: getattr(self.jobs, what)(queue), again)
        if what in ("pause", "resume"):
            getattr(self.model, what)(queue)
        else:
            (self.model.draining.add if what == "drain" else self.model.draining.discard)(queue)

    @precondition(lambda self: sum(map(len, self.model.lists.values())) > 4)
    @rule(queue=queues, scheduled=st.booleans(), foreign=st.booleans())
    def purge(self, queue: str, scheduled: bool, foreign: bool) -> None:
        note(f"purge {queue}, scheduled {scheduled}, foreign {foreign}")
        self.ask(lambda: self.jobs.purge(queue, scheduled=scheduled, foreign=foreign, seconds=60))
        self.model.purge(queue, scheduled, foreign)

    # Upkeep, and time

    @rule(again=twice)
    def upkeep_looks(self, again: bool) -> None:
        self.clock.look()
        assert self.ask(self.upkeep.round, again)
        self.model.round()

    @rule(what=st.sampled_from(["leaves", "dies", "sees a restart", "sees no renewal"]))
    def upkeep_or_redis_is_replaced(self, what: str) -> None:
        self.clock.look()
        if what == "leaves":
            self.upkeep.release()
            self.upkeep = Upkeep(self.jobs)
        elif what == "dies":
            self.upkeep.round()
            self.model.round()
            self.upkeep = Upkeep(self.jobs)
            assert not self.upkeep.round()
            self.clock.free_lock()
        elif what == "sees a restart":
            self.clock.restart()
            self.model.reaps = False

    @precondition(lambda self: not self.model.reaps)
    @rule()
    def a_lease_has_passed_since_the_restart(self) -> None:
        self.clock.look()
        self.upkeep.round()
        self.model.round()
        self.clock.trust()
        self.model.reaps = True

    @precondition(lambda self: self.model.holds)
    @rule(n=some, looks=st.booleans(), again=twice)
    def a_lease_ends(self, n: int, looks: bool, again: bool) -> None:
        self._age(self.pick(n, lambda job: job.status == IN_PROGRESS), self.clock.end_lease)
        if looks:
            self.upkeep_looks(again)

    @precondition(
        lambda self: any(job.status == SCHEDULED or job.ended or job.aside == UNSERVED for job in self.model.jobs.values())
    )
    @rule(n=some)
    def a_time_is_over(self, n: int) -> None:
        job = self.pick(n, lambda job: job.status == SCHEDULED or job.ended or job.aside == UNSERVED)
        ends = {SCHEDULED: self.clock.end_delay, SUBMITTED: self.clock.end_patience}
        self._age(job, ends.get(job.status if job else "", lambda _, jid, at: self.clock.end_life(jid, at)))

    def _age(self, job: Job | None, end: Callable[[str, str, float], None]) -> None:
        if job is not None:
            note(f"the time of {job.id} is over: it is {job.status} {job.aside}")
            end(job.queue, job.id, self.model.age(job))

    @precondition(lambda self: any(batch.ended for batch in self.model.batches.values()))
    @rule(n=some)
    def the_life_of_a_batch_ends(self, n: int) -> None:
        ended = [each for each in self.model.batches.items() if each[1].ended]
        name, batch = ended[n % len(ended)]
        self.clock.end_life_of_batch(name, self.model.age(batch))

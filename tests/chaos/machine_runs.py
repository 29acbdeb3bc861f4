"""Rules of children and their supervisors: claim, end in every way, say it twice or too late, beat, die. Part of the machine."""

import secrets
from typing import Any

import orjson
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from lib.jobs import Claim, complete, failed, released
from lib.states import SUBMITTED
from tests.chaos.machine_base import CHILDREN, QUEUES, Base, some, twice
from tests.chaos.model import UNSERVED

SERVED = [QUEUES, QUEUES[::-1], QUEUES[:1], QUEUES[1:]]
child, worker = st.integers(0, CHILDREN - 1), st.integers(0, 1)
outcomes = st.sampled_from(["complete", "exception", "released"])


class Runs(Base):
    """What children do. A child is one of three slots; each death gives it a new name."""

    def _free(self, slot: int) -> int:
        """A child that can claim, this one or a next one, if there is one."""
        slots = [(slot + n) % CHILDREN for n in range(CHILDREN)]
        return next((each for each in slots if self.names[each] not in self.model.holds), slot)

    @precondition(lambda self: any(entries for place, entries in self.model.lists.items() if place[0] not in self.model.paused))
    @rule(slot=child, served=st.sampled_from(SERVED), again=twice)
    def claim(self, slot: int, served: list[str], again: bool) -> None:
        self._claim(self._free(slot), served, again)

    @rule(slot=child, served=st.sampled_from(SERVED), again=twice)
    def claim_also_where_there_is_nothing(self, slot: int, served: list[str], again: bool) -> None:
        self._claim(slot, served, again)

    def _claim(self, slot: int, served: list[str], again: bool) -> None:
        got = self.ask(lambda: self.jobs.claim(self.names[slot], self._worker(slot), served), again)
        self._claimed(slot, got, self.model.claim(self.names[slot], served, *_seen(got)))

    @precondition(lambda self: any(job.status == SUBMITTED for job in self.model.jobs.values()))
    @rule(slot=child, n=some, again=twice)
    def take(self, slot: int, n: int, again: bool) -> None:
        slot = self._free(slot)
        found = self.pick(n, lambda job: job.status == SUBMITTED)
        jid = found.id if found else "a"
        got = self.ask(lambda: self.jobs.take(jid, self.names[slot], self._worker(slot)), again)
        self._claimed(slot, got, self.model.take(jid, self.names[slot], _seen(got)[0]))

    def _claimed(self, slot: int, got: Any, wanted: str) -> None:
        note(f"{self.names[slot]} gets {got}, wanted {wanted}")
        if isinstance(got, Claim):
            assert wanted == f"claimed {got.id}"
            job = self.model.jobs[got.id]
            assert (got.queue, got.operation, got.attempt) == (job.queue, job.operation, job.charges["attempt"])
            self._forget(slot)
            self.claims[slot] = got
        else:
            assert (got or "nothing") == wanted

    def _forget(self, slot: int) -> None:
        if slot in self.claims:
            self.old.append(self.claims.pop(slot))
        self.marks.pop(slot, None)

    @precondition(lambda self: len(self.claims) > len(self.marks))
    @rule()
    def start(self) -> None:
        self.marks |= {slot: claim.token for slot, claim in self.claims.items()}

    @precondition(lambda self: self.claims)
    @rule(n=some)
    def stage_a_file(self, n: int) -> None:
        claim = list(self.claims.values())[n % len(self.claims)]
        got = self.ask(lambda: self.jobs.stage_file(claim, "said", claim.token.encode(), "text/plain"))
        job = self.model.holder(claim.id, claim.token)
        assert got == (None if job else "StaleClaim")
        if job:
            job.staged = True

    def _outcome(self, claim: Claim, outcome: str, may_retry: bool) -> Any:
        if outcome == "complete":
            return complete(orjson.dumps({"token": claim.token}))
        if outcome == "released":
            return released("stopping")
        return failed({"type": "ValueError", "message": claim.token, "reason": "exception"}, may_retry)

    @precondition(lambda self: self.claims)
    @rule(n=some, outcome=outcomes, may_retry=st.booleans(), again=twice)
    def finish(self, n: int, outcome: str, may_retry: bool, again: bool) -> None:
        slot = list(self.claims)[n % len(self.claims)]
        self._finish(self.claims[slot], outcome, may_retry, again)
        self._forget(slot)

    @precondition(lambda self: self.old)
    @rule(n=some, outcome=outcomes, again=twice)
    def finish_again_or_too_late(self, n: int, outcome: str, again: bool) -> None:
        self._finish(self.old[-1 - n % len(self.old)], outcome, True, again)

    def _finish(self, claim: Claim, outcome: str, may_retry: bool, again: bool) -> None:
        note(f"{claim.token} of {claim.id} is {outcome}")
        got = self.ask(lambda: self.jobs.finish(claim, self._outcome(claim, outcome, may_retry)), again)
        assert (got or "ok") == self.model.finish(claim.id, claim.token, outcome, may_retry)

    @precondition(lambda self: self.claims)
    @rule(n=some, outcome=outcomes, served=st.sampled_from(SERVED), again=twice)
    def turn(self, n: int, outcome: str, served: list[str], again: bool) -> None:
        slot = list(self.claims)[n % len(self.claims)]
        claim, name = self.claims[slot], self.names[slot]
        got = self.ask(
            lambda: self.jobs.turn(claim, self._outcome(claim, outcome, True), name, self._worker(slot), served), again
        )
        ended = self.model.finish(claim.id, claim.token, outcome)
        self._forget(slot)
        if not isinstance(got, str):
            assert got[0] == (ended == "ok")
            got = got[1]
        self._claimed(slot, got, self.model.claim(name, served, *_seen(got)))

    @precondition(lambda self: self.claims)
    @rule(n=some, again=twice)
    def set_aside(self, n: int, again: bool) -> None:
        slot = list(self.claims)[n % len(self.claims)]
        claim = self.claims[slot]
        note(f"sets {claim.id} aside")
        self.ask(lambda: self.jobs.set_aside(claim), again)
        self.model.set_aside(claim.id, claim.token)
        self._forget(slot)

    @precondition(lambda self: any(job.aside == UNSERVED for job in self.model.jobs.values()))
    @rule(served=st.sampled_from(SERVED), operations=st.sampled_from(["x", "xy"]), again=twice)
    def serve(self, served: list[str], operations: str, again: bool) -> None:
        got = self.ask(lambda: self.jobs.register(served, 1, list(operations)), again)
        wanted = sum(self.model.serve(queue, set(operations)) for queue in served)
        assert again or got == wanted

    @precondition(lambda self: self.claims)
    @rule(number=worker, n=some, again=twice)
    def beat(self, number: int, n: int, again: bool) -> None:
        held = [claim for slot, claim in self.claims.items() if slot % 2 == number] + self.old[n:][:1]
        got = self.ask(lambda: self.jobs.beat(f"w{number}", {}, [(claim.id, claim.token) for claim in held]), again)
        assert got[1] == [self.model.beat(claim.id, claim.token) for claim in held]

    @rule(slot=child, verdict=st.sampled_from(["crash", "crash", "failed", "released"]), again=twice)
    def bury(self, slot: int, verdict: str, again: bool) -> None:
        slot = min(self.claims, default=slot)
        name, mark = self.names[slot], self.marks.get(slot, "")
        detail = {"summary": mark} if verdict == "crash" else {"type": "Timeout", "message": mark, "reason": "timeout"}
        reason = "timeout" if verdict == "failed" else "stopping"
        note(f"{name} is dead: {verdict}, mark {mark}")
        got = self.ask(lambda: self.jobs.bury(name, mark, verdict, reason, detail), again)
        wanted = self.model.bury(name, mark, verdict, mark)
        assert again or (f"freed {got[0]}" if got else "nothing") == wanted
        assert self.ask(lambda: self.jobs.claim(name, self._worker(slot), QUEUES)) == "ChildClosed"
        self._forget(slot)
        self.names[slot] = self._name(slot)


def _seen(got: Any) -> tuple[str, str]:
    """Token and id of a claim, which the model takes from it: both are random."""
    return (got.token, got.id) if isinstance(got, Claim) else (secrets.token_hex(4), "")

"""What the queue promises, as plain Python without Redis, time or luck: the state machine (`tests.chaos.machine`) plays every
call to the scripts and to this, and compares. It knows the states, the places in which a job may lie, whose token counts, what
is charged, and the order in which jobs run; nothing of keys, of scripts or of how a promise is kept.

An answer is a word: what a caller gets back, or the name of the error that is raised. Time does not pass by itself: `age` says
that the time of something is over (its lease, its delay, its time to live).
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from lib.states import CANCELLED, COMPLETE, FAILED, IN_PROGRESS, PRIORITIES, SCHEDULED, SUBMITTED, TERMINAL, WAITING

UNSERVED, LIMITED = "unserved", "limited"


@dataclass
class Job:
    """One job; the fields down to `batch` are what its submitter said."""

    id: str
    queue: str
    priority: str = "normal"
    body: Any = None  # all of it, to be compared with what comes again under the same id
    operation: str = "x"
    parents: tuple[str, ...] = ()
    any_end: bool = False
    delayed: bool = False
    key: str | None = None  # of its operation and this key, one runs at once
    max_retries: int = 0
    intervals: tuple[float, ...] = ()
    max_crashes: int = 2
    batch: str | None = None
    idempotency: str | None = None
    seq: int = 0
    status: str = SUBMITTED
    aside: str = ""  # submitted, and in no list: UNSERVED or LIMITED
    front: bool = False  # came to its list at the front
    when: int = 0  # orders what lies in one place
    due: bool = False  # the time of its place is over
    stale: int = 0  # entries of it in the lists that are to be dropped
    token: str = ""
    child: str = ""
    said: str = ""  # token of the last end that its holder itself has said
    staged: bool = False
    cancel: bool = False
    why: tuple[str, str] = ("", "")  # of its end: reason, and a text that the error or result must hold
    charges: Counter[str] = field(default_factory=Counter)  # attempt, crashes, lost, retries, releases
    outcomes: dict[int, str] = field(default_factory=dict)  # of its attempts
    runs: list[str] = field(default_factory=list)  # how those before this one ended
    awaits: set[str] = field(default_factory=set)  # parents whose end it has not been told
    needs: set[str] = field(default_factory=set)  # parents that are kept for it

    @property
    def ended(self) -> bool:
        """Whether it is in a terminal state."""
        return self.status in TERMINAL


@dataclass
class Batch:
    """Many jobs under one id."""

    body: Any
    ids: list[str]
    counts: Counter[str] = field(default_factory=Counter)
    due: bool = False

    @property
    def ended(self) -> bool:
        """Whether all of its jobs have."""
        return self.counts.total() >= len(self.ids)


class Places:
    """Where everything lies, how it comes there and how it ends. `reaps`: upkeep trusts the leases, not so after a restart."""

    def __init__(self, queues: list[str], max_lost: int) -> None:
        self.queues, self.max_lost = queues, max_lost
        self.jobs: dict[str, Job] = {}
        self.tombs: dict[str, Job] = {}  # deleted, and still in a list
        places = [(queue, priority, held) for queue in queues for priority in PRIORITIES for held in (False, True)]
        self.lists: dict[tuple[str, str, bool], list[str]] = {place: [] for place in places}
        self.rejected: Counter[str] = Counter()
        self.batches: dict[str, Batch] = {}
        self.idempotency: dict[str, str] = {}
        self.holds: dict[str, str] = {}
        self.closed: set[str] = set()
        self.paused: set[str] = set()
        self.draining: set[str] = set()
        self.reaps = False
        self._ticks = 0
        self._telling: set[str] | None = None

    def _tick(self) -> int:
        self._ticks += 1
        return self._ticks

    def _lying(self, queue: str, status: str = SUBMITTED, aside: str = "", due: bool | None = None) -> list[Job]:
        """What lies in one place, in its order."""
        found = [job for job in self.jobs.values() if (job.queue, job.status, job.aside) == (queue, status, aside)]
        return sorted((job for job in found if due in (None, job.due)), key=lambda job: (not job.due, job.when))

    def _go(self, job: Job, status: str, aside: str = "") -> None:
        job.status, job.aside, job.due, job.when = status, aside, False, self._tick()

    def _push(self, job: Job, front: bool = False) -> None:
        entries = self.lists[job.queue, job.priority, job.queue in self.paused]
        entries.insert(0 if front else len(entries), job.id)
        job.front = front

    def _drop(self, jid: str, queue: str) -> None:
        job = self.jobs.get(jid) or self.tombs.get(jid)
        if job is None:
            self.rejected[queue] += 1
        elif job.stale:
            job.stale -= 1
            if not job.stale:
                self.tombs.pop(jid, None)

    def _depend(self, job: Job) -> None:
        job.needs = {parent for parent in job.parents if parent in self.jobs}
        job.awaits = {parent for parent in job.needs if not self.jobs[parent].ended}

    def _set_out(self, job: Job) -> None:
        self._go(job, SCHEDULED if job.delayed else SUBMITTED)
        if not job.delayed:
            self._push(job)

    # Ends

    def _end(self, job: Job, status: str, reason: str = "", text: str = "") -> None:
        ran = job.status == IN_PROGRESS
        self._go(job, status)
        job.cancel, job.why = False, (reason, text)
        job.needs, job.awaits = set(), set()
        if job.batch in self.batches:
            self.batches[job.batch].counts[status] += 1
        first, self._telling = self._telling is None, {*(self._telling or ()), job.id}
        while first and self._telling:  # those that end in one call: by their names
            self._tell(min(self._telling))
        if first:
            self._telling = None
        if ran:
            self._unlease(job)

    def _tell(self, jid: str) -> None:
        assert self._telling is not None
        self._telling.discard(jid)
        for child in sorted(self.jobs.values(), key=lambda job: job.seq):
            if child.status != WAITING or jid not in child.awaits:
                continue
            child.awaits.discard(jid)
            if self.jobs[jid].status != COMPLETE and not child.any_end:
                self._end(child, FAILED, "parent")
            elif not child.awaits:
                self._set_out(child)

    def _unlease(self, job: Job) -> None:
        del self.holds[job.child]
        laid_aside = sorted((other for other in self.jobs.values() if other.aside == LIMITED), key=lambda other: other.seq)
        for other in laid_aside:
            if job.key and other.key == job.key:
                other.aside = ""
                self._push(other, front=True)
                if other.queue not in self.paused:
                    return

    def _call(self, queue: str) -> None:
        """Jobs that lie aside though a place of their key is free, and none of that key is in front to take it."""
        taken = {job.key for job in self.jobs.values() if job.status == IN_PROGRESS}
        taken |= {job.key for job in self._lying(queue) if job.front}
        called = []
        for job in self._lying(queue, aside=LIMITED) if queue not in self.paused else []:
            if job.key not in taken:
                taken.add(job.key)
                called.append(job)
        for job in reversed(called):
            job.aside = ""
            self._push(job, front=True)

    def _requeue(self, job: Job, front: bool, later: bool = False) -> None:
        self._unlease(job)
        self._go(job, SCHEDULED if later else SUBMITTED)
        if not later:
            self._push(job, front)

    def _note(self, job: Job, outcome: str) -> None:
        job.outcomes[job.charges["attempt"]] = outcome
        job.outcomes.pop(job.charges["attempt"] - 20, None)

    def _give_back(self, job: Job, reason: str) -> None:
        if job.cancel:
            return self._end(job, CANCELLED)
        self._note(job, reason)
        job.charges["releases"] += 1
        self._requeue(job, front=True)

    def _fail_or_retry(self, job: Job, reason: str, text: str, may_retry: bool) -> None:
        if job.cancel:
            return self._end(job, CANCELLED)
        self._note(job, reason)
        if not may_retry or job.charges["retries"] >= job.max_retries:
            return self._end(job, FAILED, reason, text)
        intervals, job.charges["retries"] = (
            job.intervals[job.charges["retries"] :] or job.intervals[-1:],
            job.charges["retries"] + 1,
        )
        self._requeue(job, front=False, later=intervals[:1] not in ((), (0,)))

    def _charge(self, job: Job, reason: str, name: str, most: int, text: str = "") -> None:
        if job.cancel:
            return self._end(job, CANCELLED)
        self._note(job, reason)
        job.charges[name] += 1
        if job.charges[name] > most:
            self._end(job, FAILED, reason, text)
        else:
            self._requeue(job, front=True)

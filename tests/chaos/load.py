"""The load: which jobs a seed submits, and submitters that send each again until it is acknowledged, but for a few that ask
once and take what they are told."""

import random
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

import httpx

from lib.errors import Conflict, InvalidInput, QueueDraining, QueueFull, StoreFull, StoreUnavailable, UnknownJob
from lib.jobs import Jobs, Retry, Submission
from lib.settings import Settings
from lib.store import Store
from tests.chaos.requests import ACKNOWLEDGED, REFUSED, UNKNOWN, Requests

PATIENT = Retry(2, (0.05, 0.2))
Kinds = list[tuple[float, str, dict[str, Any], Retry]]
# Parts of a hundred: what the jobs are.
_KINDS: Kinds = [
    (66, "ledger_noop", {}, Retry()),
    (12, "ledger_cpu", {"milliseconds": 5.0}, Retry()),
    (7.7, "ledger_sleep", {"seconds": 0.15}, Retry()),
    (0.3, "ledger_sleep", {"seconds": 3.0}, Retry()),  # longer than a short lease: their late results must be dropped
    (4, "ledger_talk", {"lines": 3}, Retry()),
    (4, "ledger_raise", {"times": 1}, PATIENT),
    (2, "ledger_raise", {"times": 1}, Retry(1)),
    (1, "ledger_raise", {"times": 99}, PATIENT),
    (2, "ledger_crash", {"times": 1}, Retry()),
    (1, "ledger_crash", {"times": 99}, Retry()),
]
QUEUES = ("job-queue", "second")


@dataclass(frozen=True)
class Todo:
    """A job to submit.

    Args:
        http: over HTTP; `keyed` ones have an Idempotency-Key and no id.
        cancel: soon after.
        parents: how many of the last ones it depends on.
        insists: sent until it is acknowledged, and not only once.
    """

    submission: Submission
    queue: str
    http: bool
    cancel: bool
    parents: int
    insists: bool
    keyed: bool


def todos(seed: int, jobs: int, kinds: Kinds = _KINDS) -> list[Todo]:
    """The jobs of a seed. Nothing but the arguments decides them.

    Args:
        kinds: part of the whole, operation, parameters and retry of each.
    """
    dice = random.Random(seed * 1_000_003 + 17)
    drawn = dice.choices(kinds, [part for part, *_ in kinds], k=jobs)
    found = []
    for n, (_, operation, params, retry) in enumerate(drawn):
        submission = Submission(
            operation,
            params,
            id=f"s{seed}-{n}",
            priority=dice.choices(("high", "normal", "low"), (1, 8, 1))[0],
            run_in=dice.uniform(0.05, 0.5) if dice.random() < 0.03 else 0.0,
            retry=retry,
            concurrency_key=dice.choice("abc") if dice.random() < 0.04 else None,
        )
        queue = QUEUES[dice.random() < 0.1]
        found.append(
            Todo(
                submission,
                queue,
                dice.random() < 0.15,
                dice.random() < 0.01,
                dice.choice((1, 1, 3)) if dice.random() < 0.05 else 0,
                dice.random() > 0.04,
                dice.random() < 0.5,
            )
        )
    return found


def _dependent(todo: Todo, known: list[str]) -> Todo:
    """The same, depending on jobs that were accepted shortly before; every other one runs also where they fail."""
    parents = known[-todo.parents :] if todo.parents else []
    if not parents:
        return todo
    return replace(todo, submission=replace(todo.submission, depends_on=parents, allow_failure=todo.parents == 1))


class Load:
    """Submits everything from threads of its own, never more than `backlog` jobs ahead of those that have ended.

    Args:
        work: what to submit, in order.
        ended: grows as jobs end.
        api_url: of the API, None for none.
        library: settings for each submitter that calls the library.
        requests: takes what they are told.
    """

    def __init__(
        self,
        work: list[Todo],
        ended: set[str],
        api_url: str | None,
        library: list[Settings],
        requests: Requests,
        backlog: int = 200,
    ) -> None:
        self.ended, self.api_url, self.requests, self.backlog = ended, api_url, requests, backlog
        self.acknowledged: dict[str, str] = {}
        self.problems: list[str] = []
        self.cancelled = 0
        web = [todo for todo in work if todo.http and api_url]
        rest = [todo for todo in work if not (todo.http and api_url)]
        self._threads = [
            threading.Thread(target=self._submit, args=(settings, rest[n :: len(library)]), daemon=True)
            for n, settings in enumerate(library)
        ]
        if web:
            self._threads.append(threading.Thread(target=self._post, args=(web,), daemon=True))

    def start(self) -> None:
        """Start submitting."""
        for thread in self._threads:
            thread.start()

    @property
    def done(self) -> bool:
        """Whether every job was acknowledged, or given up by who asked only once."""
        return not any(thread.is_alive() for thread in self._threads)

    def _wait_for_room(self) -> None:
        while len(self.acknowledged) - len(self.ended) > self.backlog:
            time.sleep(0.01)

    def _submit(self, settings: Settings, work: list[Todo]) -> None:
        """One by one and, every now and then, many at once."""
        jobs = Jobs(settings, store=Store(settings, patience=1.0))
        batch: list[Todo] = []
        mine: list[str] = []
        for n, todo in enumerate(work):
            self._wait_for_room()
            todo = _dependent(todo, mine)
            batch.append(todo)
            if n % 50 < 10 and n + 1 < len(work) and work[n + 1].queue == todo.queue:
                continue
            if self._submit_some(jobs, batch):
                mine += [one.submission.id for one in batch]
                if todo.cancel:
                    self._cancel(jobs, todo.submission.id)
            batch = []

    def _submit_some(self, jobs: Jobs, some: list[Todo]) -> bool:
        """Whether they were acknowledged. An answer that says no is a problem: it was our own id and content."""
        submissions = [one.submission for one in some]
        ids = [one.id for one in submissions]
        while True:
            try:
                jobs.submit_many(submissions, queue=some[0].queue)
                said, answer = "accepted", ACKNOWLEDGED
            except (StoreUnavailable, StoreFull) as error:
                said, answer = repr(error), UNKNOWN
            except (QueueFull, QueueDraining) as error:
                said, answer = repr(error), REFUSED
            except (Conflict, InvalidInput, UnknownJob) as error:
                self.problems.append(f"{ids}: {error}")
                said, answer = repr(error), UNKNOWN
            self.requests.tried(ids, "", said)
            if answer == ACKNOWLEDGED or not some[-1].insists or self.problems:
                break
            time.sleep(0.05)
        self.requests.end(ids, "", answer)
        if answer == ACKNOWLEDGED:
            self.acknowledged |= {one.id: one.operation for one in submissions}
        return answer == ACKNOWLEDGED

    def _cancel(self, jobs: Jobs, jid: str) -> None:
        while True:
            try:
                jobs.cancel(jid)
                self.cancelled += 1
                return
            except Conflict:  # it has ended already
                return
            except (StoreUnavailable, StoreFull):
                time.sleep(0.05)
            except UnknownJob as error:
                self.problems.append(f"cancel of {jid}: {error}")
                return

    def _post(self, work: list[Todo]) -> None:
        with httpx.Client(base_url=self.api_url or "", timeout=5.0) as client:
            for todo in work:
                self._wait_for_room()
                self._post_one(client, todo)

    def _post_one(self, client: httpx.Client, todo: Todo) -> None:
        one = todo.submission
        ids, key = ([], f"key-{one.id}") if todo.keyed else ([one.id], "")
        while True:
            answer, said, jid = self._ask(client, todo, key)
            self.requests.tried(ids, key, said)
            if answer == ACKNOWLEDGED or not todo.insists or self.problems:
                break
            time.sleep(0.05)
        self.requests.end([jid] if jid else ids, key, answer)
        if answer != ACKNOWLEDGED:
            return
        self.acknowledged[jid] = one.operation
        if key:
            again, said, other = self._ask(client, todo, key)
            self.requests.tried(ids, key, said)
            if again == ACKNOWLEDGED and other != jid:
                self.problems.append(f"{key} was answered with {jid}, and then with {other}")

    def _ask(self, client: httpx.Client, todo: Todo, key: str) -> tuple[str, str, str]:
        """Send it once: what the answer means, what it says, and the job's id where it was accepted."""
        one = todo.submission
        retry = {"max": one.retry.max, "intervals": list(one.retry.intervals)}
        body: dict[str, Any] = {"operation": one.operation, "params": one.params, "priority": one.priority, "queue": todo.queue}
        body |= {"run_in": one.run_in, "retry": retry} | ({} if key else {"id": one.id})
        try:
            answer = client.post("/jobs", json=body, headers={"Idempotency-Key": key} if key else {})
        except httpx.HTTPError as error:
            return UNKNOWN, repr(error), ""
        said = f"{answer.status_code} {answer.text[:300]!r}"
        if answer.status_code in (200, 202):
            return ACKNOWLEDGED, said, answer.json()["id"]
        if answer.status_code == 429 or "queue-draining" in answer.text:
            return REFUSED, said, ""
        if answer.status_code not in (500, 502, 503):
            self.problems.append(f"{key or one.id}: POST /jobs answered {said}")
        return UNKNOWN, said, ""

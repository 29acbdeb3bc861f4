"""The load: which jobs a seed submits, and submitters that send each again until it is acknowledged."""

import random
import threading
import time
from dataclasses import dataclass, replace
from typing import Any

import httpx

from lib.errors import Conflict, QueueFull, StoreFull, StoreUnavailable, UnknownJob
from lib.jobs import Jobs, Retry, Submission
from lib.settings import Settings
from lib.store import Store

_PATIENT = Retry(2, (0.05, 0.2))
# Parts of a hundred: what the jobs are.
_KINDS: list[tuple[float, str, dict[str, Any], Retry]] = [
    (66, "ledger_noop", {}, Retry()),
    (12, "ledger_cpu", {"milliseconds": 5.0}, Retry()),
    (7.7, "ledger_sleep", {"seconds": 0.15}, Retry()),
    (0.3, "ledger_sleep", {"seconds": 3.0}, Retry()),  # longer than a short lease: their late results must be dropped
    (4, "ledger_talk", {"lines": 3}, Retry()),
    (4, "ledger_raise", {"times": 1}, _PATIENT),
    (2, "ledger_raise", {"times": 1}, Retry(1)),
    (1, "ledger_raise", {"times": 99}, _PATIENT),
    (2, "ledger_crash", {"times": 1}, Retry()),
    (1, "ledger_crash", {"times": 99}, Retry()),
]
QUEUES = ("job-queue", "second")


@dataclass(frozen=True)
class Todo:
    """A job to submit, to which queue, whether over HTTP, whether it is cancelled soon after, and how many it depends on."""

    submission: Submission
    queue: str
    http: bool
    cancel: bool
    parents: int


def todos(seed: int, jobs: int) -> list[Todo]:
    """The jobs of a seed. Nothing but the arguments decides them."""
    dice = random.Random(seed * 1_000_003 + 17)
    drawn = dice.choices(_KINDS, [part for part, *_ in _KINDS], k=jobs)
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
    """Submits in threads, never more than `backlog` jobs ahead of what has ended.

    Args:
        ended: jobs that have ended, as the history sees them.
        api_url: of the API, or None: then everything goes through the library.
        library: settings of the library's submitters, one thread each.
    """

    def __init__(
        self, work: list[Todo], ended: set[str], api_url: str | None, library: list[Settings], backlog: int = 200
    ) -> None:
        self.work, self.ended, self.api_url, self.backlog = work, ended, api_url, backlog
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
        """Whether every job was acknowledged."""
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
            if n % 50 < 10 and todo is not work[-1] and work[n + 1].queue == todo.queue:
                continue
            self._insist(todo, lambda batch=batch: jobs.submit_many([one.submission for one in batch], queue=batch[0].queue))
            for one in batch:
                self._note(one)
                mine.append(one.submission.id)
            if todo.cancel:
                self._insist(todo, lambda jid=todo.submission.id: self._cancel(jobs, jid))
            batch = []

    def _cancel(self, jobs: Jobs, jid: str) -> None:
        try:
            jobs.cancel(jid)
            self.cancelled += 1
        except Conflict:  # it has ended already
            pass

    def _note(self, todo: Todo) -> None:
        self.acknowledged[todo.submission.id] = todo.submission.operation

    def _insist(self, todo: Todo, call: Any) -> None:
        """Send again until it is answered. An answer that says no is a problem: it was our own id and content."""
        while True:
            try:
                call()
                return
            except (StoreUnavailable, StoreFull, QueueFull):
                time.sleep(0.05)
            except (Conflict, UnknownJob) as error:
                self.problems.append(f"{todo.submission.id}: {error}")
                return

    def _post(self, work: list[Todo]) -> None:
        with httpx.Client(base_url=self.api_url or "", timeout=5.0) as client:
            for todo in work:
                self._wait_for_room()
                self._post_one(client, todo)

    def _post_one(self, client: httpx.Client, todo: Todo) -> None:
        one = replace(todo.submission)
        body: dict[str, Any] = {
            "operation": one.operation,
            "params": one.params,
            "id": one.id,
            "priority": one.priority,
            "queue": todo.queue,
        }
        body |= {"run_in": one.run_in, "retry": {"max": one.retry.max, "intervals": list(one.retry.intervals)}}
        while True:
            try:
                answer = client.post("/jobs", json=body)
            except httpx.HTTPError:
                time.sleep(0.05)
                continue
            if answer.status_code in (200, 202):
                self._note(todo)
                return
            if answer.status_code not in (429, 500, 502, 503):
                self.problems.append(f"{one.id}: POST /jobs answered {answer.status_code}: {answer.text[:300]}")
                return
            time.sleep(0.05)

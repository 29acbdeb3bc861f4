"""The load from outside: jobs of a seed submitted by the client, each with an Idempotency-Key, without a pause until the end; and
schedules beside them. What they are told is kept for the checker.

The client speaks through a port-forward that ends with its pod, and sends again until it is answered. How many jobs may be
open goes up and down, so that KEDA scales out and in.
"""

import threading
import time
from typing import Any

from lib.retries import Retry
from tests.chaos.history import History
from tests.chaos.load import PATIENT, Kinds, Todo, todos
from tests.e2e.release import Release
from trafficjobs import Client
from trafficjobs.errors import Conflict, Unavailable

# Parts of a hundred: what the jobs are. Of those that sleep the last are longer than the grace of a pod.
KINDS: Kinds = [
    (45, "ledger_noop", {}, Retry()),
    (15, "ledger_cpu", {"milliseconds": 50.0}, Retry()),
    (22, "ledger_sleep", {"seconds": 1.0}, Retry()),
    (4, "ledger_sleep", {"seconds": 6.0}, Retry()),
    (3, "ledger_sleep", {"seconds": 20.0}, Retry()),
    (4, "ledger_talk", {"lines": 3}, Retry()),
    (4, "ledger_raise", {"times": 1}, PATIENT),
    (1, "ledger_raise", {"times": 99}, PATIENT),
    (1.5, "ledger_crash", {"times": 1}, Retry()),
    (0.5, "ledger_crash", {"times": 99}, Retry()),
]
# Seconds between two times of each, and what they submit.
SCHEDULES: dict[str, tuple[float, str, dict[str, Any]]] = {
    "quick": (3.0, "ledger_noop", {}),
    "slow": (15.0, "ledger_sleep", {"seconds": 2.0}),
}
_THREADS = 2
_PAUSE = 0.15  # seconds between two jobs of a thread: the load is not to be what breaks the cluster
_OPEN, _HALF_WAVE = (6, 40), 45.0  # jobs that are open at most, and seconds until it is the other
_AGAIN = 10  # one job of so many is sent once more with the same key


class Submitters:
    """Threads that submit until `stop`.

    Args:
        history: says how many jobs are open.
        seed: which jobs.
        most: how many at most.
    """

    def __init__(self, release: Release, history: History, seed: int, most: int) -> None:
        self.release, self.history = release, history
        self.acknowledged: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.dependent = 0
        self.problems: list[str] = []
        self._began = time.monotonic()
        self._end = threading.Event()
        work = todos(seed, most, KINDS)
        self._threads = [
            threading.Thread(target=self._run, args=(n, work[n::_THREADS]), name=f"submitter-{n}", daemon=True)
            for n in range(_THREADS)
        ]

    def start(self) -> None:
        """Make the schedules, and begin."""
        for name, (every, operation, params) in SCHEDULES.items():
            job = {"operation": operation, "params": params}
            self.release.client().create_schedule(job, every=every, missed="all", id=name)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Submit nothing more; the schedules fire no more."""
        self._end.set()
        for thread in self._threads:
            thread.join(300)
        if any(thread.is_alive() for thread in self._threads):
            self.problems.append("a submitter did not hear of its last job within 300 s")
        for name in SCHEDULES:
            self.release.client().pause_schedule(name)

    def _run(self, number: int, work: list[Todo]) -> None:
        try:
            self._submit(number, work)
        except Exception as error:  # nothing that the service may say to such a job
            self.problems.append(f"submitter {number} ended: {error!r}")

    def _submit(self, number: int, work: list[Todo]) -> None:
        client = self.release.client()
        mine: list[str] = []
        for n, todo in enumerate(work):
            if not self._room():
                return
            parents = mine[-todo.parents :] if todo.parents else []
            key = f"chaos-{number}-{n}"
            job = self._send(client, key, todo, parents)
            self.acknowledged[job], self.keys[key] = todo.submission.operation, job
            self.dependent += bool(parents)
            if n % _AGAIN == 0 and (again := self._send(client, key, todo, parents)) != job:
                self.problems.append(f"{key} was answered with {job}, and then with {again}")
            mine = [*mine[-3:], job]
            if todo.cancel:
                self._cancel(client, job)
            self._end.wait(_PAUSE)
        self.problems.append("there were more jobs to submit")

    def _room(self) -> bool:
        """Wait until one more may be open; False at the end."""
        while not self._end.is_set():
            high = int((time.monotonic() - self._began) / _HALF_WAVE) % 2 == 0
            if len(self.history.seen) - len(self.history.ended) < _OPEN[high]:
                return True
            self._end.wait(0.05)
        return False

    def _send(self, client: Client, key: str, todo: Todo, parents: list[str]) -> str:
        """Send it until it is accepted; its id."""
        one = todo.submission
        options: dict[str, Any] = {"priority": one.priority, "queue": todo.queue, "concurrency_key": one.concurrency_key}
        if parents:
            options |= {"depends_on": parents, "allow_failure": todo.parents == 1}
        if one.run_in:
            options["run_in"] = one.run_in
        options["retry"] = {"max": one.retry.max, "intervals": list(one.retry.intervals)}
        while True:
            try:
                return client.submit(one.operation, one.params, idempotency_key=key, **options).id
            except Unavailable:  # after the client's own patience
                pass

    def _cancel(self, client: Client, job: str) -> None:
        while True:
            try:
                client.job(job).cancel()
                return
            except Conflict:  # it has ended already
                return
            except Unavailable:
                pass

"""Celery with Redis as broker and as result backend, three times: with processes (its default), with acks_late, and with
threads.

`celery worker --concurrency 2` is one parent and two processes; of threads there are two workers with two threads each, since
those of one process share a core. Better off: workers prefetch four jobs for each place, and by default acknowledge before
they run one, which loses it with its process; results expire after a day. Worse off: by default each submit subscribes to the
channel of its result. It has no batched submit: many are sent as a `group`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from celery import Celery as App
from celery import group

from bench.body import BODIES, Ran
from bench.contestant import Command, Contestant, url

app = App("bench", broker=url(), backend=url())
tasks: dict[str, Any] = {name: app.task(name=name)(body) for name, body in BODIES.items()}
late = App("bench", broker=url(), backend=url(), set_as_current=False, task_acks_late=True)
late_tasks: dict[str, Any] = {name: late.task(name=name)(body) for name, body in BODIES.items()}


class Celery(Contestant):
    """The default: prefork."""

    app: ClassVar[App] = app
    tasks: ClassVar[dict[str, Any]] = tasks
    variable: ClassVar[str] = "app"

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.app.finalize()

    def commands(self, processes: int) -> list[Command]:
        return [Command([*self._worker(), "--concurrency", str(processes)])]

    def _worker(self) -> list[str]:
        return ["-m", "celery", "--app", f"bench.contestants.celery:{self.variable}", "worker"]

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        return [self.tasks[body].delay(number).id for number in numbers]

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        sent = group(self.tasks[body].s(number) for number in numbers).apply_async()
        return [each.id for each in sent.results]

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        backend: Any = self.app.backend
        values = backend.mget([backend.get_key_for_task(jid) for jid in ids])
        found = [backend.decode_result(value) if value else {} for value in values]
        return [Ran(*each["result"]) if each.get("status") == "SUCCESS" else None for each in found]

    def close(self) -> None:
        self.app.close()


class CeleryLate(Celery):
    """The same with `task_acks_late`: a job whose process dies is run again, after an hour."""

    app = late
    tasks = late_tasks
    variable = "late"


class CeleryThreads(Celery):
    """The default with `--pool threads`."""

    def commands(self, processes: int) -> list[Command]:
        threads = [*self._worker(), "--pool", "threads", "--concurrency", "2"]
        return [Command([*threads, "--hostname", f"worker{number}@%h"]) for number in range(processes)]

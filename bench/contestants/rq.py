"""RQ, twice: with its default worker, which forks for every job, and with SimpleWorker, which does not.

The forking worker is what its documentation starts; SimpleWorker is faster, and loses the protection of the fork. They
drain a twenty-fifth and a fifth of the jobs, since all would take minutes. Better off: results expire after 500 seconds and
no count of jobs is kept. Worse off: it writes log lines for each job to a file, as it does by default, and pickles.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import redis
from rq import Queue
from rq.job import Job, JobStatus

from bench.body import Ran, noop
from bench.contestant import Contestant
from bench.workers import Command


class RQ(Contestant):
    """`rq worker`, as many as there are processes."""

    name = "rq"
    package = "rq"
    share = 0.04
    worker_class: ClassVar[str] = "rq.worker.Worker"

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.rd = redis.Redis(port=port)
        self.queue = Queue(connection=self.rd)

    def commands(self, processes: int) -> list[Command]:
        arguments = ["-m", "rq.cli", "worker", "--url", f"redis://127.0.0.1:{self.port}", "--worker-class", self.worker_class]
        return [Command(arguments)] * processes

    def submit_each(self, numbers: Sequence[int]) -> list[str]:
        return [self.queue.enqueue(noop, number).id for number in numbers]

    def submit_batch(self, numbers: Sequence[int]) -> list[str]:
        return [job.id for job in self.queue.enqueue_many([Queue.prepare_data(noop, (number,)) for number in numbers])]

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        jobs = Job.fetch_many(ids, connection=self.rd)
        return [Ran(*job.return_value()) if job.get_status(refresh=False) == JobStatus.FINISHED else None for job in jobs if job]

    def close(self) -> None:
        self.rd.close()


class RQSimple(RQ):
    """The same with `--worker-class rq.worker.SimpleWorker`."""

    name = "rq, SimpleWorker"
    share = 0.2
    worker_class = "rq.worker.SimpleWorker"

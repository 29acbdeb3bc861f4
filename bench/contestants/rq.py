"""RQ, twice: with its default worker, which forks for every job, and with SimpleWorker, which does not.

The forking worker is what its documentation starts; SimpleWorker is faster, and loses the protection of the fork. Better off:
results expire after 500 seconds and no count of jobs is kept; the jobs' module is imported before the fork, as its page on
performance advises. Worse off: it writes log lines for each job to a file, as it does by default, and pickles.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import redis
from rq import Queue
from rq.job import Job, JobStatus

from bench.body import BODIES, Ran
from bench.contestant import Command, Contestant


class RQ(Contestant):
    """`rq worker`, as many as there are processes."""

    worker_class: ClassVar[str] = "rq.worker.Worker"

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.rd = redis.Redis(port=port)
        self.queue = Queue(connection=self.rd)

    def commands(self, processes: int) -> list[Command]:
        arguments = ["-m", "rq.cli", "worker", "--url", f"redis://127.0.0.1:{self.port}", "--worker-class", self.worker_class]
        return [Command([*arguments, "--config", "bench.body"])] * processes  # imported for its own sake: it configures nothing

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        return [self.queue.enqueue(BODIES[body], number).id for number in numbers]

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        return [job.id for job in self.queue.enqueue_many([Queue.prepare_data(BODIES[body], (number,)) for number in numbers])]

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        return [_result(job) for job in Job.fetch_many(ids, connection=self.rd)]

    def close(self) -> None:
        self.rd.close()


def _result(job: Job | None) -> Ran | None:
    """With the worker for the process, which is another one for each job."""
    if job is None or job.get_status(refresh=False) != JobStatus.FINISHED:
        return None
    return Ran(*job.return_value())._replace(process=job.worker_name)


class RQSimple(RQ):
    """The same with `--worker-class rq.worker.SimpleWorker`."""

    worker_class = "rq.worker.SimpleWorker"

"""The queues: how each is started, how a job is submitted, and what its store says of it. Each with the defaults of its
documentation, on a server of its own, with two workers that run one job at a time.
"""

import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import redis
from hotqueue import HotQueue
from rq import Queue, Retry
from rq.job import Job

from bench.losses.body import work
from lib.jobs import Jobs, Submission
from lib.operations import load_catalog
from lib.settings import load_settings

_OPERATIONS = Path(__file__).parent / "operations"
ENDED, FAILED = "ended", "failed"


class Contender(ABC):
    """One queue on one server.

    Args:
        port: of the server, on 127.0.0.1.
        folder: for whatever its workers keep.
    """

    name: ClassVar[str]
    package: ClassVar[str] = ""
    patience: ClassVar[float]
    """Seconds in which it may recover by itself after the last kill."""
    recovers: ClassVar[str]
    """How, by its documentation; stands under the table."""

    def __init__(self, port: int, folder: Path) -> None:
        self.port, self.folder = port, folder

    @abstractmethod
    def worker(self, number: int) -> tuple[list[str], dict[str, str]]:
        """Arguments after the interpreter, and variables, of a worker."""

    def helpers(self) -> list[tuple[list[str], dict[str, str]]]:
        """The same of what runs beside the workers and is not killed."""
        return []

    @abstractmethod
    def submit(self, number: int) -> None:
        """Returns once it is accepted."""

    @abstractmethod
    def outcomes(self, numbers: Sequence[int]) -> dict[int, str]:
        """ENDED or FAILED for each job that its store shows so."""

    def elsewhere(self, number: int) -> dict[str, str]:
        """Variables of a worker whose next start is on another node, where nothing is that it kept."""
        return {}


class Ours(Contender):
    """Two workers of one child each, and upkeep."""

    name = "trafficjobs"
    patience = 120.0
    recovers = "the parent of a killed process reports it; what nobody reports is taken back when its lease of 30 s ends"

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.jobs = Jobs(load_settings(redis_ip="127.0.0.1", redis_port=port), load_catalog(_OPERATIONS))
        self._moves = 0

    def worker(self, number: int) -> tuple[list[str], dict[str, str]]:
        env = {"REDIS_IP": "127.0.0.1", "REDIS_PORT": str(self.port), "OPERATIONS_DIR": str(_OPERATIONS), "WORKER_CHILDREN": "1"}
        env |= {"WORKER_STATE_DIR": str(self.folder / f"state-{number}"), "DATA_CACHE": str(self.folder / "cache")}
        return ["-m", "services.worker"], env

    def helpers(self) -> list[tuple[list[str], dict[str, str]]]:
        return [(["-m", "services.api.upkeep"], self.worker(0)[1])]

    def elsewhere(self, number: int) -> dict[str, str]:
        self._moves += 1
        return {"WORKER_STATE_DIR": str(self.folder / f"state-{number}-{self._moves}")}

    def submit(self, number: int) -> None:
        self.jobs.submit(Submission("work", {"number": number}, id=f"n{number}"))

    def outcomes(self, numbers: Sequence[int]) -> dict[int, str]:
        states = {number: self.jobs.get(f"n{number}").status for number in numbers}
        told = {"complete": ENDED, "failed": FAILED}
        return {number: told[status] for number, status in states.items() if status in told}


class Course(Contender):
    """HotQueue with a hash for each job, as the course's worker has it."""

    name = "hotqueue + hash"
    package = "hotqueue"
    patience = 10.0
    recovers = "not at all"

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.rd = redis.Redis(port=port, db=0)
        self.q = HotQueue("queue", host="127.0.0.1", port=port, db=1, socket_timeout=None)

    def worker(self, number: int) -> tuple[list[str], dict[str, str]]:
        return ["-m", "bench.losses.contenders", str(self.port)], {}

    def submit(self, number: int) -> None:
        self.rd.hset(f"job.{number}", mapping={"id": number, "status": "submitted"})
        self.q.put(number)

    def outcomes(self, numbers: Sequence[int]) -> dict[int, str]:
        return {number: ENDED for number in numbers if self.rd.hget(f"job.{number}", "status") == b"complete"}

    @staticmethod
    def work_forever(port: int) -> None:
        """The course's worker: `execute_job` under `@q.worker`."""
        rd = redis.Redis(port=port, db=0)
        q = HotQueue("queue", host="127.0.0.1", port=port, db=1, socket_timeout=None)

        @q.worker
        def execute_job(number: int) -> None:
            rd.hset(f"job.{number}", "status", "in progress")
            work(number)
            rd.hset(f"job.{number}", "status", "complete")

        execute_job()


class Rq(Contender):
    """`rq worker`, which forks for every job."""

    name = "rq"
    package = "rq"
    patience = 1_200.0
    recovers = (
        "the parent of a killed process fails its job; every 10 min, or when they wake next, which idle ones do every 7 min, "
        "workers look for jobs whose worker has been silent for 90 s"
    )
    retry: ClassVar[Retry | None] = None

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.rd = redis.Redis(port=port)
        self.queue = Queue(connection=self.rd)

    def worker(self, number: int) -> tuple[list[str], dict[str, str]]:
        return ["-m", "rq.cli", "worker", "--url", f"redis://127.0.0.1:{self.port}"], {}

    def submit(self, number: int) -> None:
        self.queue.enqueue(work, number, job_id=f"n{number}", retry=self.retry)

    def outcomes(self, numbers: Sequence[int]) -> dict[int, str]:
        told = {"finished": ENDED, "failed": FAILED}
        found = zip(numbers, Job.fetch_many([f"n{number}" for number in numbers], connection=self.rd), strict=True)
        states = {number: job.get_status(refresh=False) for number, job in found if job is not None}
        return {number: told[status.value] for number, status in states.items() if status and status.value in told}


class RqWithRetry(Rq):
    """The same, each job with `Retry(max=3)`."""

    name = "rq, Retry(max=3)"
    recovers = "the same, and the job is queued again up to three times"
    retry = Retry(max=3)


CONTENDERS: list[type[Contender]] = [Ours, Course, Rq, RqWithRetry]


if __name__ == "__main__":
    Course.work_forever(int(sys.argv[1]))

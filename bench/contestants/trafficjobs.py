"""Ours: the real worker program, submits through the library with the catalog, as the API does.

Worse off: it checks every parameter against a model, keeps indexes, counters, histograms, an event stream and a fenced
lease for each job, and upkeep runs beside it; no peer does most of that. Better off: nothing known; its startup (pandas)
is not counted, nor is any peer's.
"""

from collections.abc import Sequence
from pathlib import Path

from bench.body import Ran
from bench.contestant import Command, Contestant
from bench.ours import OPERATIONS, our_settings
from lib.jobs import Jobs, Submission
from lib.operations import load_catalog
from lib.states import TERMINAL

_SECOND = "second"


class Trafficjobs(Contestant):
    """One worker whose children are the processes, and upkeep."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.jobs = Jobs(our_settings(port, queues=[_SECOND]), load_catalog(OPERATIONS))

    def commands(self, processes: int) -> list[Command]:
        environment = {
            "REDIS_IP": "127.0.0.1",
            "REDIS_PORT": str(self.port),
            "QUEUES": _SECOND,
            "OPERATIONS_DIR": str(OPERATIONS),
            "WORKER_CHILDREN": str(processes),
            "WORKER_STATE_DIR": str(self.folder / "worker"),
            "DATA_CACHE": str(self.folder / "cache"),
        }
        programs = ("services.worker", "services.api.upkeep")
        return [Command(["-m", program], environment) for program in programs]

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        return [self.jobs.submit(Submission(body, {"number": number})).id for number in numbers]

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        return [job.id for job in self.jobs.submit_many(Submission(body, {"number": number}) for number in numbers)]

    def submit_to(self, lane: str, number: int) -> str:
        priority = lane if lane in ("high", "low") else "normal"
        queue = _SECOND if lane == "second queue" else None
        return self.jobs.submit(Submission("noop", {"number": number}, priority=priority), queue=queue).id

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        found = [self.jobs.get(jid) for jid in ids]
        return [Ran(*job.result) if job is not None and job.status in TERMINAL else None for job in found]

    def close(self) -> None:
        self.jobs.close()

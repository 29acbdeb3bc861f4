"""HotQueue with a hash for each job: the way the course teaches, and the one our users come from.

Better off: it keeps no index, no time and no lease, and loses a job with its worker; the result is written in the same
command as the status, where the course writes twice. Worse off: the course's `update_job_status` reads the whole record
before it writes it. Batched submits put all hashes into one pipeline and all ids into one RPUSH, which the course does not.
"""

import json
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

import redis
from hotqueue import HotQueue

from bench.body import BODIES, Ran
from bench.contestant import Command, Contestant


class HotQueueAndHash(Contestant):
    """Two databases and two processes of this very file."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.rd = redis.Redis(port=port, db=0)
        self.q = HotQueue("queue", host="127.0.0.1", port=port, db=1, socket_timeout=None)

    def commands(self, processes: int) -> list[Command]:
        return [Command(["-m", "bench.contestants.hotqueue_hash", str(self.port)])] * processes

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        ids = []
        for number in numbers:
            job = _new_job(body, number)
            self.rd.hset(f"job.{job['id']}", mapping=job)
            self.q.put(job["id"])
            ids.append(job["id"])
        return ids

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        jobs = [_new_job(body, number) for number in numbers]
        pipeline = self.rd.pipeline(transaction=False)
        for job in jobs:
            pipeline.hset(f"job.{job['id']}", mapping=job)
        pipeline.execute()
        ids = [job["id"] for job in jobs]
        self.q.put(*ids)
        return ids

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        records = [self.rd.hgetall(f"job.{jid}") for jid in ids]
        return [Ran(*json.loads(record[b"result"])) if record[b"status"] == b"complete" else None for record in records]

    def close(self) -> None:
        self.rd.close()


def _new_job(body: str, number: int) -> dict[str, str]:
    return {"id": str(uuid.uuid4()), "status": "submitted", "body": body, "number": str(number)}


def work(port: int) -> None:
    """The course's worker: `execute_job` under `@q.worker`, for ever."""
    rd = redis.Redis(port=port, db=0)
    q = HotQueue("queue", host="127.0.0.1", port=port, db=1, socket_timeout=None)

    def update_job_status(jid: str, status: str, **more: str) -> dict[str, str]:
        job = {name.decode(): value.decode() for name, value in rd.hgetall(f"job.{jid}").items()}
        job |= {"status": status} | more
        rd.hset(f"job.{jid}", mapping=job)
        return job

    @q.worker
    def execute_job(jid: str) -> None:
        job = update_job_status(jid, "in progress")
        update_job_status(jid, "complete", result=json.dumps(BODIES[job["body"]](int(job["number"]))))

    execute_job()


if __name__ == "__main__":
    work(int(sys.argv[1]))

"""How many jobs a second Redis hands out and takes back, by the number of workers, and the part of a core that it needs for
it.

Only ours is asked. The workers are simulated: processes that claim and finish in one round trip after the other, and run
nothing, so that what is measured is the server and our scripts. They were forked from one process and begin together. With
few of them, a worker waits for the network and for Python; with many, all wait for the server.
"""

import multiprocessing
import os
import time
from typing import Any

import redis

from bench.entrants import Entrant
from bench.ours import our_queue
from bench.question import Answer, Question, Table
from bench.server import fresh_server, processor_seconds
from lib.claims import complete
from lib.jobs import Submission

_WORKERS = (1, 2, 4, 8, 16, 32, 64)
_RATE = Table("scale: jobs that do nothing, by simulated workers, all on the same machine", "jobs/s", ordered=True)
_SHARE = Table("scale: what Redis uses meanwhile", "% of a core", ordered=True)
_FORK = multiprocessing.get_context("fork")
_PATIENCE = 120.0


class Scale(Question):
    """Claim and finish."""

    name = "scale"
    tables = (_RATE, _SHARE)
    most_repeats = 1

    def ask(self, entrant: Entrant, jobs: int) -> Answer:
        if entrant.peer:
            return {}
        answer: Answer = {_RATE: {}, _SHARE: {}}
        with fresh_server() as server:
            for workers in _WORKERS:
                rate, share = _drain(server.port, workers, max(2 * jobs, 20 * workers))
                label = f"{workers} {'worker' if workers == 1 else 'workers'}"
                answer[_RATE][label], answer[_SHARE][label] = [rate], [100 * share]
        return answer


def _drain(port: int, workers: int, count: int) -> tuple[float, float]:
    """Jobs a second, and seconds of the server's processor for each second."""
    with our_queue(port) as jobs, redis.Redis(port=port) as client:
        before = jobs.counts()["complete"]
        jobs.submit_many(Submission("noop", {"number": number}) for number in range(count))
        barrier, ends = _FORK.Barrier(workers + 1), _FORK.Array("d", workers, lock=False)
        processes = [_FORK.Process(target=_work, args=(port, number, barrier, ends)) for number in range(workers)]
        for process in processes:
            process.start()
        try:
            barrier.wait(_PATIENCE)
            began, used = time.monotonic(), processor_seconds(client)
            for process in processes:
                process.join(_PATIENCE)
            seconds = max(ends) - began
            used = processor_seconds(client) - used
        finally:
            for process in processes:
                process.kill()
                process.join()
        if jobs.counts()["complete"] - before != count:
            raise RuntimeError(f"{jobs.counts()['complete'] - before} of {count} jobs ended")
    return count / seconds, used / seconds


def _work(port: int, number: int, barrier: Any, ends: Any) -> None:
    """One worker; it says when it found nothing more to claim."""
    child = f"bench-{os.getpid()}"
    with our_queue(port) as jobs:
        queues = jobs.settings.all_queues
        jobs.counts()  # connected
        barrier.wait(_PATIENCE)
        claim = jobs.claim(child, "bench", queues)
        while claim is not None:
            claim = jobs.turn(claim, complete(b"0"), child, "bench", queues)[1]
        ends[number] = time.monotonic()

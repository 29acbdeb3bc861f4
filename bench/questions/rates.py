"""What a job waits, and what Redis needs, while so many come and are worked off every second, whether that can be kept up or not.

Only ours is asked. One process submits at its own pace, what is due together in one call; four simulated workers claim and
finish in a round trip, run nothing, and wait for their bell when there is nothing. A job's wait counts from the moment at which
it was due, so that whoever falls behind shows it. Each rate has a fresh server, which has had its first job before.
"""

import multiprocessing
import time
from collections.abc import Iterator
from typing import Any

import redis

from bench.entrants import Entrant
from bench.ours import our_queue
from bench.question import Answer, Question, Table
from bench.server import fresh_server, processor_seconds
from lib.claims import complete
from lib.jobs import Submission

_RATES = (10, 30, 100, 300, 1_000, 3_000, 10_000)
_WORKERS = 4
_REACHED = Table("rates: jobs worked off while so many come", "jobs/s", ordered=True)
_WAIT = Table("rates: from when a job was due to its claim", "ms", more_is_better=False, ordered=True)
_SHARE = Table("rates: what Redis uses meanwhile", "% of a core", ordered=True)
_FORK = multiprocessing.get_context("fork")
_PATIENCE = 60.0
_NAP, _BELL = 0.001, 0.2  # seconds between two looks at the clock, and for which a worker waits for its bell


class Rates(Question):
    """Submit, claim and finish at a pace."""

    name = "rates"
    tables = (_REACHED, _WAIT, _SHARE)
    most_repeats = 1

    def ask(self, entrant: Entrant, jobs: int) -> Answer:
        if entrant.peer:
            return {}
        answer: Answer = {table: {} for table in self.tables}
        for rate in _RATES:
            with fresh_server() as server:
                waits, seconds, share = _pace(server.port, rate, seconds=jobs / 600)
            label = f"{rate:,} a second"
            answer[_REACHED][label], answer[_SHARE][label] = [len(waits) / seconds], [100 * share]
            answer[_WAIT][label] = [1000 * wait for wait in waits]
        return answer


def _pace(port: int, rate: int, seconds: float) -> tuple[list[float], float, float]:
    """Seconds that each job waited that was claimed in time, the time, and seconds of the server's processor for each second."""
    began, stop, found = _FORK.Value("d", 0.0), _FORK.Event(), _FORK.SimpleQueue()
    barrier = _FORK.Barrier(_WORKERS + 1)
    processes = [
        _FORK.Process(target=_work, args=(port, rate, number, began, barrier, stop, found)) for number in range(_WORKERS)
    ]
    for process in processes:
        process.start()
    try:
        with our_queue(port) as jobs, redis.Redis(port=port) as client:
            jobs.submit(Submission("noop", {"number": 0}))
            claim = jobs.claim("bench", "bench", jobs.settings.all_queues)
            assert claim is not None
            jobs.turn(claim, complete(b"0"), "bench", "bench", [])
            began.value = time.monotonic() + 0.2
            barrier.wait(_PATIENCE)
            used = processor_seconds(client)
            for due in _due(began.value, rate, seconds):
                jobs.submit_many(Submission("noop", {"number": number}) for number in due)
            taken, used = time.monotonic() - began.value, processor_seconds(client) - used
            stop.set()
            waits = [wait for _ in processes for wait in found.get()]
    finally:
        stop.set()
        for process in processes:
            process.join(1.0)
            process.kill()
            process.join()
    return waits, taken, used / taken


def _due(began: float, rate: int, seconds: float) -> Iterator[range]:
    """Numbers of the jobs that have become due, as soon as some have, until the time is over."""
    sent = 0
    while (passed := time.monotonic() - began) < seconds:
        due = min(int(passed * rate) + 1, sent + 500) if passed >= 0 else 0
        if due > sent:
            yield range(sent, due)
            sent = due
        else:
            time.sleep(_NAP)


def _work(port: int, rate: int, number: int, began: Any, barrier: Any, stop: Any, found: Any) -> None:
    """One worker; at the end it tells what its jobs have waited."""
    child, waits = f"bench-{number}", []
    with our_queue(port) as jobs:
        queues = jobs.settings.all_queues
        barrier.wait(_PATIENCE)
        while not stop.is_set():
            claim = jobs.claim(child, "bench", queues)
            if claim is None:
                jobs.wait_for_bell(child, _BELL)
            while claim is not None:
                waits.append(time.monotonic() - (began.value + claim.input["params"]["number"] / rate))
                if stop.is_set():
                    break
                claim = jobs.turn(claim, complete(b"0"), child, "bench", queues)[1]
    found.put(waits)

"""SAQ on Redis: `saq --workers 2`, each with the default of ten jobs at once in an event loop.

Better off: ten jobs at once, and results that expire after ten minutes. Worse off: each worker sweeps at its start and every
minute, and aborts what another one has just taken and not yet marked; only the warm-up forgives that. It has no batched
submit: many are sent concurrently, of which its client lets twenty through at a time.
"""

from collections.abc import Callable, Sequence
from typing import Any

from saq import Queue, Status

from bench.body import ASYNC_BODIES, Ran
from bench.contestant import Command, ConcurrentContestant, url


def _task(name: str) -> tuple[str, Callable[..., Any]]:
    body: Callable[[int], Any] = ASYNC_BODIES[name]

    async def run(ctx: dict[str, Any], *, number: int) -> list[float]:
        answer: list[float] = await body(number)
        return answer

    return name, run


queue = Queue.from_url(url())
settings = {"queue": queue, "functions": [_task(name) for name in ASYNC_BODIES]}


class Saq(ConcurrentContestant):
    """Its command."""

    def commands(self, processes: int) -> list[Command]:
        return [Command(["-m", "saq", "bench.contestants.saq.settings", "--workers", str(processes)])]

    async def send(self, body: str, number: int) -> str:
        job = await queue.enqueue(body, number=number)
        assert job is not None
        return job.key

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        jobs = self.run(queue.jobs(ids))
        return [Ran(*job.result) if job and job.status == Status.COMPLETE else None for job in jobs]

    def close(self) -> None:
        self.run(queue.disconnect())
        self.loop.close()

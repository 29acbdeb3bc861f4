"""SAQ on Redis: `saq --workers 2`, each with the default of ten jobs at once in an event loop.

Better off: ten jobs at once, and results that expire after ten minutes. Worse off: each worker sweeps at its start and every
minute, and aborts what another one has just taken and not yet marked; only the warm-up forgives that. It has no batched
submit: many are sent concurrently, of which its client lets twenty through at a time.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from saq import Queue, Status

from bench.body import ASYNC_BODIES, Ran
from bench.contestant import AsyncContestant, Command, url

_AT_ONCE = 100


def _task(name: str) -> tuple[str, Callable[..., Any]]:
    body: Callable[[int], Any] = ASYNC_BODIES[name]

    async def run(ctx: dict[str, Any], *, number: int) -> list[float]:
        answer: list[float] = await body(number)
        return answer

    return name, run


queue = Queue.from_url(url())
settings = {"queue": queue, "functions": [_task(name) for name in ASYNC_BODIES]}


class Saq(AsyncContestant):
    """Its command."""

    def commands(self, processes: int) -> list[Command]:
        return [Command(["-m", "saq", "bench.contestants.saq.settings", "--workers", str(processes)])]

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        async def one_by_one() -> list[str]:
            return [await self._send(body, number) for number in numbers]

        return self.run(one_by_one())

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        async def together() -> list[str]:
            ids: list[str] = []
            for at in range(0, len(numbers), _AT_ONCE):
                ids += await asyncio.gather(*(self._send(body, number) for number in numbers[at : at + _AT_ONCE]))
            return ids

        return self.run(together())

    async def _send(self, body: str, number: int) -> str:
        job = await queue.enqueue(body, number=number)
        assert job is not None
        return job.key

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        jobs = self.run(queue.jobs(ids))
        return [Ran(*job.result) if job and job.status == Status.COMPLETE else None for job in jobs]

    def close(self) -> None:
        self.run(queue.disconnect())
        self.loop.close()

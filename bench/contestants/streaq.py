"""streaQ: `streaq run --workers 2`, each with the default of sixteen jobs at once in an event loop.

Better off: sixteen jobs at once and as many prefetched; results expire after five minutes. Worse off: its client, coredis, is
slower than redis-py with its parser in C. Many are submitted with `enqueue_many`, in a pipeline.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from streaq import Worker

from bench.body import ASYNC_BODIES, Ran
from bench.contestant import AsyncContestant, Command, url

worker: Worker[Any] = Worker(redis_url=url())
tasks: dict[str, Any] = {name: worker.task(name=name)(body) for name, body in ASYNC_BODIES.items()}


class Streaq(AsyncContestant):
    """Its command."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self._ready, self._leave = asyncio.Event(), asyncio.Event()
        self._host = self.loop.create_task(self._stay())
        self.run(self._ready.wait())

    async def _stay(self) -> None:
        """Hold the connections: whoever opens them must be the one that closes them."""
        async with worker:
            self._ready.set()
            await self._leave.wait()

    def commands(self, processes: int) -> list[Command]:
        return [Command(["-m", "streaq", "run", "bench.contestants.streaq:worker", "--workers", str(processes)])]

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        async def one_by_one() -> list[str]:
            return [(await tasks[body].enqueue(number)).id for number in numbers]

        return self.run(one_by_one())

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        async def together() -> list[str]:
            made = [tasks[body].enqueue(number) for number in numbers]
            await worker.enqueue_many(made)
            return [each.id for each in made]

        return self.run(together())

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        async def read() -> list[Ran | None]:
            values = await worker.redis.mget([worker.results_key + jid for jid in ids])
            found = [await worker.deserialize(value) if value else None for value in values]
            return [Ran(*each["r"]) if each and each["s"] else None for each in found]

        return self.run(read())

    def close(self) -> None:
        self._leave.set()
        self.run(asyncio.wait([self._host]))
        self.loop.close()

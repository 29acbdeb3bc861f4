"""arq, twice: two processes of its command with all defaults, and the same with a shorter `poll_delay`.

By default a worker looks for jobs every half second and takes at most a hundred then, which is what its documentation starts;
nothing there advises another value. That makes its default look slow, so it is measured with 10 ms, too. Better off: up to
ten jobs at once in an event loop. Worse off: it pickles, and logs each job. It has no batched submit: many are sent
concurrently.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from arq.connections import RedisSettings, create_pool
from arq.constants import result_key_prefix
from arq.jobs import deserialize_result
from arq.worker import func

from bench.body import ASYNC_BODIES, Ran
from bench.contestant import Command, ConcurrentContestant, url


def _task(name: str) -> Any:
    body: Callable[[int], Any] = ASYNC_BODIES[name]

    async def run(ctx: dict[str, Any], number: int) -> list[float]:
        answer: list[float] = await body(number)
        return answer

    return func(run, name=name)


class WorkerSettings:
    """What `arq` reads."""

    functions: ClassVar[list[Any]] = [_task(name) for name in ASYNC_BODIES]
    redis_settings = RedisSettings.from_dsn(url())


class QuickSettings:
    """The same, looking more often; it heeds nothing that is inherited."""

    functions = WorkerSettings.functions
    redis_settings = WorkerSettings.redis_settings
    poll_delay = 0.01


class Arq(ConcurrentContestant):
    """All defaults."""

    settings: ClassVar[type] = WorkerSettings

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.pool = self.run(create_pool(WorkerSettings.redis_settings))

    def commands(self, processes: int) -> list[Command]:
        return [Command(["-m", "arq", f"bench.contestants.arq.{self.settings.__name__}"])] * processes

    async def send(self, body: str, number: int) -> str:
        job = await self.pool.enqueue_job(body, number)
        assert job is not None
        return job.job_id

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        values = self.run(self.pool.mget([result_key_prefix + jid for jid in ids]))
        found = [deserialize_result(value) if value else None for value in values]
        return [Ran(*each.result) if each and each.success else None for each in found]

    def close(self) -> None:
        self.run(self.pool.aclose())
        self.loop.close()


class ArqQuick(Arq):
    """With `poll_delay=0.01`."""

    settings = QuickSettings

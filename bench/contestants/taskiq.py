"""taskiq on Redis, twice: with ListQueueBroker, and with RedisStreamBroker, which acknowledges; both with the result backend.

Better off: its processes run up to 100 jobs at once in an event loop, the stream reads 100 messages at a time, and the list
loses what a dead worker had popped; the task is `async def`, as in its documentation, which spares it a thread. Worse off:
every call of ours goes through an event loop that is entered anew for a single submit. It has no batched submit: many are
sent concurrently, 100 at a time. Two fifths of the jobs are drained.
"""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import redis
from taskiq import AsyncBroker
from taskiq.serializers import PickleSerializer
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend, RedisStreamBroker

from bench import body
from bench.body import Ran
from bench.contestant import Contestant
from bench.workers import Command

_URL = "BENCH_TASKIQ_URL"
_AT_ONCE = 100


def make_broker(kind: type[ListQueueBroker] | type[RedisStreamBroker], url: str) -> tuple[AsyncBroker, Any]:
    """A broker of that kind with its result backend, and the task."""
    broker = kind(url).with_result_backend(RedisAsyncResultBackend(url))

    @broker.task(task_name="noop")
    async def noop(number: int) -> list[float]:
        return body.noop(number)

    return broker, noop


def list_broker() -> AsyncBroker:
    """What `taskiq worker` calls in its processes."""
    return make_broker(ListQueueBroker, os.environ[_URL])[0]


def stream_broker() -> AsyncBroker:
    """What `taskiq worker` calls in its processes."""
    return make_broker(RedisStreamBroker, os.environ[_URL])[0]


class TaskiqList(Contestant):
    """`taskiq worker --workers <processes>` on a list."""

    name = "taskiq, list"
    package = "taskiq"
    share = 0.4
    kind: ClassVar[type[ListQueueBroker] | type[RedisStreamBroker]] = ListQueueBroker
    factory: ClassVar[str] = "list_broker"

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.url = f"redis://127.0.0.1:{port}"
        self.rd = redis.Redis(port=port)
        self.loop = asyncio.new_event_loop()
        self.broker, self.noop = make_broker(self.kind, self.url)
        self.loop.run_until_complete(self.broker.startup())

    def commands(self, processes: int) -> list[Command]:
        place = f"bench.contestants.taskiq:{self.factory}"
        return [Command(["-m", "taskiq", "worker", place, "--workers", str(processes)], {_URL: self.url})]

    def submit_each(self, numbers: Sequence[int]) -> list[str]:
        async def one_by_one() -> list[str]:
            return [(await self.noop.kiq(number)).task_id for number in numbers]

        return self.loop.run_until_complete(one_by_one())

    def submit_batch(self, numbers: Sequence[int]) -> list[str]:
        async def together() -> list[str]:
            ids: list[str] = []
            for at in range(0, len(numbers), _AT_ONCE):
                sent = await asyncio.gather(*(self.noop.kiq(number) for number in numbers[at : at + _AT_ONCE]))
                ids += [task.task_id for task in sent]
            return ids

        return self.loop.run_until_complete(together())

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        serializer = PickleSerializer()
        return [Ran(*serializer.loadb(value)["return_value"]) if value else None for value in self.rd.mget(ids)]

    def close(self) -> None:
        self.loop.run_until_complete(self.broker.shutdown())
        self.loop.close()
        self.rd.close()


class TaskiqStream(TaskiqList):
    """The same on a stream."""

    name = "taskiq, stream"
    kind = RedisStreamBroker
    factory = "stream_broker"

"""taskiq on Redis, twice: with ListQueueBroker, and with RedisStreamBroker, which acknowledges; both with the result backend.

Better off: its processes run up to 100 jobs at once in an event loop (uvloop, as its documentation advises), the stream reads
100 messages at a time, and the list loses what a dead worker had popped; tasks are `async def`, as in its documentation,
which spares them a thread. Worse off: every call of ours goes through an event loop that is entered anew for a single submit.
It has no batched submit: many are sent concurrently, 100 at a time.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import redis
from taskiq import AsyncBroker
from taskiq.serializers import PickleSerializer
from taskiq_redis import ListQueueBroker, RedisAsyncResultBackend, RedisStreamBroker

from bench.body import ASYNC_BODIES, Ran
from bench.contestant import Command, ConcurrentContestant, url


def make_broker(kind: type[ListQueueBroker] | type[RedisStreamBroker]) -> AsyncBroker:
    """A broker of that kind with its result backend and the tasks."""
    broker = kind(url()).with_result_backend(RedisAsyncResultBackend(url()))
    for name, body in ASYNC_BODIES.items():
        broker.register_task(body, task_name=name)
    return broker


def list_broker() -> AsyncBroker:
    """What `taskiq worker` calls in its processes."""
    return make_broker(ListQueueBroker)


def stream_broker() -> AsyncBroker:
    """What `taskiq worker` calls in its processes."""
    return make_broker(RedisStreamBroker)


class TaskiqList(ConcurrentContestant):
    """`taskiq worker --workers <processes>` on a list."""

    kind: ClassVar[type[ListQueueBroker] | type[RedisStreamBroker]] = ListQueueBroker
    factory: ClassVar[str] = "list_broker"

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.rd = redis.Redis(port=port)
        self.broker = make_broker(self.kind)
        self.tasks: dict[str, Any] = self.broker.get_all_tasks()
        self.run(self.broker.startup())

    def commands(self, processes: int) -> list[Command]:
        place = f"bench.contestants.taskiq:{self.factory}"
        return [Command(["-m", "taskiq", "worker", place, "--workers", str(processes)])]

    async def send(self, body: str, number: int) -> str:
        return str((await self.tasks[body].kiq(number)).task_id)

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        serializer = PickleSerializer()
        return [Ran(*serializer.loadb(value)["return_value"]) if value else None for value in self.rd.mget(ids)]

    def close(self) -> None:
        self.run(self.broker.shutdown())
        self.loop.close()
        self.rd.close()


class TaskiqStream(TaskiqList):
    """The same on a stream."""

    kind = RedisStreamBroker
    factory = "stream_broker"

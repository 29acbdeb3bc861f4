"""Huey with RedisHuey: its consumer with two worker processes (`-w 2 -k process`); its default is one thread.

Better off: a queue is a bare list, whose BRPOP loses the job with its worker, and results lie in one hash until they are
read. Worse off: it pickles. It has no batched submit: many are sent by `map`, one after the other.
"""

from collections.abc import Sequence

from huey import RedisHuey

from bench.body import BODIES, Ran
from bench.contestant import Command, Contestant, url

huey = RedisHuey("bench", url=url())
tasks = {name: huey.task(name=name)(body) for name, body in BODIES.items()}


class Huey(Contestant):
    """Its consumer."""

    def commands(self, processes: int) -> list[Command]:
        consumer = ["-m", "huey.bin.huey_consumer", "bench.contestants.huey.huey"]
        return [Command([*consumer, "--workers", str(processes), "--worker-type", "process"])]

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        return [tasks[body](number).id for number in numbers]

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        return [result.id for result in tasks[body].map(numbers)]

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        found = huey.storage.peek_many(list(ids))
        return [Ran(*huey.serializer.deserialize(found[jid])) if jid in found else None for jid in ids]

    def close(self) -> None:
        huey.storage.conn.close()

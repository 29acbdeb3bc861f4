"""Dramatiq with its Redis broker and result backend: `dramatiq --processes 2`, each with the default of eight threads.

Better off: eight threads a process, which prefetch, and results that expire after ten minutes. Worse off: an idle consumer
polls, with a growing pause of up to a second; only a variable of its environment changes that. It has no batched submit: many
are sent as a `group`.
"""

from collections.abc import Sequence
from pathlib import Path

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import ResultMissing, Results
from dramatiq.results.backends import RedisBackend

from bench.body import BODIES, Ran
from bench.contestant import Command, Contestant, url

backend = RedisBackend(url=url())
broker = RedisBroker(url=url())
broker.add_middleware(Results(backend=backend))
dramatiq.set_broker(broker)
actors = {name: dramatiq.actor(body, actor_name=name, store_results=True) for name, body in BODIES.items()}


class Dramatiq(Contestant):
    """Its command line."""

    def __init__(self, port: int, folder: Path) -> None:
        super().__init__(port, folder)
        self.sent: dict[str, dramatiq.Message] = {}

    def commands(self, processes: int) -> list[Command]:
        return [Command(["-m", "dramatiq", "bench.contestants.dramatiq", "--processes", str(processes)])]

    def submit_each(self, body: str, numbers: Sequence[int]) -> list[str]:
        return self._kept([actors[body].send(number) for number in numbers])

    def submit_batch(self, body: str, numbers: Sequence[int]) -> list[str]:
        return self._kept(dramatiq.group(actors[body].message(number) for number in numbers).run().children)

    def _kept(self, messages: Sequence[dramatiq.Message]) -> list[str]:
        self.sent |= {message.message_id: message for message in messages}
        return [message.message_id for message in messages]

    def results(self, ids: Sequence[str]) -> list[Ran | None]:
        return [self._result(self.sent[jid]) for jid in ids]

    def _result(self, message: dramatiq.Message) -> Ran | None:
        try:
            return Ran(*backend.get_result(message))
        except ResultMissing:
            return None

    def close(self) -> None:
        broker.close()

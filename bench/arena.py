"""One contestant on a fresh server, with warm workers or without: what every question is asked in."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import redis

from bench.delay import delayed
from bench.entrants import Entrant
from bench.remote import Remote
from bench.server import fresh_server
from bench.workers import Workers
from tests.servers import Server

_WARM_UP = 10  # jobs for each process
_START, _PATIENCE = 20.0, 60.0  # seconds until most processes have run a job, and until every one has


class Arena:
    """One contestant, ready. `workers` is None where none were asked for."""

    def __init__(self, remote: Remote, server: Server, workers: Workers | None) -> None:
        self._remote, self._server, self._workers = remote, server, workers

    def submit(self, count: int, batched: bool, body: str = "noop") -> float:
        """Submit so many jobs; the seconds that it took."""
        return float(self._ask("submit", body=body, count=count, batched=batched))

    def drain(self, count: int, body: str = "noop") -> float:
        """Freeze the workers, queue so many jobs and let all go at once; seconds until the last one's record is terminal."""
        assert self._workers is not None
        self._workers.freeze()
        self.submit(count, True, body)
        began = self._workers.thaw()
        return float(self._ask("wait")["ended"]) - began

    def latencies(self, lane: str, samples: int) -> list[float]:
        """Milliseconds from submit to start, one job at a time."""
        return [float(value) for value in self._ask("latencies", lane=lane, samples=samples)]

    def stored(self) -> int:
        """Bytes of all keys of all databases, as the server tells them (MEMORY USAGE)."""
        total = 0
        with redis.Redis(port=self._server.port) as client:
            keyspace: Any = client.info("keyspace")
        for name in keyspace:
            with redis.Redis(port=self._server.port, db=int(name.removeprefix("db"))) as client:
                pipeline = client.pipeline(transaction=False)
                for key in client.scan_iter(count=1_000):
                    pipeline.memory_usage(key, samples=0)
                total += sum(used or 0 for used in pipeline.execute())
        return total

    def warm_up(self, processes: int) -> None:
        """Run jobs until that many processes have run one. What becomes of a job in the moment of their start is no question."""
        seen: set[str] = set()
        give_up = time.monotonic() + _PATIENCE
        while len(seen) < processes:
            if time.monotonic() > give_up:
                raise RuntimeError(f"{self._remote.entrant.name}: only {len(seen)} of {processes} processes run jobs")
            self.submit(_WARM_UP * processes, True)
            seen |= set(self._ask("wait", patience=_START, all_of_them=False)["processes"])

    def _ask(self, do: str, **arguments: Any) -> Any:
        alive = (lambda: None) if self._workers is None else self._workers.check
        return self._remote.ask(do, alive, **arguments)


@contextmanager
def arena(entrant: Entrant, processes: int = 0, delay: float = 0.0) -> Iterator[Arena]:
    """A contestant on a server of its own, with that many worker processes, each of which has run a job already.

    Args:
        delay: milliseconds that everything takes on its way to the server, and on its way back.
    """
    with ExitStack() as stack:
        server = stack.enter_context(fresh_server())
        port = stack.enter_context(delayed(server.port, delay)) if delay else server.port
        folder = server.folder.parent
        remote = stack.enter_context(Remote(entrant, port, folder))
        if not processes:
            yield Arena(remote, server, None)
            return
        commands = remote.ask("commands", processes=processes)
        workers = stack.enter_context(Workers(remote.python, remote.environment, commands, folder / "workers.log"))
        ready = Arena(remote, server, workers)
        ready.warm_up(processes)
        yield ready

"""One contestant on a fresh server, with warm workers or without: what every question is asked in.

No job is believed to have run before the store showed its terminal record, and every result is compared with the number
that was submitted.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bench.body import Ran
from bench.contestant import Contestant
from bench.server import fresh_server
from bench.workers import Workers

_POLL = 0.004  # seconds between two looks at the last job's record
_PATIENCE = 60.0  # seconds without any progress after which a contestant has failed
_WARM_UP = 10  # jobs for each process


class Arena:
    """One contestant, ready. `workers` is None where none were asked for."""

    def __init__(self, contestant: Contestant, workers: Workers | None) -> None:
        self.contestant, self._workers = contestant, workers

    @property
    def workers(self) -> Workers:
        """The running workers."""
        assert self._workers is not None
        return self._workers

    def warm_up(self, processes: int) -> None:
        """Run jobs until that many processes have run one."""
        seen: set[int] = set()
        while len(seen) < processes:
            numbers = list(range(_WARM_UP * processes))
            seen |= {int(ran.pid) for ran in self.wait(self.contestant.submit_batch(numbers), numbers)[0]}

    def wait(self, ids: Sequence[str], numbers: Sequence[int]) -> tuple[list[Ran], float]:
        """Wait until the last of these jobs is terminal: what all of them returned, and when that was (monotonic).

        The last record is looked at alone, because reading all would slow down those that work; then the others are read,
        and if one of them was not there yet, the time is that of its arrival.

        Raises: RuntimeError where a job does not end, or a result is another job's.
        """
        give_up = time.monotonic() + _PATIENCE
        ran: list[Ran | None] = [None] * len(ids)
        missing = [len(ids) - 1]
        ended = time.monotonic()
        while missing:
            looked = self.contestant.results([ids[missing[-1]]])
            if looked[0] is None:
                if time.monotonic() > give_up:
                    raise RuntimeError(f"{self.contestant.name}: {len(missing)} of {len(ids)} jobs have no terminal record")
                if self._workers is not None:
                    self._workers.check()
                time.sleep(_POLL)
                continue
            ended = time.monotonic()
            if ran[-1] is None:
                missing = list(range(len(ids)))
            for index, value in zip(missing, self.contestant.results([ids[index] for index in missing]), strict=True):
                ran[index] = value
            missing = [index for index in missing if ran[index] is None]
        results = [each for each in ran if each is not None]
        if [each.number for each in results] != list(numbers):
            raise RuntimeError(f"{self.contestant.name}: the results are not those of the jobs")
        return results, ended


@contextmanager
def arena(kind: type[Contestant], processes: int = 0) -> Iterator[Arena]:
    """A contestant on a server of its own, with that many worker processes, each of which has run a job already."""
    with fresh_server() as server:
        contestant = kind(server.port, server.folder.parent)
        try:
            if not processes:
                yield Arena(contestant, None)
                return
            with Workers(contestant.commands(processes), server.folder.parent / "workers.log") as workers:
                ready = Arena(contestant, workers)
                ready.warm_up(processes)
                yield ready
        finally:
            contestant.close()

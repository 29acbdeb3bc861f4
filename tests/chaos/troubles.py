"""The nemesis on what is between the processes and around them: the network, Redis and its memory and disk, and what an
operator does to whole queues and workers."""

import time

from lib.errors import UnknownWorker
from tests.chaos.killing import kill_redis
from tests.chaos.load import QUEUES
from tests.chaos.nemesis import Nemesis, Planned, Strike

_SLOWEST, _FASTEST = 0.2, 0.005  # seconds that a slow network adds to a request and its reply


def strike_redis(nemesis: Nemesis, planned: Planned) -> float | None:
    """And start it again on its AOF; sometimes only after a while."""
    kill_redis(nemesis.targets.server)
    if planned.leases > 0.5:
        time.sleep(planned.leases * nemesis.targets.lease / 2)
    nemesis.targets.server.start()
    return 0.0


def drop_reply(nemesis: Nemesis, planned: Planned) -> float | None:
    """The script has run, and who sent it does not hear of that."""
    nemesis.proxy(planned).drop()
    return 0.0


def slow_network(nemesis: Nemesis, planned: Planned) -> float | None:
    """Every request takes up to 200 ms more."""
    seconds = nemesis.beyond_a_lease(planned)
    nemesis.proxy(planned).slow(_FASTEST + planned.leases * (_SLOWEST - _FASTEST), seconds)
    return seconds


def half_open(nemesis: Nemesis, planned: Planned) -> float | None:
    """Connections that nobody has closed and nothing comes through; new ones work at once."""
    nemesis.proxy(planned).silence()
    return 0.0  # what it does is noted link by link, see `Nemesis.stalls`


def partition(nemesis: Nemesis, planned: Planned) -> float | None:
    """The same, and new ones are silent too, for longer than a lease."""
    seconds = nemesis.beyond_a_lease(planned)
    nemesis.proxy(planned).silence(seconds)
    return seconds + nemesis.targets.jobs.settings.redis_timeout + nemesis.targets.lease / 2


def fill_memory(nemesis: Nemesis, planned: Planned) -> float | None:
    """Somebody else fills Redis up to its limit, and takes it all away later."""
    memory, seconds = nemesis.targets.memory, nemesis.beyond_a_lease(planned)
    if not memory.fill():
        return None
    nemesis.later(seconds, memory.relieve)
    return seconds


def fill_disk(nemesis: Nemesis, planned: Planned) -> float | None:
    """Somebody else fills the disk of the AOF. Nothing else strikes meanwhile: a Redis that is killed then may lose what it
    could not write, and promises nothing about that."""
    nemesis.targets.disk.fill(nemesis.targets.server, nemesis.targets.lease * (0.3 + planned.leases))
    return 0.0


def pause_queue(nemesis: Nemesis, planned: Planned) -> float | None:
    """Nothing goes out of it for a while."""
    jobs, queue = nemesis.targets.jobs, QUEUES[planned.which < 0.5]
    jobs.pause(queue)
    nemesis.later(nemesis.beyond_a_lease(planned), lambda: jobs.resume(queue))
    return 0.0


def drain_queue(nemesis: Nemesis, planned: Planned) -> float | None:
    """Nothing is accepted for it for a while."""
    jobs, queue = nemesis.targets.jobs, QUEUES[planned.which < 0.5]
    jobs.drain(queue)
    nemesis.later(nemesis.beyond_a_lease(planned), lambda: jobs.open(queue))
    return 0.0


def drain_worker(nemesis: Nemesis, planned: Planned) -> float | None:
    """A worker ends what it runs and takes nothing more for a while."""
    jobs, name = nemesis.targets.jobs, nemesis.worker(planned).name
    starts = [worker for worker in jobs.workers() if worker["name"].rpartition("-")[0] == name]
    if not starts:  # it is just being started again
        return None
    last = max(starts, key=lambda worker: worker["beat"])["name"]
    try:
        jobs.drain_worker(last)
    except UnknownWorker:
        return None

    def resume() -> None:
        try:
            jobs.resume_worker(last)
        except UnknownWorker:  # it has died, and its successor knows of no drain
            pass

    nemesis.later(nemesis.beyond_a_lease(planned), resume)
    return 0.0


STRIKES: dict[str, Strike] = {
    "kill-redis": strike_redis,
    "drop-reply": drop_reply,
    "slow-network": slow_network,
    "half-open": half_open,
    "partition": partition,
    "fill-memory": fill_memory,
    "fill-disk": fill_disk,
    "pause-queue": pause_queue,
    "drain-queue": drain_queue,
    "drain-worker": drain_worker,
}

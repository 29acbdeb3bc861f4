"""Schedules while upkeep is killed again and again: every time fires once, by whoever is alive."""

import itertools
import random
import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from lib.jobs import Jobs, Recurrence, Schedule
from lib.settings import Settings, load_settings
from tests.servers import Server
from tests.service import upkeep
from tests.unit.test_schedules import set_back
from tests.waiting import until

TIMES = 400
KILLS = 12


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[Settings]:
    """Settings on a server of its own, whose commands nobody else counts."""
    with Server(tmp_path / "server") as server:
        yield load_settings(redis_ip="127.0.0.1", redis_port=server.port, upkeep_interval=0.02)


def has_fired(jobs: Jobs, times: int) -> bool:
    return jobs.schedule("minutely").fired >= times


def test_every_missed_time_fires_once_while_two_upkeeps_are_killed_in_turn(alone: Settings) -> None:
    jobs = Jobs(alone)
    jobs.put_schedule(Schedule("minutely", {"operation": "x"}, Recurrence(every=60.0), missed="all"))
    first = set_back(jobs, "minutely", 60 * (TIMES - 1) + 30)
    upkeeps = [upkeep(alone), upkeep(alone)]
    pick = random.Random(1)
    try:
        for turn in itertools.count():
            fired = jobs.schedule("minutely").fired
            if turn >= KILLS and fired >= TIMES:
                break
            if turn < KILLS:
                wanted = min(fired + 1, TIMES)
                until(partial(has_fired, jobs, wanted), 30, "another time that fired")
                victim = pick.randrange(2)
                upkeeps[victim].send_signal(signal.SIGKILL)
                upkeeps[victim].wait(10)
                upkeeps[victim] = upkeep(alone)
            else:
                until(partial(has_fired, jobs, TIMES), 60, "every time")
    finally:
        for each in upkeeps:
            each.kill()
            each.wait(10)
    found = {job.id for job in jobs.page(limit=1000).jobs}
    assert found == {f"minutely-{first + 60 * n:.0f}" for n in range(TIMES)}
    assert jobs.queue(alone.queue_name).waiting["normal"] == TIMES
    assert jobs.schedule("minutely").fired == TIMES
    jobs.close()

"""What the proxy says of the links that it has silenced."""

import time

import pytest

from lib.errors import StoreUnavailable
from lib.jobs import Jobs
from lib.settings import Settings
from lib.store import Store
from tests.chaos.proxy import Proxy
from tests.waiting import until

TIMEOUT = 1.0


def test_a_silent_link_does_harm_from_its_first_use_and_until_it_is_given_up(settings: Settings) -> None:
    with Proxy(settings.redis_port) as proxy:
        through = settings.model_copy(update={"redis_port": proxy.port, "redis_timeout": TIMEOUT})
        jobs = Jobs(through, store=Store(through, patience=0.0))
        jobs.counters()
        jobs.leave("nobody")  # a script: its link stays open
        proxy.silence()
        time.sleep(TIMEOUT)
        assert proxy.stalls == []
        used = time.time()
        with pytest.raises(StoreUnavailable):
            jobs.leave("nobody")
        until(lambda: left(jobs), 10, "new links, which are not silent")
        jobs.close()
    assert 1 <= len(proxy.stalls) <= 2  # of scripts, and of what is asked before them
    for stall in proxy.stalls:
        assert used <= stall.start <= stall.end - 0.9 * TIMEOUT
        assert stall.end <= time.time()


def left(jobs: Jobs) -> bool:
    try:
        jobs.leave("nobody")
    except StoreUnavailable:
        return False
    return True

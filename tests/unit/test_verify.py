"""Passes of upkeep over all of a release: nothing that others wrote ends them, and one that is broken off is done again."""

from typing import Any

import pytest

from lib.errors import StoreUnavailable
from lib.jobs import Jobs, Submission
from lib.settings import Settings
from lib.tidying import Tidying
from lib.upkeep import Upkeep
from tests.unit.claiming import claim


def test_a_stream_in_the_place_of_an_adopted_list_keeps_nothing_else_from_being_repaired(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"{settings.key_prefix}adopted".replace(":", "-")
    jobs = Jobs(settings.model_copy(update={"adopt_queues": [name], "queues": ["other"]}))
    jobs.store.queues.xadd(f"hotqueue:{name}", {"what": "another program's"})
    jid = jobs.submit(Submission("x"), queue="other").id
    running = jobs.submit(Submission("x")).id
    claim(jobs)
    prefix = settings.key_prefix
    jobs.store.queues.delete(f"hotqueue:{prefix}other")
    jobs.store.queues.zrem(f"{prefix}job-queue.leases", running)
    upkeep = Upkeep(jobs)
    assert upkeep.verify() == 2
    assert jobs.store.queues.lrange(f"hotqueue:{prefix}other", 0, -1) == [jid.encode()]
    assert upkeep.verify() == 0
    assert caplog.text.count(f"The lists of {name} cannot be compared") == 1
    assert jobs.store.queues.type(f"hotqueue:{name}") == b"stream"
    jobs.store.queues.delete(f"hotqueue:{name}")


def test_a_comparison_that_redis_breaks_off_is_made_in_the_next_round(
    jobs: Jobs, upkeep: Upkeep, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[int] = []

    def away() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise StoreUnavailable("away")
        return 0

    monkeypatch.setattr(upkeep, "verify", away)
    upkeep._verified = float("-inf")
    with pytest.raises(StoreUnavailable):
        upkeep.round()
    for _ in range(3):
        upkeep.round()
    assert len(tries) == 2


@pytest.mark.parametrize("how", ["away", "another has the lock"])
def test_a_pass_over_all_records_that_is_broken_off_is_made_whole_in_the_next_round(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("lib.tidying._SCANNED", 1)
    for _ in range(20):
        jobs.submit(Submission("x"))
    index, run, locked = f"{jobs.settings.key_prefix}jobs", jobs.store.run, [how == "away"]
    tidying = Tidying(jobs.store, lambda: locked[0])
    tidying.round()
    jobs.store.records.delete(index)
    jobs.store.records.set(index, "another program's")

    def away(name: str, *args: Any, **more: Any) -> Any:
        if name == "reindex":
            raise StoreUnavailable("away")
        return run(name, *args, **more)

    if how == "away":
        monkeypatch.setattr(jobs.store, "run", away)
        with pytest.raises(StoreUnavailable):
            tidying.round()
        monkeypatch.setattr(jobs.store, "run", run)
    else:
        assert not tidying.round()
        locked[0] = True
    assert tidying.round()
    assert jobs.store.records.zcard(index) == 20
    assert not tidying.round()

"""The duties of upkeep."""

from lib.jobs import Jobs
from lib.upkeep import Upkeep
from tests.chaos.lost_replies.registry import QUEUE, aside, call, listed, running
from tests.chaos.scenarios.stage import Child, Stage
from tests.waiting import until


@call
def lock(stage: Stage, deaf: Jobs) -> None:
    assert Upkeep(deaf).round()
    assert not stage.upkeep.round()


@call
def remember(stage: Stage, deaf: Jobs) -> None:
    deaf.remember()
    prefix = stage.settings.key_prefix
    assert [stage.jobs.store.records.xlen(f"{prefix}history.{span}") for span in ("hour", "day", "week")] == [1, 1, 1]


@call
def reap(stage: Stage, deaf: Jobs) -> None:
    stage.reaps()
    child, _ = running(stage)
    stage.fault("kill-supervisor", child.worker)
    until(lambda: deaf.store.run("reap", QUEUE, 100, 3600) and stage.status("one") == "submitted", 10, "the reaped job")
    assert listed(stage) == [b"one"]
    assert stage.jobs.get("one").lost == 1


@call
def promote(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one", run_in=0.05)
    until(lambda: deaf.store.run("promote", QUEUE, 100) or stage.status("one") == "submitted", 5, "the due job")
    assert listed(stage) == [b"one"]


@call
def abandon(stage: Stage, deaf: Jobs) -> None:
    aside(stage)
    until(lambda: deaf.store.run("abandon", QUEUE, 0, 100) or stage.status("one") == "failed", 5, "the abandoned job")


@call
def call_(stage: Stage, deaf: Jobs) -> None:
    for jid in ("one", "two", "three"):
        stage.submit(jid, concurrency_key="k")
    first = Child(stage, "first")
    claim = first.must_claim()
    first.start(claim)
    assert Child(stage, "second").claim() is None
    first.end(claim)  # which calls the next one
    stage.jobs.cancel("two")
    assert deaf.store.run("call", QUEUE, 0, 100) == [0, 0]  # the second time nobody lies aside
    assert listed(stage) == [b"three", b"two"]


@call
def expire(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    child.end(claim)
    stage.jobs.store.records.zadd(f"{stage.settings.key_prefix}jobs.expiry", {"one": 1})
    deaf.store.run("expire", 100)
    assert stage.jobs.page().jobs == []


@call
def ring(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert deaf.store.run("ring", QUEUE, 100) == 1


@call
def census(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert deaf.store.run("census", QUEUE) == [1, 0, 1, 0]


@call
def repair(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    stage.jobs.store.queues.delete(f"hotqueue:{stage.settings.key_prefix}{QUEUE}")
    deaf.store.run("repair", "one", QUEUE)
    assert listed(stage) == [b"one"]


@call
def reindex(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    stage.jobs.store.records.delete(f"{stage.settings.key_prefix}jobs")
    deaf.store.run("reindex", "job", "one")
    assert [job.id for job in stage.jobs.page().jobs] == ["one"]


@call
def tidy(stage: Stage, deaf: Jobs) -> None:
    key = f"{stage.settings.key_prefix}failures"
    stage.jobs.store.records.set(key, "rubbish")
    deaf.store.run("tidy", 100, QUEUE)
    assert stage.jobs.store.records.type(key) == b"none"
    prefix = stage.settings.key_prefix
    stage.jobs.store.records.delete(f"{prefix}damaged", f"{prefix}damaged.failures")


@call
def trim(stage: Stage, deaf: Jobs) -> None:
    for name in ("one", "two"):
        stage.submit(name)
    stage.jobs.cancel("one")
    deaf.store.run("trim", f"hotqueue:{stage.settings.key_prefix}{QUEUE}", 0, 100)
    assert listed(stage) == [b"two"]
    assert stage.jobs.queue(QUEUE).dead == 0

"""What comes from outside: jobs and batches that are submitted, cancelled, run again, deleted, and orders to queues."""

import pytest

from lib.errors import QueueDraining
from lib.jobs import Jobs, Submission
from tests.chaos.lost_replies.registry import QUEUE, call, listed, one_failed, running
from tests.chaos.scenarios.stage import Child, Stage


@call
def submit(stage: Stage, deaf: Jobs) -> None:
    assert deaf.submit(Submission("ledger_noop", id="one")).id == "one"
    stage.acknowledged["one"] = "ledger_noop"
    assert listed(stage) == [b"one"]


@call
def open_batch(stage: Stage, deaf: Jobs) -> None:
    given = [Submission("ledger_noop", id="one")]
    assert deaf.submit_batch(given, id="batch")[1]  # what it hears is the second answer
    stage.acknowledged["one"] = "ledger_noop"
    assert listed(stage) == [b"one"]
    assert stage.jobs.batch("batch").total == 1


@call
def fill_batch(stage: Stage, deaf: Jobs) -> None:
    stage.jobs.submit_batch([Submission("ledger_noop", id="one")], id="batch")
    stage.acknowledged["one"] = "ledger_noop"
    deaf.fill_batch("batch")
    assert listed(stage) == [b"one"]


@call
def cancel_many(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert deaf.store.run("cancel_many", "", "one") == [0, 0]  # the second time there is nothing left to cancel
    assert stage.status("one") == "cancelled"


@call
def retry_many(stage: Stage, deaf: Jobs) -> None:
    one_failed(stage)
    stage.reruns["one"] = 1
    deaf.store.run("retry_many", "somebody", "one")
    assert (listed(stage), stage.jobs.get("one").run) == ([b"one"], 1)


@call
def settle(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    stage.jobs.submit_many(Submission("ledger_noop", id=f"child-{n:03}", depends_on=["one"]) for n in range(150))
    stage.acknowledged |= {f"child-{n:03}": "ledger_noop" for n in range(150)}
    child = Child(stage, "child")
    claim = child.must_claim()
    child.start(claim)
    child.end(claim)
    deaf.store.run("settle", 500)
    assert listed(stage) == [b"child-%03d" % n for n in range(150)]


@call
def cancel(stage: Stage, deaf: Jobs) -> None:
    assert deaf.cancel(stage.submit("one")) == "cancelled"
    assert stage.status("one") == "cancelled"


@call
def retry(stage: Stage, deaf: Jobs) -> None:
    one_failed(stage)
    stage.reruns["one"] = 1
    deaf.retry("one")
    assert listed(stage) == [b"one"]


@call
def each(stage: Stage, deaf: Jobs) -> None:
    one_failed(stage)
    stage.submit("two")
    stage.submit("three")
    stage.reruns["one"] = 1
    assert deaf.each("retry", deaf.heads(["one"])) == {"one": "retried"}
    assert deaf.each("cancel", deaf.heads(["two"])) == {"two": "cancelled"}
    assert deaf.each("delete", deaf.heads(["three"])) == {"three": "deleted"}
    assert (stage.jobs.get("one").run, stage.jobs.counts()["cancelled"]) == (1, 1)


@call
def failures(stage: Stage, deaf: Jobs) -> None:
    one_failed(stage)
    (group,), cursor = deaf.failures()
    assert (group.job, group.count, group.message, cursor) == ("one", 1, "no", None)


@call
def retry_failed(stage: Stage, deaf: Jobs) -> None:
    one_failed(stage)
    stage.reruns["one"] = 1
    done = deaf.retry_failed()
    assert (done.left, done.cursor) == (0, None)
    assert listed(stage) == [b"one"]


@call
def delete(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    child.end(claim)
    deaf.delete("one")
    assert stage.jobs.counts()["complete"] == 0


@call
def pause(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    deaf.pause()
    assert Child(stage, "child").claim() is None
    stage.jobs.resume()


@call
def resume(stage: Stage, deaf: Jobs) -> None:
    for name in ("one", "two", "three"):
        stage.submit(name)
    stage.jobs.pause()
    deaf.resume()
    assert listed(stage) == [b"one", b"two", b"three"]


@call
def drain(stage: Stage, deaf: Jobs) -> None:
    deaf.drain()
    with pytest.raises(QueueDraining):
        stage.submit("refused")
    stage.jobs.open()
    stage.submit("one")


@call
def purge(stage: Stage, deaf: Jobs) -> None:
    for name in ("one", "two"):
        stage.submit(name)
    stage.jobs.cancel("one")
    deaf.purge()
    assert listed(stage) == []
    assert (stage.status("two"), stage.jobs.queue(QUEUE).dead) == ("cancelled", 0)

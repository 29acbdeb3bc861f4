"""One call for each script, made by somebody who does not hear the first reply: `CALLS`, by the script's name.

Each takes a stage, whose own queue hears everything, and the same queue seen by the deaf one; it asserts what must be true
after the second sending.
"""

from collections.abc import Callable

import orjson
import pyarrow as pa
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry as Again

from lib.backup.restoring import restore
from lib.backup.taking import Taking
from lib.connections import connect
from lib.errors import QueueDraining
from lib.jobs import Claim, Delivery, Jobs, Recurrence, Schedule, Submission, complete, failed
from lib.store import Store
from lib.upkeep import Upkeep
from lib.versions import DatasetStore
from tests.chaos.scenarios.stage import Child, Stage
from tests.waiting import until

QUEUE = "job-queue"
CALLS: dict[str, Callable[[Stage, Jobs], None]] = {}


def call(function: Callable[[Stage, Jobs], None]) -> Callable[[Stage, Jobs], None]:
    """Register the call of the script whose name the function has."""
    CALLS[function.__name__.rstrip("_")] = function
    return function


def running(stage: Stage) -> tuple[Child, Claim]:
    """A child that has started the one job."""
    stage.submit("one")
    child = Child(stage, "child")
    claim = child.must_claim()
    child.start(claim)
    return child, claim


def listed(stage: Stage) -> list[bytes]:
    """Entries of the queue's list."""
    return stage.jobs.store.queues.lrange(f"hotqueue:{stage.settings.key_prefix}{QUEUE}", 0, -1)  # type: ignore[return-value]


def aside(stage: Stage) -> str:
    """A job that was laid aside."""
    jid = stage.submit("one")
    stage.jobs.set_aside(Child(stage, "old").must_claim())
    return jid


# Submitting


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
    child, claim = running(stage)
    child.end(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
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
    child, claim = running(stage)
    child.end(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
    stage.reruns["one"] = 1
    deaf.retry("one")
    assert listed(stage) == [b"one"]


@call
def each(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    child.end(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
    stage.submit("two")
    stage.submit("three")
    stage.reruns["one"] = 1
    assert deaf.each("retry", deaf.heads(["one"])) == {"one": "retried"}
    assert deaf.each("cancel", deaf.heads(["two"])) == {"two": "cancelled"}
    assert deaf.each("delete", deaf.heads(["three"])) == {"three": "deleted"}
    assert (stage.jobs.get("one").run, stage.jobs.counts()["cancelled"]) == (1, 1)


@call
def failures(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    child.end(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
    (group,), cursor = deaf.failures()
    assert (group.job, group.count, group.message, cursor) == ("one", 1, "no", None)


@call
def retry_failed(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    child.end(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
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


# Schedules


def scheduled(stage: Stage, every: float = 3600.0) -> Schedule:
    """A schedule that is there."""
    return stage.jobs.put_schedule(Schedule("nightly", {"operation": "ledger_noop"}, Recurrence(every=every)))


@call
def put_schedule(stage: Stage, deaf: Jobs) -> None:
    made = deaf.put_schedule(Schedule("nightly", {"operation": "ledger_noop"}, Recurrence(every=3600.0)))
    assert stage.jobs.schedules() == [made]


@call
def switch_schedule(stage: Stage, deaf: Jobs) -> None:
    scheduled(stage)
    deaf.delete_schedule("nightly")
    assert stage.jobs.schedules() == []


@call
def shelve(stage: Stage, deaf: Jobs) -> None:
    scheduled(stage)
    store, prefix = stage.jobs.store, stage.settings.key_prefix
    updated = store.records.hget(f"{prefix}schedule.nightly", "updated")
    deaf.store.run("shelve", "nightly", updated, "cannot be read")
    assert store.records.zrange(f"{prefix}schedules.due", 0, -1) == []
    store.records.delete(f"{prefix}damaged")


@call
def fire(stage: Stage, deaf: Jobs) -> None:
    made = scheduled(stage)
    assert made.next is not None
    assert deaf.fire(made, made.next + 3600, 0, made.next) == "GONE"  # the first sending did it, and was not heard
    (job,) = stage.jobs.page().jobs
    stage.acknowledged[job.id] = "ledger_noop"
    assert listed(stage) == [job.id.encode()]


# Running


@call
def claim(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    stage.submit("two")
    child = Child(stage, "child", deaf)
    first = child.must_claim()
    assert first.id == "one"
    child.run(first)


@call
def take(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    child = Child(stage, "child", deaf)
    taken = deaf.take("one", child.name, child.worker)
    assert taken is not None
    child.run(taken)


@call
def finish(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    child.jobs = deaf
    assert child.end(claim)


@call
def turn(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    stage.submit("two")
    child.write("end", claim)
    counted, following = deaf.turn(claim, complete(orjson.dumps({"token": claim.token})), child.name, child.worker, [QUEUE])
    assert counted
    assert following is not None
    assert following.id == "two"
    child.run(following)


@call
def beat(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    codes = deaf.beat(child.worker, {}, [(claim.id, claim.token)], patience=5)[1]
    assert codes == ["HELD"]
    stage.jobs.leave(child.worker)
    child.end(claim)


@call
def progress(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    deaf.progress(claim, 1, 2, "half")
    stage.jobs.partial(claim, b"[1]")
    job = stage.jobs.get("one")
    assert (job.progress, job.partial) == ({"done": 1, "total": 2, "note": "half"}, [1])
    child.end(claim)


@call
def log(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    deaf.append_log(claim, ["one", "two"])
    stage.jobs.append_log(claim, ["two"])
    assert [(line["line"], sorted(line)) for line in stage.jobs.log("one")] == [
        (text, ["attempt", "id", "line"]) for text in ("one", "two", "two")
    ]
    child.end(claim)


@call
def stage_(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    deaf.stage_file(claim, "said.txt", claim.token.encode(), "text/plain")
    child.end(claim)
    assert stage.jobs.file("one", "said.txt") == (claim.token.encode(), "text/plain")
    total = stage.jobs.store.records.hget(f"{stage.settings.key_prefix}job.one.files", "|bytes")
    assert total == str(len(claim.token)).encode()


@call
def bury(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    stage.fault("kill-child", child.worker)
    deaf.bury(child.name, claim.token, "crash", "crash", {"summary": "killed"})
    job = stage.jobs.get("one")
    assert (job.status, job.crashes) == ("submitted", 1)


@call
def unserve(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    deaf.set_aside(Child(stage, "old").must_claim())
    assert stage.jobs.queue(QUEUE).unserved == 1
    stage.jobs.register([QUEUE], 1, ["ledger_noop"])


@call
def serve(stage: Stage, deaf: Jobs) -> None:
    aside(stage)
    deaf.register([QUEUE], 1, ["ledger_noop"])
    assert listed(stage) == [b"one"]


@call
def leave(stage: Stage, deaf: Jobs) -> None:
    stage.jobs.beat("worker", {}, [])
    deaf.leave("worker")
    assert stage.jobs.workers() == []


@call
def workers(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    stage.jobs.beat(child.worker, {"kind": "worker"}, [])
    (shown,) = deaf.workers()
    assert [(each["job"], each["child"]) for each in shown["running"]] == [("one", child.name)]
    stage.jobs.leave(child.worker)
    child.end(claim)


@call
def steer_worker(stage: Stage, deaf: Jobs) -> None:
    stage.jobs.beat("worker", {"kind": "worker"}, [])
    deaf.drain_worker("worker")
    order, _ = stage.jobs.beat("worker", {"kind": "worker"}, [])
    assert order is not None
    assert order[0] == "drain"
    stage.jobs.leave("worker")


@call
def note(stage: Stage, deaf: Jobs) -> None:
    deaf.note("queues.pause", "job-queue", "somebody", "r-1")
    noted = [entry for _, entry in stage.jobs.store.records.xrange(f"{stage.settings.key_prefix}events") or []]
    assert [entry[b"target"] for entry in noted] == [b"job-queue"]


# What others put on the list


@call
def adopt(stage: Stage, deaf: Jobs) -> None:
    stage.jobs.store.queues.rpush(f"hotqueue:{stage.settings.key_prefix}{QUEUE}", b'{"type": "print", "msg": "hello"}')
    child = Child(stage, "child", deaf)
    adopted = child.must_claim()
    child.run(adopted)
    assert len(stage.jobs.page().jobs) == 1


@call
def reject(stage: Stage, deaf: Jobs) -> None:
    for entry in (b"\x80broken", b"\x80broken"):  # alike: each is moved aside once
        stage.jobs.store.queues.rpush(f"hotqueue:{stage.settings.key_prefix}{QUEUE}", entry)
    stage.submit("one")
    child = Child(stage, "child", deaf)
    child.run(child.must_claim())
    assert stage.jobs.queue(QUEUE).rejected == 2


# Upkeep


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


@call
def queue_stats(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert deaf.queue(QUEUE).waiting["normal"] == 1


@call
def overdue(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert set(deaf.overdue().seconds.values()) == {0}


@call
def pace(stage: Stage, deaf: Jobs) -> None:
    child, claim = running(stage)
    child.end(claim)
    assert list(deaf.estimates().means) == ["ledger_noop"]


@call
def sift(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert [job.id for job in deaf.page(search="noop").jobs] == ["one"]


@call
def look(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    shown = deaf.look("one")
    assert (shown.job.id, shown.position, shown.files) == ("one", 0, [])


# Telling of ends


def told(stage: Stage) -> Delivery:
    """The delivery of a job that has ended."""
    stage.submit("one", notify=[{"webhook": "https://example.org/"}])
    stage.jobs.cancel("one")
    (delivery,) = stage.jobs.deliveries("job", "one")
    return delivery


@call
def take_delivery(stage: Stage, deaf: Jobs) -> None:
    made = told(stage)
    taken = deaf.take_delivery("mine")
    assert taken is not None
    assert (taken.id, taken.tries) == (made.id, 1)
    assert stage.jobs.take_delivery("another") is None
    assert stage.jobs.settle_delivery(taken, "delivered", {})


@call
def settle_delivery(stage: Stage, deaf: Jobs) -> None:
    told(stage)
    taken = stage.jobs.take_delivery("mine")
    assert taken is not None
    assert deaf.settle_delivery(taken, "delivered", {"status": 200})
    (after,) = stage.jobs.deliveries("job", "one")
    assert (after.state, after.attempts) == ("delivered", [{"status": 200}])
    assert stage.jobs.counters()["delivered|webhook"] == 1


@call
def resend_delivery(stage: Stage, deaf: Jobs) -> None:
    told(stage)
    taken = stage.jobs.take_delivery("mine")
    assert taken is not None
    stage.jobs.settle_delivery(taken, "failed", {})
    assert deaf.resend("job", "one", taken.id).state == "pending"
    again = stage.jobs.take_delivery("again")
    assert again is not None
    assert again.tries == 1
    stage.jobs.settle_delivery(again, "delivered", {})


# Data: its callers let redis-py send again


def rows() -> pa.Table:
    """One row that a version takes."""
    return pa.table({"date": pa.array(["2024-01-01"]).dictionary_encode()})


def dataset(jobs: Jobs) -> DatasetStore:
    """The data store of a child."""
    settings = jobs.settings
    client: redis.Redis = connect(settings, settings.redis_db, retry=Again(NoBackoff(), 5))
    return DatasetStore(client, settings)


@call
def commit_version(stage: Stage, deaf: Jobs) -> None:
    store = dataset(deaf)
    version = store.commit(store.new_version(), rows(), {})
    assert [each.id for each in dataset(stage.jobs).versions()] == [version]


@call
def remove_version(stage: Stage, deaf: Jobs) -> None:
    store = dataset(stage.jobs)
    old, new = (store.commit(store.new_version(), rows(), {}) for _ in range(2))
    dataset(deaf).remove(old)
    assert [each.id for each in store.versions()] == [new]


@call
def activate_version(stage: Stage, deaf: Jobs) -> None:
    store = dataset(stage.jobs)
    old, _ = (store.commit(store.new_version(), rows(), {}) for _ in range(2))
    dataset(deaf).activate(old)
    assert store.current() == old


# Backup and restore


@call
def backup_jobs(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert deaf.store.run("backup_jobs", "+inf", 10, 1000)[1][0] == b"one"


@call
def backup_some(stage: Stage, deaf: Jobs) -> None:
    assert deaf.store.run("backup_some", 1000, stage.submit("one"))[0][0] == b"one"


@call
def backup_last(stage: Stage, deaf: Jobs) -> None:
    stage.submit("one")
    assert b"".join(Taking(deaf.store, "test").pieces())


def replaced(stage: Stage, deaf: Jobs) -> None:
    """Back up the release and put the backup in its own place, while a reply is lost; the job that ran stands in front again."""
    stage.submit("two")
    child, claim = running(stage)
    backup = b"".join(Taking(stage.jobs.store, "test").pieces())
    store = Store(deaf.settings, patience=10.0, gated=False)
    assert restore(store, [backup], replace=True).jobs == 2
    store.close()
    assert not child.end(claim)
    assert listed(stage) == [b"two", b"one"]


@call
def restore_begin(stage: Stage, deaf: Jobs) -> None:
    replaced(stage, deaf)


@call
def restore_step(stage: Stage, deaf: Jobs) -> None:
    replaced(stage, deaf)

"""What workers do: claims, what a run says and how it ends, and entries that others put on the list."""

import orjson

from lib.jobs import Jobs, complete
from tests.chaos.lost_replies.registry import QUEUE, aside, call, listed, running
from tests.chaos.scenarios.stage import Child, Stage


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

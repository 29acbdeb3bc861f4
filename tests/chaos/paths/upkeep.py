"""Upkeep, killed within a round in which every duty has something to do, and a sender of deliveries, killed as it sends."""

import secrets
from collections.abc import Iterator
from unittest.mock import patch

from lib.jobs import Jobs, Recurrence, Schedule, Submission
from lib.sending import Senders
from tests.chaos.crash_points import LONG_AGO, CrashPath, Scene
from tests.chaos.forge import Victim
from tests.chaos.history import Remains
from tests.chaos.scenarios.stage import Child
from tests.unit.test_schedules import set_back

_TIMES = 3  # at which the schedule is due
_DEPENDENTS = 102  # of which the end of the one they depend on tells a hundred itself


class Round(CrashPath):
    """A whole round: reap, promote, abandon, call, ring, fire, settle, fill, expire, forget, remember, verify, repair, trim."""

    name, at_least = "a round of upkeep", 45
    holds = frozenset(
        {
            *("lock", "reap", "promote", "abandon", "call", "ring", "fire", "settle", "fill_batch", "expire", "leave"),
            *("remember", "census", "repair", "trim"),
        }
    )

    def prepare(self, scene: Scene) -> None:
        for part in (_idle, _ended, _lost, _due, _batch, _at_odds):
            part(scene)
        scene.repaired = 3
        scene.watch()

    def start(self, scene: Scene) -> Victim:
        return scene.forge.fork("upkeep")

    def recover(self, scene: Scene, killed: bool) -> None:
        ttl = scene.jobs.store.records.pttl(scene.key("upkeep.lock"))
        assert ttl != -1, "the lock of an upkeep that was killed would stand for ever"
        scene.recover()

    def judge(self, scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        schedule = remains.keys["schedule.minutely"]
        fired = sorted(jid for jid in remains.records if jid.startswith("minutely-"))
        if schedule["fired"] != str(_TIMES) or len(fired) != _TIMES:
            yield "fired", f"{_TIMES} times were due, {schedule['fired']} are counted, and there are {fired}"
        ends = {jid: remains.records.get(jid, {}).get("status") for jid in ("lost", "stopped", "odd", "later", "expired")}
        wanted = {"lost": "complete", "stopped": "cancelled", "odd": "failed", "later": "complete", "expired": None}
        if ends != wanted:
            yield "wrong-end", f"the jobs are {ends}, and should be {wanted}"
        batch = remains.keys["batch.half"]
        if (batch["total"], batch.get("complete")) != ("5", "5") or "batch.half.todo" in remains.keys:
            yield "half-a-batch", f"the batch is {batch}"
        if remains.keys.get("workers"):
            yield "orphan", f"workers that have long been silent are listed: {remains.keys['workers']}"
        if "expired" not in remains.keys.get("jobs.gone", {}):
            yield "wrong-end", "of a job that has expired it is not known"


def _idle(scene: Scene) -> None:
    """A child that waits, to be rung; and a worker that was killed long ago."""
    assert Child(scene, "idle").claim() is None
    scene.jobs.beat("silent-1", {}, [])
    scene.jobs.store.records.zadd(scene.key("workers"), {"silent-1": LONG_AGO})


def _ended(scene: Scene) -> None:
    """A job that has ended long ago, with a file and a log."""
    scene.jobs.submit(Submission("ledger_noop", id="expired"), idempotency_key="old")
    scene.acknowledged["expired"] = "ledger_noop"
    child = Child(scene, "early")
    claim = child.must_claim()
    child.start(claim)
    scene.jobs.append_log(claim, ["said"])
    scene.jobs.stage_file(claim, "said.txt", claim.token.encode(), "text/plain")
    child.end(claim)
    scene.jobs.store.records.zadd(scene.key("jobs.expiry"), {"expired": LONG_AGO})


def _lost(scene: Scene) -> None:
    """Jobs whose worker is gone, one of them to be cancelled; and one that no worker knows."""
    for jid in ("lost", "stopped"):
        scene.submit(jid)
        child = Child(scene, f"holder-of-{jid}")
        child.start(child.must_claim())
        scene.fault("kill-worker", child.worker)
        scene.jobs.store.queues.zadd(scene.key("job-queue.leases"), {jid: LONG_AGO})
    scene.jobs.cancel("stopped")
    scene.submit("odd")
    scene.jobs.set_aside(Child(scene, "puzzled").must_claim())
    scene.jobs.store.queues.zadd(scene.key("job-queue.unserved"), {"odd": LONG_AGO})


def _due(scene: Scene) -> None:
    """A job and a schedule that are due."""
    scene.submit("later", run_in=1000.0)
    scene.jobs.store.queues.zadd(scene.key("job-queue.scheduled"), {"later": LONG_AGO})
    scene.jobs.put_schedule(Schedule("minutely", {"operation": "ledger_noop"}, Recurrence(every=60.0), missed="all"))
    set_back(scene.jobs, "minutely", 60 * (_TIMES - 1) + 30)


def _batch(scene: Scene) -> None:
    """A batch whose submitter died before it was a job, in three parts."""
    with patch("lib.submitting.MANY", 2), patch.object(Jobs, "fill_batch"):
        scene.jobs.submit_batch([Submission("ledger_noop", id=f"b{n}") for n in range(5)], id="half")
    scene.acknowledged |= {f"b{n}": "ledger_noop" for n in range(5)}
    scene.jobs.store.records.zadd(scene.key("batches.open"), {"half": LONG_AGO})


def _at_odds(scene: Scene) -> None:
    """What only the loss of Redis's last second leaves: a waiting, a running and a scheduled job that stand nowhere. And
    dead ids, and what another program has put on the list."""
    queues, entries = scene.jobs.store.queues, f"hotqueue:{scene.key('job-queue')}"
    scene.submit("bare")
    child = Child(scene, "holder-of-bare")
    child.start(child.must_claim())
    scene.fault("kill-worker", child.worker)
    queues.zrem(scene.key("job-queue.leases"), "bare")
    scene.submit("mislaid", run_in=1000.0)
    queues.zrem(scene.key("job-queue.scheduled"), "mislaid")
    scene.submit("unlisted")
    queues.lrem(entries, 0, "unlisted")
    for jid in ("dead", "dying", "gone"):
        scene.submit(jid)
        scene.jobs.cancel(jid)
    queues.rpush(entries, b'{"type": "print", "msg": "hello"}')


class Settle(CrashPath):
    """The duty that tells jobs of the end of the one that they depend on: those that its end itself did not reach."""

    name, at_least = "settle", 5
    holds = frozenset({"settle", "lock"})

    def prepare(self, scene: Scene) -> None:
        scene.submit("parent")
        names = [f"d{n:03}" for n in range(_DEPENDENTS)]
        scene.jobs.submit_many(Submission("ledger_noop", id=name, depends_on=["parent"]) for name in names)
        scene.acknowledged |= dict.fromkeys(names, "ledger_noop")
        scene.jobs.cancel("parent")
        assert scene.jobs.counts()["waiting"] == _DEPENDENTS - 100

    def start(self, scene: Scene) -> Victim:
        return scene.forge.fork("duty", "settle", 1)

    def judge(self, scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        told = sum(record.get("status") == "failed" for record in remains.records.values())
        if told != _DEPENDENTS:
            yield "untold", f"of {_DEPENDENTS} jobs {told} have failed with the one that they depend on"


class Deliver(CrashPath):
    """A sender, who tells two receivers."""

    name, at_least = "deliveries", 6
    holds = frozenset({"take_delivery", "look", "settle_delivery"})

    def prepare(self, scene: Scene) -> None:
        scene.receiver.received.clear()
        for jid in ("one", "two"):
            scene.submit(jid, notify=[{"webhook": scene.receiver.url}])
            scene.jobs.cancel(jid)

    def start(self, scene: Scene) -> Victim:
        return scene.forge.fork("deliver", 2)

    def recover(self, scene: Scene, killed: bool) -> None:
        scene.recover()
        senders = Senders(scene.jobs)
        while (delivery := scene.jobs.take_delivery(secrets.token_urlsafe(16))) is not None:
            senders._handle(delivery)

    def judge(self, scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        for jid in ("one", "two"):
            state = remains.keys[f"delivery.job_{jid}_0_1"]["state"]
            number = len(scene.receiver.of(jid))
            if state != "delivered" or number not in (1, 2):
                yield "untold", f"of the end of {jid} the receiver was told {number} times, and the delivery is {state}"
        if remains.counters.get("delivered|webhook") != 2:
            yield "counters", f"{remains.counters.get('delivered|webhook')} deliveries are counted, and there are 2"
        if remains.keys.get("deliveries.due") or remains.keys.get("deliveries.held"):
            yield "orphan", "a delivery is still due, or held"


PATHS: list[CrashPath] = [Round(), Settle(), Deliver()]

"""The API, killed within a request: what it was asked for is there whole or not at all, and may be asked for again."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from lib.jobs import Submission, failed
from tests.chaos.crash_points import CrashPath, Scene
from tests.chaos.forge import Victim
from tests.chaos.history import Remains
from tests.chaos.scenarios.stage import Child

Request = dict[str, Any]
Judge = Callable[[Scene, Remains], Iterator[tuple[str, str]]]


@dataclass
class ApiPath(CrashPath):
    """Requests to an API that is killed, and perhaps sent again to another one.

    Args:
        at_least, holds: commands that it has.
        requests: in order; `wanted` is the status of the answer.
        setting: what is there before.
        again: whether the client, who heard nothing, sends all of it again.
        accepts: ids of jobs that are accepted once it was answered.
        judged: what must be true in the end.
    """

    name: str
    at_least: int
    requests: Callable[[Scene], list[Request]]
    setting: Callable[[Scene], None] = lambda scene: None
    holds: frozenset[str] = frozenset()
    again: bool = True
    accepts: tuple[str, ...] = ()
    judged: Judge = lambda scene, remains: iter(())
    durability: str = "everysec"
    forget_scripts: bool = False

    def __post_init__(self) -> None:
        self.connects = self.name == "submit, sent again"

    def prepare(self, scene: Scene) -> None:
        self.setting(scene)
        if self.forget_scripts:
            scene.forget_scripts()

    def start(self, scene: Scene) -> Victim:
        return scene.forge.fork("send", self.durability, self.requests(scene))

    def recover(self, scene: Scene, killed: bool) -> None:
        if killed and self.again:
            again = [request | {"wanted": 0} for request in self.requests(scene)]
            status = scene.forge.fork("send", self.durability, again).wait()
            assert status == 0, scene.forge.log.read_text()[-3000:]
        if self.again or not killed:
            scene.acknowledged |= dict.fromkeys(self.accepts, "ledger_noop")
        scene.recover()

    def judge(self, scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        yield from self.judged(scene, remains)


def post(path: str, json: Any = None, wanted: int = 202, headers: dict[str, str] | None = None) -> Request:
    """A POST with a body of JSON."""
    body = {} if json is None else {"data": orjson.dumps(json).decode(), "content_type": "application/json"}
    return {"method": "POST", "path": path, "headers": headers or {}, "wanted": wanted} | body


def job(jid: str, **more: Any) -> dict[str, Any]:
    """The body of a job that writes to the ledger."""
    return {"id": jid, "operation": "ledger_noop", **more}


# Submitting

RICH = {
    "depends_on": ["parent"],
    "unique_key": "one of a kind",
    "concurrency_key": "lane",
    "notify": [{"webhook": "https://example.org/"}],
    "priority": "high",
}


def parent(scene: Scene) -> None:
    """A job on which others may depend."""
    scene.submit("parent")


def one_of(*wanted: str) -> Judge:
    """That the jobs are these, and complete."""

    def judge(scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        found = {jid: record["status"] for jid, record in remains.records.items()}
        if found != dict.fromkeys(wanted, "complete"):
            yield "wrong-jobs", f"there are {found}, and should be {wanted}, complete"

    return judge


def all_or_none(*wanted: str) -> Judge:
    """That either all of these jobs are there, and complete, or none of them, and nothing tells of them."""

    def judge(scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        found = {jid for jid in wanted if jid in remains.records}
        if found and found != set(wanted):
            yield "half-a-submit", f"of {wanted} only {sorted(found)} are there"

    return judge


def submits(again: bool) -> list[ApiPath]:
    """Paths of POST /jobs."""
    word = "sent again" if again else "not sent again"
    keyed = {"Idempotency-Key": "k-1"}
    plain = [post("/jobs", job("one"), headers=keyed)]
    end = one_of("one") if again else all_or_none("one")
    rich_end = one_of("parent", "one") if again else all_or_none("one")
    return [
        ApiPath(f"submit, {word}", 4 if again else 1, lambda _: plain, again=again, accepts=("one",), judged=end),
        ApiPath(
            f"submit with links, {word}",
            2,
            lambda _: [post("/jobs", job("one", **RICH), headers=keyed)],
            parent,
            again=again,
            accepts=("one",),
            judged=rich_end,
        ),
        ApiPath(
            f"strict submit, {word}",
            2,
            lambda _: plain,
            again=again,
            accepts=("one",),
            judged=end,
            durability="strict",
        ),
        ApiPath(
            f"submit to a Redis that knows no scripts, {word}",
            2,
            lambda _: plain,
            again=again,
            accepts=("one",),
            judged=end,
            forget_scripts=True,
        ),
    ]


_MANY = [f"n{n}" for n in range(5)]
_BATCH = {"id": "batch", "jobs": [job(jid) for jid in _MANY], "notify": [{"webhook": "https://example.org/"}]}


def whole_batch(scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
    """That the batch counts all of its jobs, or is not there, nor one of them."""
    batch = remains.keys.get("batch.batch")
    jobs = sorted(remains.records)
    if batch is None and jobs:
        yield "half-a-batch", f"there is no batch, and jobs {jobs}"
    if batch is not None and (jobs != _MANY or batch.get("total") != "5" or batch.get("complete") != "5"):
        yield "half-a-batch", f"the batch is {batch}, its jobs {jobs}"
    if remains.keys.get("batches.open") or "batch.batch.todo" in remains.keys:
        yield "half-a-batch", "something of it is still to be accepted"


def batches(again: bool) -> ApiPath:
    """POST /batches, in three parts."""
    word = "sent again" if again else "not sent again"
    accepts = tuple(_MANY)
    return ApiPath(f"batch, {word}", 14, lambda _: [post("/batches", _BATCH)], again=again, accepts=accepts, judged=whole_batch)


# Changing


def running(scene: Scene) -> None:
    """A job that runs in a worker which is there."""
    scene.submit("one")
    child = Child(scene, "busy")
    child.start(child.must_claim())
    scene.fault("stop-supervisor", child.worker)


def has_failed(*ids: str) -> Callable[[Scene], None]:
    """Jobs that have failed."""

    def setting(scene: Scene) -> None:
        child = Child(scene, "clumsy")
        for jid in ids:
            scene.submit(jid)
            claim = child.must_claim()
            child.start(claim)
            child.end(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
            scene.reruns[jid] = 1

    return setting


def ends_as(**wanted: str) -> Judge:
    """That each of these jobs is that; `gone` where it has no record."""

    def judge(scene: Scene, remains: Remains) -> Iterator[tuple[str, str]]:
        found = {jid: remains.records.get(jid, {}).get("status", "gone") for jid in wanted}
        if found != wanted:
            yield "wrong-end", f"the jobs are {found}, and should be {wanted}"

    return judge


def waiting(*ids: str) -> Callable[[Scene], None]:
    """Jobs that wait."""

    def setting(scene: Scene) -> None:
        for jid in ids:
            scene.submit(jid)

    return setting


def batch_of_failed(scene: Scene) -> None:
    """A batch of three jobs that have failed."""
    scene.jobs.submit_batch([Submission("ledger_noop", id=jid) for jid in "abc"], id="batch")
    scene.acknowledged |= dict.fromkeys("abc", "ledger_noop")
    child = Child(scene, "clumsy")
    while (claim := child.claim()) is not None:
        child.start(claim)
        child.end(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
        scene.reruns[claim.id] = 1


def changes() -> list[ApiPath]:
    """Paths of everything that changes jobs that are there; each may be asked for again."""
    three = {"ids": ["a", "b", "c"]}
    complete = dict.fromkeys("abc", "complete")
    return [
        ApiPath("cancel", 3, lambda _: [post("/jobs/one/cancel", wanted=200)], waiting("one"), judged=ends_as(one="cancelled")),
        ApiPath("cancel of a job that runs", 3, lambda _: [post("/jobs/one/cancel")], running, judged=ends_as(one="cancelled")),
        ApiPath("retry", 3, lambda _: [post("/jobs/one/retry", {"run": 0})], has_failed("one"), judged=ends_as(one="complete")),
        ApiPath(
            "delete",
            3,
            lambda _: [{"method": "DELETE", "path": "/jobs/one", "wanted": 204}],
            has_failed("one"),
            judged=ends_as(one="gone"),
        ),
        ApiPath(
            "delete of a job that waits",
            3,
            lambda _: [{"method": "DELETE", "path": "/jobs/one", "wanted": 204}],
            waiting("one", "two"),
            judged=ends_as(one="gone", two="complete"),
        ),
        ApiPath(
            "bulk cancel",
            4,
            lambda _: [post("/bulk/cancel", three, 200)],
            waiting("a", "b", "c"),
            judged=ends_as(**dict.fromkeys("abc", "cancelled")),
        ),
        ApiPath(
            "bulk retry", 4, lambda _: [post("/bulk/retry", three, 200)], has_failed("a", "b", "c"), judged=ends_as(**complete)
        ),
        ApiPath(
            "bulk delete",
            4,
            lambda _: [post("/bulk/delete", three, 200)],
            has_failed("a", "b", "c"),
            judged=ends_as(**dict.fromkeys("abc", "gone")),
        ),
        ApiPath("retry of a batch", 8, lambda _: [post("/batches/batch/retry")], batch_of_failed, judged=ends_as(**complete)),
    ]


PATHS: list[CrashPath] = [
    *submits(True),
    *submits(False),
    batches(True),
    batches(False),
    *changes(),
]

"""A release in every state, its backup, and every key that it has."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lib.backup.restoring import restore
from lib.backup.taking import Taking
from lib.jobs import Jobs, Recurrence, Schedule, Submission, complete, failed
from lib.settings import Settings
from lib.store import Store
from lib.versions import DatasetStore
from tests.chaos.history import take
from tests.chaos.lost_replies.data import rows
from tests.receivers import SECRET

QUEUE = "job-queue"
# What a restore leaves behind, and what belongs to processes and not to the release.
PASSING = {"restore", "restore.loads", "upkeep.lock", "upkeep.seen", "front", "jobs.seq", "closed", "idle", "holds", "dead"}


def of_two_queues(settings: Settings) -> Settings:
    """As these of a test, for what `busy` submits."""
    return settings.model_copy(update={"queues": ["second"], "webhook_secret": SECRET})


@contextmanager
def empty_release(settings: Settings) -> Iterator[Jobs]:
    """A release beside the one of a test."""
    queue = Jobs(settings.model_copy(update={"key_prefix": f"other-{settings.key_prefix}"}))
    yield queue
    queue.close()


def backed_up(jobs: Jobs) -> bytes:
    return b"".join(Taking(jobs.store, "test").pieces())


def put(jobs: Jobs, backup: bytes, replace: bool = False) -> int:
    """Restore it, in pieces that fit nothing."""
    store = Store(jobs.settings, gated=False)
    try:
        return restore(store, (backup[n : n + 999] for n in range(0, len(backup), 999)), replace).jobs
    finally:
        store.close()


def keys(jobs: Jobs) -> tuple[dict[str, Any], dict[str, bool]]:
    """Every key of a release with its value, and whether it expires."""
    remains = take(jobs.settings)
    found = {name: value for name, value in remains.keys.items() if name not in PASSING and not name.endswith(".idle")}
    return found, {name: remains.ttls[name] > 0 for name in found}


def end_one(jobs: Jobs, child: str = "child", **result: Any) -> str:
    claim = jobs.claim(child, "worker", [QUEUE, "second"])
    assert claim is not None
    jobs.finish(claim, complete(json.dumps(result).encode()))
    return claim.id


def busy(jobs: Jobs) -> None:
    """Bring a release into every state but that of a job that runs."""
    table = rows()
    data = DatasetStore(jobs.store.records, jobs.settings)
    first = data.commit(data.new_version(), table, {"rows": 3})
    data.commit(data.new_version(), table, {"rows": 3})
    data.activate(first)
    jobs.submit(Submission("print", id="with-files"), idempotency_key="key")
    claim = jobs.claim("child", "worker", [QUEUE])
    assert claim is not None
    jobs.stage_file(claim, "a.png", b"\x89PNG\x00\xff" * 1000, "image/png")
    jobs.append_log(claim, ["a line", "another"])
    jobs.finish(claim, complete(b'{"x": 1}'))
    jobs.submit(Submission("print", id="broken", notify=[{"webhook": "https://example.org/", "on": ["failed"]}]))
    claim = jobs.claim("child", "worker", [QUEUE])
    assert claim is not None
    jobs.finish(claim, failed({"type": "E", "message": "no", "reason": "exception"}))
    jobs.submit(Submission("print", id="gone"))
    jobs.cancel("gone")
    for n, priority in enumerate(["normal", "high", "low", "normal", "high"]):
        jobs.submit(Submission("print", {"n": n}, id=f"waits-{n}", priority=priority))
    jobs.submit(Submission("print", id="later", run_in=3600))
    jobs.submit(Submission("print", id="child-of-two", depends_on=["waits-0", "later"]))
    jobs.submit(Submission("print", id="only", unique_key="k"))
    jobs.submit_batch([Submission("print", id=f"b{n}") for n in range(4)], id="half", queue="second")
    for _ in range(2):
        claim = jobs.claim("child", "worker", ["second"])
        assert claim is not None
        jobs.finish(claim, complete(b"1"))
    jobs.pause("second")
    jobs.put_schedule(Schedule("daily", {"operation": "print"}, Recurrence(every=3600)))
    jobs.remember()

"""Where the calls are registered, and how those of several topics bring a stage about."""

from collections.abc import Callable

from lib.jobs import Claim, Jobs, failed
from tests.chaos.scenarios.stage import Child, Stage

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


def one_failed(stage: Stage) -> None:
    """The one job has run, and failed by an exception."""
    child, claim = running(stage)
    child.end(claim, failed({"type": "E", "message": "no", "reason": "exception"}))


def listed(stage: Stage) -> list[bytes]:
    """Entries of the queue's list."""
    return stage.jobs.store.queues.lrange(f"hotqueue:{stage.settings.key_prefix}{QUEUE}", 0, -1)  # type: ignore[return-value]


def aside(stage: Stage) -> str:
    """A job that was laid aside."""
    jid = stage.submit("one")
    stage.jobs.set_aside(Child(stage, "old").must_claim())
    return jid

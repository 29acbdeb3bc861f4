"""Telling of ends."""

from lib.jobs import Delivery, Jobs
from tests.chaos.lost_replies.registry import call
from tests.chaos.scenarios.stage import Stage


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

"""What is asked about jobs and queues, and changes nothing."""

from lib.jobs import Jobs
from tests.chaos.lost_replies.registry import QUEUE, call, running
from tests.chaos.scenarios.stage import Stage


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

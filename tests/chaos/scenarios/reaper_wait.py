"""Guard: the reaper waits one lease after Redis was away. Needed because no holder could renew meanwhile."""

from tests.chaos.killing import kill_redis
from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "lib/scripts/reap.lua",
    "if NOW < not_before then return {'WAIT', seconds(not_before - NOW)} end\n",
    "",
    turns="reaped-without-cause",
)


def drive(stage: Stage) -> None:
    """A job runs; Redis is away for longer than its lease; upkeep looks before the worker can."""
    stage.reaps()
    stage.submit("running")
    child = Child(stage, "steady")
    claim = child.must_claim()
    child.start(claim)
    kill_redis(stage.server)
    stage.outlast(claim)
    stage.server.start()
    stage.upkeep.round()
    child.beat(claim)
    child.end(claim)
    stage.run_what_waits()


if __name__ == "__main__":
    play(drive, CUT)

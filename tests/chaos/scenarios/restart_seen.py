"""Guard: upkeep knows a restarted Redis by its run_id. Needed when the outage was shorter than the gap it would notice, and
yet the lease ended in it."""

from tests.chaos.killing import kill_redis
from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut("lib/scripts/reap.lua", "if seen[1] ~= run_id or away > gap then", "if away > gap then", turns="reaped-without-cause")
GAP = 3600  # seconds: this outage is no gap


def drive(stage: Stage) -> None:
    """A job runs; Redis restarts; upkeep looks before the worker can."""
    stage.reaps()
    stage.submit("running")
    child = Child(stage, "steady")
    claim = child.must_claim()
    child.start(claim)
    kill_redis(stage.server)
    stage.outlast(claim)
    stage.server.start()
    stage.jobs.store.run("reap", stage.settings.queue_name, 500, GAP)
    child.beat(claim)
    child.end(claim)
    stage.run_what_waits()


if __name__ == "__main__":
    play(drive, CUT)

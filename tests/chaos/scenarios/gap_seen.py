"""Guard: upkeep knows by the gap since its last look that nobody could renew. Needed when Redis hangs and goes on with the
same run_id."""

import signal

from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "lib/scripts/reap.lua",
    "if seen[1] ~= run_id or away > gap then",
    "if seen[1] ~= run_id then",
    turns="reaped-without-cause",
)


def drive(stage: Stage) -> None:
    """A job runs; Redis is frozen for longer than its lease; upkeep looks before the worker can."""
    stage.reaps()
    stage.submit("running")
    child = Child(stage, "steady")
    claim = child.must_claim()
    child.start(claim)
    stage.server.signal(signal.SIGSTOP)
    stage.outlast(claim)
    stage.server.signal(signal.SIGCONT)
    stage.upkeep.round()
    child.beat(claim)
    child.end(claim)
    stage.run_what_waits()


if __name__ == "__main__":
    play(drive, CUT)

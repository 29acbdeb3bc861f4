"""Guard: retry carries the number of the ended run. Needed when its reply was lost, and the job has failed again by the time
it is sent again."""

from lib.jobs import failed
from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "lib/scripts/parts/retrying.lua",
    """  if current == run + 1 then
    rec('HINCRBY', job.key, 'replays', 1) -- strict durability waits for a write of the connection that asks
    return {'AGAIN'}
  end
  if current ~= run then return {'RUN', tostring(current)} end""",
    "",
    turns="rerun-twice",
)


def drive(stage: Stage) -> None:
    """One retry is asked for; its request arrives twice, with a whole run in between."""
    jid = stage.submit("unlucky", "ledger_raise")
    child = Child(stage, "failing")
    stage.reruns[jid] = 1
    for _ in range(2):
        if (claim := child.claim()) is not None:
            child.start(claim)
            child.end(claim, failed({"type": "ValueError", "message": "no", "reason": "exception"}))
        stage.jobs.store.run("retry", jid, 0)
    if (claim := child.claim()) is not None:
        child.start(claim)
        child.end(claim, failed({"type": "ValueError", "message": "no", "reason": "exception"}))


if __name__ == "__main__":
    play(drive, CUT)

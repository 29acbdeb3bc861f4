"""Guard: the name of a dead child is closed. Needed when its claim is still on the way while its death is reported."""

from lib.jobs import ChildClosed
from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "lib/scripts/parts/claiming.lua",
    "  if que('ZSCORE', PREFIX .. 'closed', child) then return {'CLOSED'} end\n",
    "",
    turns="reaped-without-cause",
)


def drive(stage: Stage) -> None:
    """The report of the death overtakes the claim."""
    jid = stage.submit("nearly-claimed")
    child = Child(stage, "ghost")
    stage.fault("kill-child", child.worker)
    stage.jobs.bury(child.name, "", "crash", "crash", {"summary": "killed by SIGKILL"})
    try:
        child.claim()
    except ChildClosed:
        pass
    if stage.status(jid) == "in-progress":
        stage.reaped(jid)
    stage.run_what_waits()


if __name__ == "__main__":
    play(drive, CUT)

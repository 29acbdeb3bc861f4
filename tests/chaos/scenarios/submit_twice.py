"""Guard: submit finds the id it accepted before. Needed when its reply was lost and it is sent again."""

from lib.jobs import Submission
from tests.chaos.scenarios.stage import Cut, Stage, play

CUT = Cut(
    "lib/scripts/parts/accepting.lua",
    "  if rec('EXISTS', job.key) == 0 then return 'NEW' end\n",
    "  do return 'NEW' end\n",
    turns="impossible-move",
)


def drive(stage: Stage) -> None:
    """The reply of a submit is lost; the caller's library sends it again."""
    stage.proxied("submit").submit(Submission("ledger_noop", id="once"))
    stage.acknowledged["once"] = "ledger_noop"
    stage.run_what_waits()


if __name__ == "__main__":
    play(drive, CUT)

"""Guard: a death is charged only to the job that was marked as started. Needed when a child dies between claim and start."""

from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "lib/scripts/bury.lua",
    "if token ~= mark then\n  give_back(job, 'unstarted')\nelseif verdict == 'crash' then",
    "if verdict == 'crash' then",
    turns="charged-unstarted",
)


def drive(stage: Stage) -> None:
    """A child claims a job and is killed before it marks it."""
    stage.submit("innocent")
    child = Child(stage, "brief")
    child.must_claim()
    stage.fault("kill-child", child.worker)
    stage.jobs.bury(child.name, "", "crash", "crash", {"summary": "killed by SIGKILL"})
    stage.run_what_waits()


if __name__ == "__main__":
    play(drive, CUT)

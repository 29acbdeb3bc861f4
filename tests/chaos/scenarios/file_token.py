"""Guard: files are taken only from the token that holds. Needed when a stale holder still saves files."""

from lib.errors import StaleClaim
from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "lib/scripts/stage.lua",
    "if not job or job.status ~= 'in-progress' or job.token ~= ARGV[2] then",
    "if not job or job.status ~= 'in-progress' then",
    turns="wrong-file",
)


def drive(stage: Stage) -> None:
    """B holds the job and has saved its file; A, whose lease ended, saves its own over it."""
    jid = stage.submit("contested")
    slow, fast = Child(stage, "slow"), Child(stage, "fast")
    late = slow.must_claim()
    slow.start(late)
    stage.fault("stop-supervisor", slow.worker)
    stage.reaped(jid)
    good = fast.must_claim()
    fast.start(good)
    stage.jobs.stage_file(good, "said.txt", good.token.encode(), "text/plain")
    try:
        stage.jobs.stage_file(late, "said.txt", late.token.encode(), "text/plain")
    except StaleClaim:
        pass
    fast.end(good)
    slow.end(late)


if __name__ == "__main__":
    play(drive, CUT)

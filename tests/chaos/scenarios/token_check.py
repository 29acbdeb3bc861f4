"""Guard: finish compares the token. Needed when a holder whose lease ended says its result while another one runs the job."""

from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "lib/scripts/parts/finishing.lua",
    "if not job or job.status ~= 'in-progress' or job.token ~= token then",
    "if not job or job.status ~= 'in-progress' then",
    turns="wrong-writer",
)


def drive(stage: Stage) -> None:
    """A claims; its worker freezes; B gets the job; A's late result comes first."""
    jid = stage.submit("contested")
    slow, fast = Child(stage, "slow"), Child(stage, "fast")
    late = slow.must_claim()
    slow.start(late)
    stage.fault("stop-supervisor", slow.worker)
    stage.reaped(jid)
    good = fast.must_claim()
    fast.start(good)
    slow.end(late)
    fast.end(good)


if __name__ == "__main__":
    play(drive, CUT)

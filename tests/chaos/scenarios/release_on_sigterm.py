"""Guard: a worker that must stop releases what still runs. Needed when a job takes longer than the grace: it would be charged
with the kill. On real processes."""

import signal

from tests.chaos import system
from tests.chaos.scenarios.stage import Cut, Stage, play
from tests.waiting import until

CUT = Cut(
    "services/worker/ending.py",
    """            elif now >= self._kill_at:
                self.order(mark.token, Verdict("released", "worker stopped"))
""",
    "",
    turns="charged-without-cause",
    lease=10.0,  # none ends here
)


def drive(stage: Stage) -> None:
    """SIGTERM in mid-job, a grace of 0.2 s, and a job that takes longer."""
    jid = stage.submit("long", "ledger_gate", params={"path": str(stage.folder / "gate")})
    own = {"WORKER_GRACE": "0.2", "WORKER_CHILDREN": "1"}
    worker = system.worker("graceful", stage.settings, stage.ledger.path, stage.folder, system.ROOT, **own)
    worker.start()
    try:
        until(lambda: stage.ledger.started(jid), 30, "the job's start")
        worker.kill(signal.SIGTERM)
        assert worker.process is not None
        worker.process.wait(20)
    finally:
        worker.destroy()
    stage.run_what_waits()


if __name__ == "__main__":
    play(drive, CUT)

"""Guard: the supervisor kills a stopped child only if its mark still shows the token of the order. Needed when the child has
moved on to its next job between the first look and the stop."""

import subprocess
import sys
from typing import Any

from lib.jobs import Claim
from services.worker.ending import ChildProcess
from services.worker.marks import Mark, Marks
from services.worker.orders import Order, Verdict
from services.worker.processes import ProcessHandle
from services.worker.supervisor import Supervisor
from tests.chaos.scenarios.stage import Child, Cut, Stage, play

CUT = Cut(
    "services/worker/ending.py",
    "        if child.process.stop() and order.meets(self.marks.read(child.slot)):\n",
    "        if child.process.stop():\n",
    turns="timeout-early",
)


class _MovesOn(ProcessHandle):
    """A child that finishes its job and starts the next one just before SIGSTOP reaches it."""

    def __init__(self, pid: int, move_on: Any) -> None:
        super().__init__(pid)
        self._move_on = move_on

    def stop(self, wait: float = 0.5) -> bool:
        self._move_on()
        return super().stop(wait)


def drive(stage: Stage) -> None:
    """The first job's time is over; its child ends it in that moment and starts the second one."""
    stage.submit("first", timeout=60.0)
    stage.submit("second", timeout=60.0)
    marks = Marks(stage.folder / "w.marks", slots=2)
    supervisor = Supervisor(stage.settings, "quick-worker", marks)
    child = Child(stage, "quick")
    current: list[Claim] = []

    def mark(claim: Claim) -> None:
        current[:] = [claim]
        child.start(claim)
        marks.write(0, Mark(child.name, process.pid, claim.token, claim.id, claim.operation, 1.0, 1e12))

    def move_on() -> None:
        child.end(current[0])
        mark(child.must_claim())

    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        mark(child.must_claim())
        supervisor.children[child.name] = ChildProcess(child.name, 0, 0.0, _MovesOn(process.pid, move_on))
        error = {"type": "JobTimeout", "message": "too long", "reason": "timeout"}
        supervisor.orders.append(Order(current[0].token, Verdict("failed", "timeout", error), 1e12))
        supervisor._carry_out()
        _see(stage, supervisor, process, child, current[0])
    finally:
        process.kill()
        process.wait()
        marks.close()


def _see(stage: Stage, supervisor: Supervisor, process: "subprocess.Popen[bytes]", child: Child, claim: Claim) -> None:
    """What comes of it: the child is dead and reported, or it runs on."""
    if supervisor.children[child.name].verdict is None:
        child.end(claim)
        return
    supervisor._exited(process.pid, process.wait(), 0)
    report = supervisor.reports.popleft()
    stage.jobs.bury(report.child, report.token, report.verdict.kind, report.verdict.reason, report.verdict.detail)


if __name__ == "__main__":
    play(drive, CUT)

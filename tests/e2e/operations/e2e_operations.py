"""Operations for tests on a cluster: they wait, take memory, and die in the ways a process can.

Each writes to its job's log where it runs before it does anything else, so that every run of a job leaves a line.
"""

import os
import resource
import signal
import socket
import time
from typing import Any

from lib.operations import job, log, operation, progress


def _run() -> dict[str, Any]:
    """Where this run is."""
    found = job()
    assert found is not None
    pod = socket.gethostname()
    log(f"ran on {pod}")
    return {"pod": pod, "attempt": found.attempt}


@operation(needs_data=False, direct=False)
def where() -> dict[str, Any]:
    """Nothing but where it ran."""
    return _run()


@operation(needs_data=False, direct=False)
def nap(seconds: float) -> dict[str, Any]:
    """Waits, and says how far it is."""
    run = _run()
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        progress(seconds - left, seconds)
        time.sleep(min(1.0, left))
    return run


@operation(needs_data=False, direct=False)
def eat(mb: int, runs: int = 1000) -> dict[str, Any]:
    """Takes memory and writes to every page of it, in the first `runs` attempts."""
    run = _run()
    if run["attempt"] <= runs:
        eaten = [b"x" * 2**20 for _ in range(mb)]
        run["mb"] = len(eaten)
    return run


@operation(needs_data=False, direct=False)
def die(name: str = "SIGKILL", runs: int = 1000) -> dict[str, Any]:
    """Sends its own process a signal, in the first `runs` attempts."""
    run = _run()
    if run["attempt"] <= runs:
        os.kill(os.getpid(), signal.Signals[name])
        time.sleep(60)
    return run


@operation(needs_data=False, direct=False)
def end_container(after: float = 0.0, runs: int = 1000) -> dict[str, Any]:
    """Has every process of the container killed at once, in the first `runs` attempts.

    The kernel protects PID 1 from deadly signals of its own container, but not from a limit of its processor time, which
    it soon reaches when it is kept busy with harmless ones. With PID 1 all others go.
    """
    run = _run()
    if run["attempt"] <= runs:
        time.sleep(after)
        resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))
        while True:
            os.kill(1, signal.SIGCHLD)
    return run

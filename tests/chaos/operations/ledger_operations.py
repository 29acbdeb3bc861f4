"""Operations whose every run is written to a file outside Redis. Loaded by workers (and the API) through OPERATIONS_DIR.

Each line is one write with O_APPEND, so that lines of many processes never mix and survive whatever is killed. A run that
has a `start` and no `end` was killed. `mark` stands just before the child says in its marks file that it starts the job.
"""

import hashlib
import os
import signal
import time
from typing import Any

from lib.operations import job, log, operation, progress, save_file

try:
    from services.worker import child
except ImportError:  # the image of the API has no worker: there they are only known
    child = None  # type: ignore[assignment]

_LEDGER = os.environ.get("TRAFFICJOBS_LEDGER", os.devnull)
_fd = os.open(_LEDGER, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)


def _write(kind: str, jid: str, token: str) -> None:
    worker = os.environ.get("WORKER_NAME", "-")
    os.write(_fd, f"{time.time():.6f} {kind} {jid} {token} {os.getpid()} {worker}\n".encode())


def _write_marks() -> None:
    mark = child.Child.mark

    def mark_with_a_line(self: Any, claim: Any) -> None:
        _write("mark", claim.id, claim.token)
        mark(self, claim)

    child.Child.mark = mark_with_a_line  # type: ignore[method-assign]


if child is not None:
    _write_marks()


class _Run:
    """Writes `start`, `alive` and `end` of the run that it is opened in."""

    def __enter__(self) -> "_Run":
        found = job()
        assert found is not None
        self.id, self.token, self.attempt = found.id, found.token, found.attempt
        _write("start", self.id, self.token)
        return self

    def __exit__(self, *_: object) -> None:
        _write("end", self.id, self.token)

    def sleep(self, seconds: float) -> None:
        """Sleep, and say every 50 ms that this process still lives."""
        give_up = time.monotonic() + seconds
        while (left := give_up - time.monotonic()) > 0:
            time.sleep(min(0.05, left))
            _write("alive", self.id, self.token)

    def result(self) -> dict[str, Any]:
        """Every result names the token that made it."""
        return {"token": self.token}


@operation(needs_data=False, direct=False)
def ledger_noop() -> dict[str, Any]:
    """Nothing but the two lines."""
    with _Run() as run:
        return run.result()


@operation(needs_data=False, direct=False)
def ledger_cpu(milliseconds: float) -> dict[str, Any]:
    """Computes."""
    with _Run() as run:
        give_up = time.monotonic() + milliseconds / 1000
        while time.monotonic() < give_up:
            hashlib.sha256(b"x" * 1000).digest()
        return run.result()


@operation(needs_data=False, direct=False)
def ledger_sleep(seconds: float) -> dict[str, Any]:
    """Sleeps."""
    with _Run() as run:
        run.sleep(seconds)
        return run.result()


@operation(needs_data=False, direct=False)
def ledger_gate(path: str, seconds: float = 60.0) -> dict[str, Any]:
    """Runs until the file `path` is there."""
    with _Run() as run:
        give_up = time.monotonic() + seconds
        while not os.path.exists(path) and time.monotonic() < give_up:
            run.sleep(0.01)
        return run.result()


@operation(needs_data=False, direct=False, external_effects=True)
def ledger_external(path: str) -> dict[str, Any]:
    """As ledger_gate; it must not outlive its lease."""
    with _Run() as run:
        while not os.path.exists(path):
            run.sleep(0.05)
        return run.result()


@operation(needs_data=False, direct=False)
def ledger_raise(times: int) -> dict[str, Any]:
    """Raises in its first attempts."""
    with _Run() as run:
        if run.attempt <= times:
            raise RuntimeError(f"attempt {run.attempt} of {times} that fail")
        return run.result()


@operation(needs_data=False, direct=False)
def ledger_crash(times: int) -> dict[str, Any]:
    """Kills its own process in its first attempts."""
    with _Run() as run:
        if run.attempt <= times:
            os.kill(os.getpid(), signal.SIGKILL)
        return run.result()


@operation(needs_data=False, direct=False)
def ledger_talk(lines: int, size: int = 1000) -> dict[str, Any]:
    """Reports progress, logs, and saves a file in every step."""
    with _Run() as run:
        for n in range(lines):
            progress(n, lines, "talking")
            log(f"line {n} of {run.token}")
            save_file("said.txt", f"{run.token}:{n}".encode() + b"." * size, "text/plain")
        return run.result()


@operation(needs_data=False, direct=False)
def ledger_c_code(seconds: float) -> dict[str, Any]:
    """One call of C code that no Python signal handler can interrupt."""
    with _Run() as run:
        start = time.perf_counter()
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", 20_000)
        rounds = int(20_000 * seconds / (time.perf_counter() - start))
        hashlib.pbkdf2_hmac("sha256", b"x", b"y", rounds)
        return run.result()

"""Operations whose course a test decides: they wait for a file, fail a number of times, die, or stay in C code."""

import hashlib
import os
import secrets
import shlex
import signal
import subprocess
import time
from typing import Any

from lib.operations import job, log, operation, parents, partial, progress


@operation(needs_data=False, direct=False)
def echo(value: Any = None) -> Any:
    """Gives back what it was given."""
    return value


@operation(needs_data=False, direct=False)
def gate(path: str, seconds: float = 60.0, fail: bool = False) -> dict[str, Any]:
    """Runs until the file `path` is there, and then fails if it is to."""
    end = time.monotonic() + seconds
    while not os.path.exists(path) and time.monotonic() < end:
        time.sleep(0.01)
    if fail:
        raise RuntimeError("told to")
    return {"opened": os.path.exists(path)}


@operation(needs_data=False, direct=False)
def flaky(times: int, message: str = "not yet") -> dict[str, Any]:
    """Raises in its first attempts."""
    run = job()
    assert run is not None
    if run.attempt <= times:
        raise RuntimeError(message)
    return {"attempt": run.attempt}


@operation(needs_data=False, direct=False)
def crash(times: int = 1000) -> dict[str, Any]:
    """Kills its own process in its first attempts, after a line in the log."""
    run = job()
    assert run is not None
    log(f"attempt {run.attempt}")
    time.sleep(0.2)  # the line is gathered with others for 0.1 s
    log("now")
    if run.attempt <= times:
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)
    return {"attempt": run.attempt}


@operation(needs_data=False, direct=False)
def in_c_code(seconds: float) -> str:
    """One call of C code that no handler in Python can interrupt."""
    start = time.perf_counter()
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 20_000)
    rounds = int(20_000 * seconds / (time.perf_counter() - start))
    return hashlib.pbkdf2_hmac("sha256", b"x", b"y", rounds).hex()


@operation(needs_data=False, direct=False)
def in_a_program(path: str) -> int:
    """Waits for a program of a shell that it starts, whose number stands in the file `path` from then on."""
    return subprocess.run(["sh", "-c", f"sleep 300 & echo $! > {shlex.quote(path)}; wait"], check=True).returncode


@operation(needs_data=False, direct=False)
def in_parts(values: list[Any], path: str) -> list[Any]:
    """Shows one value after another as its partial result, and ends with all of them once the file `path` is there."""
    for number in range(len(values)):
        partial(values[: number + 1])
    while not os.path.exists(path):
        time.sleep(0.02)
        partial(values)
    return values


@operation(needs_data=False, direct=False)
def talk(lines: int, path: str = "") -> dict[str, Any]:
    """Writes lines and progress, and then waits for the file `path` if one is named."""
    for number in range(lines):
        log(f"line {number}")
        progress(number + 1, lines, f"step {number}")
    if path:
        gate(path)
    return {"lines": lines}


@operation(needs_data=False, direct=False)
def sum_of_parents() -> dict[str, Any]:
    """The results of the jobs that it depends on, by their ids."""
    return {jid: parent["result"] for jid, parent in parents().items()}


@operation(needs_data=False, direct=False, cache=True)
def cached_once(value: int) -> str:
    """Another answer in each run, though it says that equal jobs have equal results."""
    return f"{value}-{secrets.token_hex(8)}"


@operation(needs_data=False, direct=False, rate="2/2s")
def twice_in_two_seconds() -> None:
    """Starts no more than twice in two seconds."""

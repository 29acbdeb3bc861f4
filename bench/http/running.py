"""The load on an API, as a process of its own."""

import json
import subprocess
import sys

from bench.environments import ROOT


def load(url: str, connections: int, seconds: float) -> dict[str, float]:
    """Submit through so many connections for so long: `answers` and the `seconds` they took.

    Raises: RuntimeError where an answer was not 2xx.
    """
    host, _, port = url.removeprefix("http://").partition(":")
    command = [sys.executable, "-m", "bench.http.load", host, port, str(connections), str(seconds)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the load failed: {done.stderr[-1_000:]}")
    answer: dict[str, float] = json.loads(done.stdout)
    return answer

"""Runs in a container: SIGKILL to one process there, or to all. Prints JSON: when, and the process's number, or 0 for none.

`child`: one that PID 1 has started; `grandchild`: one that such a one has started; `container`: PID 1, and
all others with it. The second argument, 0 to 1, picks one.
"""

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

WITHIN = 30.0  # seconds in which PID 1 reaches its limit


def parents() -> dict[int, int]:
    """The parent of every process."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it has just ended
            continue
        if state != "Z":
            found[int(path.parent.name)] = int(parent)
    return found


def chosen(what: str, which: float) -> int:
    """The process that is meant."""
    parent_of = parents()
    children = sorted(pid for pid, parent in parent_of.items() if parent == 1)
    found = children if what == "child" else sorted(pid for pid, parent in parent_of.items() if parent in children)
    return found[int(which * len(found))] if found else 0


def end_container() -> None:
    """The kernel protects PID 1 from deadly signals of its own container, but not from a limit of its processor time."""
    resource.prlimit(1, resource.RLIMIT_CPU, (1, 1))
    give_up = time.monotonic() + WITHIN
    while time.monotonic() < give_up:  # it ends, and this with it
        os.kill(1, signal.SIGCHLD)


pid = 1 if sys.argv[1] == "container" else chosen(sys.argv[1], float(sys.argv[2]))
print(json.dumps({"at": time.time(), "killed": pid}), flush=True)
if pid == 1:
    end_container()
    sys.exit(3)
if pid:
    os.kill(pid, signal.SIGKILL)

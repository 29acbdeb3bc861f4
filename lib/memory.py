"""What a process may allocate: a limit that raises MemoryError in place of having the kernel kill the process.

It counts private writable memory (RLIMIT_DATA), so mapped files and what is shared with the nursery are free. On systems
that do not tell how much a process has, nothing is limited.
"""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path


def data_bytes() -> int:
    """Private writable memory of this process, as RLIMIT_DATA counts it; 0 where the system does not tell."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


@contextlib.contextmanager
def at_most(allowed: int) -> Iterator[None]:
    """Let the block allocate at most `allowed` bytes beyond what the process has; 0 for any."""
    base = data_bytes() if allowed else 0
    if not base:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (base + allowed, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))

"""What the worker asks of the kernel: orphans that come to the supervisor, signals that cannot hit a
stranger, and how a process died. On systems other than Linux the parts that they lack do nothing."""

import logging
import os
import resource
import select
import signal
import time
from pathlib import Path
from typing import Any

from lib.parents import LINUX, prctl

logger = logging.getLogger("trafficjobs.worker")

_REMEDY = "give the operation a memory_limit, the worker a MEMORY_LIMIT, or the container more memory"
_PR_SET_CHILD_SUBREAPER = 36
# Where the kernel counts what it killed in this container, under version 2 and version 1 of control groups.
_OOM_EVENTS = (Path("/sys/fs/cgroup/memory.events"), Path("/sys/fs/cgroup/memory/memory.oom_control"))


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans, as PID 1 is."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def reap() -> tuple[int, int, resource.struct_rusage] | None:
    """A child of this process that has ended: its pid, wait status and use of resources; None where there is none.

    Whatever is left of a group that it led is killed first: its number can be given to nobody else until then.
    """
    try:
        if LINUX:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return None
            _kill_group(ended.si_pid)
            return os.wait4(ended.si_pid, 0)
        pid, status, usage = os.wait4(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    if not pid:
        return None
    _kill_group(pid)
    return pid, status, usage


def _kill_group(number: int) -> None:
    try:
        os.killpg(number, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM where all that is left is a zombie
        pass


class ProcessHandle:
    """A process that can be signalled without hitting another one that was given its number."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._fd: int | None = None
        if LINUX:
            try:
                self._fd = os.pidfd_open(pid)
            except ProcessLookupError:  # it is gone already
                self._fd = -1
            except OSError as error:  # no descriptor is left, or this kernel has none such: it is signalled by its number
                logger.warning("process %d is known by its number alone: %s", pid, error)

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; False where the process is gone."""
        try:
            if self._fd is None:
                os.kill(self.pid, number)
            elif self._fd < 0:
                return False
            else:
                signal.pidfd_send_signal(self._fd, number)
        except ProcessLookupError:
            return False
        return True

    def exited(self) -> bool:
        """Whether the process has ended, told or not; always False where the system cannot say."""
        if self._fd is None:
            return False
        return self._fd < 0 or bool(select.select([self._fd], [], [], 0)[0])

    def stop(self, wait: float = 0.5) -> bool:
        """SIGSTOP, and wait until it stands still; False where it does not within `wait` seconds or is gone."""
        if not self.signal(signal.SIGSTOP):
            return False
        give_up = time.monotonic() + wait
        while time.monotonic() < give_up:
            if not LINUX:
                time.sleep(0.01)
                return True
            state = _state(self.pid)
            if state in "TtZX":
                return state in "Tt"
            time.sleep(0.001)
        return False

    def close(self) -> None:
        """Give the handle back."""
        if self._fd is not None and self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "X"


def resident_bytes() -> int:
    """Resident memory of this process."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def proportional_bytes(pids: list[int]) -> int | None:
    """Memory of some processes, what several share counted in parts; None where the system does not tell."""
    found = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:  # gone meanwhile
            continue
        found += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) * 1024
    return found or None


def oom_kills() -> int:
    """Processes the kernel killed in this container for want of memory; 0 where that is not told."""
    for path in _OOM_EVENTS:
        try:
            for line in path.read_text().splitlines():
                if line.startswith("oom_kill "):
                    return int(line.split()[1])
        except OSError:
            pass
    return 0


def cause_of(found: dict[str, Any]) -> str:
    """What a process died of, by its `evidence`: oom, signal, exit or unknown; the scripts count deaths by the same words."""
    if found["oom_killed"]:
        return "oom"
    return next((word for field, word in (("signal", "signal"), ("exit_code", "exit")) if field in found), "unknown")


def evidence(status: int | None, peak_kib: int, oom: bool, worker: str, limit: int = 0) -> dict[str, Any]:
    """How a process died, for the record: wait status, peak resident memory, whether memory ran out, where.

    Without a status nobody lived to see it. Under version 2 of control groups Kubernetes has a whole container killed when its
    memory is used up, so that this may be the reason.

    Args:
        limit: bytes that its job could allocate, 0 for any; C++ and Rust abort the process where Python raises MemoryError.
    """
    found: dict[str, Any] = {"worker": worker, "peak_memory_bytes": peak_kib * 1024, "oom_killed": oom}
    if status is None:
        unknown = {"peak_memory_bytes": None, "oom_killed": None}
        summary = f"all processes of the worker were killed at once, perhaps at the container's memory limit; {_REMEDY}"
        return found | unknown | {"summary": summary}
    peak = f"peak memory {peak_kib // 1024} MiB"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        name = signal.Signals(number).name if number in set(signal.Signals) else str(number)
        if oom:
            peak += f", out of memory at the container's memory limit; {_REMEDY}"
        elif limit and number in (signal.SIGABRT, signal.SIGSEGV):
            peak += f", perhaps at the memory limit of {limit / 2**20:.0f} MiB that its job had"
        return found | {"signal": name, "summary": f"killed by {name}, {peak}"}
    code = os.WEXITSTATUS(status)
    return found | {"exit_code": code, "summary": f"left with exit code {code}, {peak}"}

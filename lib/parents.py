"""Death with the parent, which the kernel sees to: for processes that must not outlive the one that has forked them.

The nursery, its children and the processes that try files of operations ask for it first of all. On systems other than Linux
nothing is asked of the kernel.
"""

import ctypes
import os
import signal
import sys

LINUX = sys.platform.startswith("linux")
_PR_SET_PDEATHSIG = 1


def prctl(option: int, value: int) -> None:
    """Ask the kernel for something that concerns this process; see prctl(2)."""
    if LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Have the kernel SIGKILL this process when the thread that made it ends; end now if that has happened already."""
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)

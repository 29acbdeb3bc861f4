"""The nursery: imports everything once and forks children on command, so that a child is there in milliseconds.

Started by exec from the supervisor's main thread. It has no thread and no connection to Redis of its own, and never
draws or computes: a child forked from a process with threads may hang for ever. It ends when its pipe closes, and its
children end with it.
"""

import gc
import os
import select
import signal
import sys
from pathlib import Path
from typing import Any

from lib.parents import LINUX, die_with_parent
from services.worker.channel import Receiver, Sender
from services.worker.processes import reap


def main(arguments: list[str]) -> None:
    """`nursery <supervisor's pid> <commands fd> <reports fd> <marks file>`."""
    parent, commands_fd, reports_fd = map(int, arguments[:3])
    die_with_parent(parent)
    for number in (signal.SIGINT, signal.SIGTERM):  # the supervisor decides when children end
        signal.signal(number, signal.SIG_IGN)

    from lib import hidden, tracing
    from lib.logs import configure_logging
    from lib.operations import load_catalog
    from lib.settings import load_settings

    commands, reports = Receiver(commands_fd), Sender(reports_fd)
    hidden.take(_first(commands)["secrets"])
    settings = load_settings()
    configure_logging(settings.log_level, "worker")
    catalog = load_catalog(settings.operations_dir)
    from services.worker import child

    tracing.load()

    reports.send(
        event="ready", operations=catalog.names(hidden=True), broken=dict(catalog.broken), threads=_threads(), pid=os.getpid()
    )
    gc.collect()
    gc.freeze()  # what is shared with the children stays untouched by their collectors

    def fork(slot: int, name: str) -> None:
        nursery = os.getpid()
        # What the supervisor tells a child before that can listen is kept for it: Linux keeps what is blocked though ignored.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        pid = os.fork()
        if pid == 0:
            try:
                os.close(commands_fd)
                os.close(reports_fd)
                signal.set_wakeup_fd(-1)
                os.setpgid(0, 0)  # what its runs start, and leave running, ends with it
                die_with_parent(nursery)
                code = child.main(name, slot, Path(arguments[3]), settings, catalog)
            except BaseException:
                sys.excepthook(*sys.exc_info())
                code = 70
            finally:
                sys.stderr.flush()
                os._exit(code)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        reports.send(event="forked", child=name, pid=pid)

    _serve(commands, reports, fork)


def _first(commands: Receiver) -> dict[str, Any]:
    """What the supervisor says before anything else; none of its commands comes before the word that we are ready."""
    while not (messages := commands.receive()):
        if commands.closed:
            sys.exit(0)
        select.select([commands.fd], [], [])
    return messages[0]


def _serve(commands: Receiver, reports: Sender, fork: Any) -> None:
    """Fork as told and report every exit, until the pipe closes."""
    read_end, write_end = os.pipe()
    for end in (read_end, write_end):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while not commands.closed:
        select.select([commands.fd, read_end], [], [], 5.0)
        try:
            os.read(read_end, 4096)
        except BlockingIOError:
            pass
        for message in commands.receive():
            try:
                fork(message["slot"], message["child"])
            except OSError as error:  # no room for another process, which is no reason to end those that run
                reports.send(event="unforked", child=message["child"], reason=str(error))
        while (gone := reap()) is not None:
            pid, status, usage = gone
            reports.send(event="exit", pid=pid, status=status, peak_kib=usage.ru_maxrss)


def _threads() -> int:
    return len(os.listdir("/proc/self/task")) if LINUX else 1


if __name__ == "__main__":
    main(sys.argv[1:])

"""The nemesis on processes: SIGKILL, SIGSTOP and SIGTERM, each to a process that was started here or to a descendant of one."""

import signal
from collections.abc import Iterable

import psutil

from tests.chaos.nemesis import Nemesis, Planned, Strike
from tests.chaos.system import Program

_SOON = 0.5  # seconds after which a death has caused whatever it causes


def _signalled(process: psutil.Process | None, number: signal.Signals = signal.SIGKILL) -> float | None:
    try:
        if process is not None:
            process.send_signal(number)
            return _SOON
    except psutil.NoSuchProcess:
        pass
    return None


def _child(nemesis: Nemesis, planned: Planned) -> psutil.Process | None:
    children = nemesis.worker(planned).children()
    return children[int(planned.which * 97) % len(children)] if children else None


def _upkeep(nemesis: Nemesis, planned: Planned) -> Program:
    upkeeps = nemesis.targets.upkeeps
    return upkeeps[int(planned.which * len(upkeeps))]


def _api(nemesis: Nemesis) -> Program:
    assert nemesis.targets.api is not None
    return nemesis.targets.api


def kill_child(nemesis: Nemesis, planned: Planned) -> float | None:
    """The process that runs one job at a time."""
    return _signalled(_child(nemesis, planned))


def kill_nursery(nemesis: Nemesis, planned: Planned) -> float | None:
    """And with it, by the kernel's hand, its children."""
    return _signalled(nemesis.worker(planned).nursery())


def kill_supervisor(nemesis: Nemesis, planned: Planned) -> float | None:
    """A worker's first process."""
    return _killed(nemesis.worker(planned))


def kill_worker(nemesis: Nemesis, planned: Planned) -> float | None:
    """All its processes at once, as a node or the kernel's OOM killer would."""
    worker = nemesis.worker(planned)
    family = worker.family() if worker.alive else []
    struck = _killed(worker)
    for process in family:
        _signalled(process)
    return struck


def end_worker(nemesis: Nemesis, planned: Planned) -> float | None:
    """As Kubernetes ends a pod."""
    return _killed(nemesis.worker(planned), signal.SIGTERM)


def kill_upkeep(nemesis: Nemesis, planned: Planned) -> float | None:
    """One of them."""
    return _killed(_upkeep(nemesis, planned))


def kill_gunicorn(nemesis: Nemesis, planned: Planned) -> float | None:
    """One of the processes that answer requests; their master starts another one."""
    api = _api(nemesis)
    family = api.family() if api.alive else []
    return _signalled(family[int(planned.which * len(family))]) if family else None


def kill_api(nemesis: Nemesis, _planned: Planned) -> float | None:
    """gunicorn's master; the others leave when they find themselves alone."""
    return _killed(_api(nemesis))


def _killed(program: Program, number: signal.Signals = signal.SIGKILL) -> float | None:
    if not program.alive:
        return None
    program.kill(number)
    return _SOON


def stop_child(nemesis: Nemesis, planned: Planned) -> float | None:
    """One child; its supervisor goes on renewing its lease."""
    child = _child(nemesis, planned)
    return _frozen(nemesis, planned, [child] if child is not None else [])


def stop_supervisor(nemesis: Nemesis, planned: Planned) -> float | None:
    """The one that renews; the children run on."""
    return _frozen(nemesis, planned, _itself(nemesis.worker(planned)))


def stop_worker(nemesis: Nemesis, planned: Planned) -> float | None:
    """All processes of a worker, as a node that hangs."""
    worker = nemesis.worker(planned)
    return _frozen(nemesis, planned, [*_itself(worker), *(worker.family() if worker.alive else [])])


def stop_upkeep(nemesis: Nemesis, planned: Planned) -> float | None:
    """One of them; it may hold the lock."""
    return _frozen(nemesis, planned, _itself(_upkeep(nemesis, planned)))


def stop_api(nemesis: Nemesis, planned: Planned) -> float | None:
    """All of gunicorn."""
    api = _api(nemesis)
    return _frozen(nemesis, planned, [*_itself(api), *(api.family() if api.alive else [])])


def _itself(program: Program) -> list[psutil.Process]:
    try:
        return [psutil.Process(program.pid)] if program.alive else []
    except psutil.NoSuchProcess:
        return []


def _frozen(nemesis: Nemesis, planned: Planned, processes: Iterable[psutil.Process]) -> float | None:
    """SIGSTOP, and SIGCONT after more than a lease."""
    stopped = [process for process in processes if _signalled(process, signal.SIGSTOP) is not None]
    if not stopped:
        return None
    seconds = nemesis.beyond_a_lease(planned)
    nemesis.later(seconds, lambda: [_signalled(process, signal.SIGCONT) for process in stopped])
    return seconds + _SOON


STRIKES: dict[str, Strike] = {
    "kill-child": kill_child,
    "kill-nursery": kill_nursery,
    "kill-supervisor": kill_supervisor,
    "kill-worker": kill_worker,
    "end-worker": end_worker,
    "kill-upkeep": kill_upkeep,
    "kill-gunicorn": kill_gunicorn,
    "kill-api": kill_api,
    "stop-child": stop_child,
    "stop-supervisor": stop_supervisor,
    "stop-worker": stop_worker,
    "stop-upkeep": stop_upkeep,
    "stop-api": stop_api,
}

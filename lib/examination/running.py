"""The programs beside the one that looks: upkeep and what it has still to do, workers, files of operations that do not load."""

import time
from collections.abc import Iterator
from datetime import datetime

from lib.examination.finding import FAILED, OK, WARNING, Finding
from lib.examination.look import Look

UPKEEP_LATE = 15.0  # seconds since it looked
OVERDUE = 60.0  # seconds for which a task of it is due
BEAT_LATE = 60.0  # seconds


def upkeep(look: Look) -> Iterator[Finding]:
    """Whether it runs, and keeps up."""
    age, overdue = look.jobs.upkeep_age(), look.jobs.overdue()
    holder = look.store.read(lambda rd: rd.get(f"{look.store.prefix}upkeep.lock"))
    if age is None or age > max(UPKEEP_LATE, 5 * look.settings.upkeep_interval):
        seen = "never seen" if age is None else f"seen {age:.0f} s ago"
        remedy = "start the upkeep process beside the API: without it nothing is reaped, promoted or expired"
        yield Finding("upkeep", FAILED, seen, remedy)
        return
    late = {task: seconds for task, seconds in overdue.seconds.items() if seconds > OVERDUE}
    if late:
        seen = ", ".join(f"{task} is {seconds:.0f} s behind" for task, seconds in late.items())
        yield Finding("upkeep", WARNING, seen, "look at its log; where it does all it can, Redis or its node is too slow")
        return
    lag = max(overdue.seconds.values())
    held = f"by {holder.decode('utf-8', 'replace')}" if holder else "by nobody at this moment"
    yield Finding("upkeep", OK, f"seen {max(0.0, age):.1f} s ago, {lag:.1f} s behind at most; the lock is held {held}")


def workers(look: Look) -> Iterator[Finding]:
    """Those that beat: whether all do, and whether they are of our version."""
    found, now = look.workers, time.time()
    ages = {one["name"]: now - datetime.fromisoformat(one["beat"]).timestamp() for one in found}
    silent = {name: age for name, age in ages.items() if age > BEAT_LATE}
    waiting = sum(queue.depth for queue in look.jobs.queues() if queue.paused_since is None)
    if silent:
        seen = ", ".join(f"{name} was silent for {age:.0f} s" for name, age in silent.items())
        remedy = "look at its log; its jobs are given to others when their lease ends"
        yield Finding("workers", FAILED, seen, remedy)
    if waiting and not found:
        remedy = "start one, or see why it is not scaled up from zero"
        yield Finding("workers", FAILED, f"none beats, and {waiting} jobs wait", remedy)
    others = sorted({str(one.get("version", "unknown")) for one in found} - {look.version})
    if others:
        remedy = "roll API and workers to one version; an upgrade under way ends by itself"
        yield Finding("workers", WARNING, f"some are of version {', '.join(others)}, and the API of {look.version}", remedy)
    if not (silent or others) and (found or not waiting):
        children = sum(one.get("children", 0) for one in found)
        seen = f"{len(found)} beat, {children} jobs at once" if found else "none beats, and no job waits for one"
        yield Finding("workers", OK, seen)


def operations(look: Look) -> Iterator[Finding]:
    """Files of operations that cannot be imported, in the API or in a worker."""
    catalog = look.jobs.catalog
    broken = {"": dict(catalog.broken) if catalog else {}}
    for one in look.workers:
        broken[f" of {one['name']}"] = {each["file"]: each["reason"] for each in one.get("operations_broken", [])}
    for whose, files in broken.items():
        if files:
            seen = "; ".join(f"{file}: {reason}" for file, reason in sorted(files.items()))
            yield Finding(f"operations{whose}", FAILED, seen, "repair the file; the others are offered meanwhile")
    if not any(broken.values()):
        yield Finding("operations", OK, "all files load")

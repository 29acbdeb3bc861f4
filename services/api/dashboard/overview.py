"""The first page: what stands where, how it went lately, who works, what has failed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, request
from markupsafe import Markup

from lib.history import Point
from lib.jobs import QueueStats
from services.api.backend import backend
from services.api.dashboard import words
from services.api.dashboard.charts import Line, chart
from services.api.dashboard.pages import blueprint, page, render
from services.api.tokens import Role

RANGES = {"hour": (3_600, "%H:%M"), "day": (86_400, "%H:%M"), "week": (7 * 86_400, "%a %H:%M")}
_RECENT, _GROUPS = 8, 5
_SHORT = 300  # seconds; below it, minutes do not tell the moments of an axis apart


@blueprint.get("")
@page(role=Role.VIEW)
def overview() -> Response:
    """How the release is doing."""
    jobs, kept = backend().jobs, backend().dataset.store
    span = request.args.get("range", "hour")
    seconds, form = RANGES.get(span, RANGES["hour"])
    queues, workers, upkeep_age = jobs.queues(), jobs.workers(), jobs.upkeep_age()
    current = backend().data_version()
    return render(
        "overview.html",
        span=span if span in RANGES else "hour",
        ranges=list(RANGES),
        counts=jobs.counts(),
        charts=drawn(jobs.history(seconds), form),
        queues=queues,
        workers=workers,
        children=sum(worker.get("children", 0) for worker in workers),  # a consumer has none
        scaler=backend().scaler.seen(),
        memory=memory(backend().redis_state.info()),
        data=None if current is None else jobs.store.persist(lambda: kept.version(current), jobs.store.patience),
        upkeep_age=upkeep_age,
        troubles=troubles(queues, upkeep_age, backend().redis_state.look()["warnings"]),
        groups=jobs.failures(limit=_GROUPS)[0],
        recent=jobs.page(limit=_RECENT, brief=True).jobs,
    )


def drawn(points: Sequence[Point], form: str) -> dict[str, Markup]:
    """The three charts of what happened."""
    zone = words.zone_of(backend().settings.timezone)
    moments = [point.start + point.seconds for point in points]
    if moments and moments[-1] - moments[0] < _SHORT:
        form = "%H:%M:%S"

    def clock(moment: float) -> str:
        return datetime.fromtimestamp(moment, UTC).astimezone(zone).strftime(form)

    def a_minute(value: float) -> str:
        return f"{words.number(round(value, 2))}/min"

    def line(name: str, field: str, factor: float = 1.0) -> Line:
        values = (getattr(point, field) for point in points)
        return Line(name, [None if value is None else value * factor for value in values])

    return {
        "Jobs a minute": chart(
            "Jobs a minute",
            moments,
            [line("submitted", "submitted", 60), line("done", "completed", 60), line("failed", "failed", 60)],
            a_minute,
            clock,
        ),
        "Wait and run times": chart(
            "Wait and run times",
            moments,
            [
                line("run p95", "run_p95"),
                line("wait p95", "wait_p95"),
                line("run p50", "run_p50"),
                line("wait p50", "wait_p50"),
            ],
            words.seconds,
            clock,
        ),
        "Queued and running": chart(
            "Queued and running",
            moments,
            [line("running", "running"), line("queued", "depth"), line("workers", "workers")],
            words.number,
            clock,
            whole=True,
        ),
    }


def memory(info: Mapping[str, Any]) -> dict[str, float | None]:
    """Bytes that Redis uses, and its limit; None where it has none, or does not tell."""
    return {"used": info.get("used_memory"), "limit": info.get("maxmemory") or None}


def troubles(queues: Sequence[QueueStats], upkeep_age: float | None, warnings: Sequence[str]) -> list[str]:
    """What somebody should look at, in words."""
    found = [f"Redis: {warning}." for warning in warnings]
    if upkeep_age is None or upkeep_age > 5 * max(1.0, backend().settings.upkeep_interval) + 10:
        seen = "never looked" if upkeep_age is None else f"last looked {words.seconds(upkeep_age)} ago"
        found.append(f"Upkeep {seen}: jobs of dead workers, retries and schedules wait for it.")
    for queue in queues:
        if queue.unserved:
            found.append(
                f"{words.plural(queue.unserved, 'job')} of {queue.name} wait for a worker that has their operation,"
                f" the first for {words.seconds(queue.oldest_unserved_age)}."
            )
        if queue.rejected:
            found.append(f"{queue.name} has {words.plural(queue.rejected, 'entry', 'entries')} that could not be read.")
    return found

"""Queues and workers: what stands where and who works on it; pause and resume, drain and open, purge."""

from collections.abc import Callable

from flask import Response, url_for

from services.api.auth import caller_name
from services.api.backend import backend
from services.api.dashboard.pages import back, blueprint, done_at, page, render
from services.api.dashboard.words import plural
from services.api.routes.queues import known_queue
from services.api.tokens import Role

_QUEUE_ORDERS: dict[str, tuple[str, Callable[[str], None]]] = {
    "pause": ("{} is paused: what runs, runs on.", lambda name: backend().jobs.pause(name)),
    "resume": ("{} goes on.", lambda name: backend().jobs.resume(name)),
    "drain": ("{} accepts nothing more; what stands in it runs.", lambda name: backend().jobs.drain(name)),
    "open": ("{} accepts jobs again.", lambda name: backend().jobs.open(name)),
}
_WORKER_ORDERS: dict[str, tuple[str, Callable[[str], None]]] = {
    "drain": ("{} ends what it runs and takes no more.", lambda name: backend().jobs.drain_worker(name)),
    "resume": ("{} takes jobs again.", lambda name: backend().jobs.resume_worker(name)),
}


@blueprint.get("/queues")
@page(role=Role.VIEW)
def queues() -> Response:
    """Every queue."""
    return render("queues.html", queues=backend().jobs.queues(), limit=backend().settings.queue_limit)


@blueprint.get("/workers")
@page(role=Role.VIEW)
def workers() -> Response:
    """Every worker, and what it runs."""
    return render("workers.html", workers=backend().jobs.workers())


def _queue_order(order: str) -> Callable[[str], Response]:
    said, change = _QUEUE_ORDERS[order]

    def view(name: str) -> Response:
        change(known_queue(name))
        return done_at(said.format(name), back(url_for("ui.queues")))

    view.__doc__ = f"{order.capitalize()} a queue."
    return page(role=Role.ADMIN, action=f"queues.{order}")(view)


def _worker_order(order: str) -> Callable[[str], Response]:
    said, change = _WORKER_ORDERS[order]

    def view(name: str) -> Response:
        change(name)
        return done_at(said.format(name), back(url_for("ui.workers")))

    view.__doc__ = f"{order.capitalize()} a worker."
    return page(role=Role.ADMIN, action=f"queues.{order}_worker")(view)


for _order in _QUEUE_ORDERS:
    blueprint.add_url_rule(f"/queues/<name>/{_order}", f"{_order}_queue", _queue_order(_order), methods=["POST"])
for _order in _WORKER_ORDERS:
    blueprint.add_url_rule(f"/workers/<name>/{_order}", f"{_order}_worker", _worker_order(_order), methods=["POST"])


@blueprint.post("/queues/<name>/purge")
@page(role=Role.ADMIN, action="queues.purge")
def purge_queue(name: str) -> Response:
    """Cancel what waits in it."""
    purged = backend().jobs.purge(known_queue(name), by=caller_name() or "")
    more = f" {plural(purged.left, 'entry', 'entries')} were not looked at; press again." if purged.left else ""
    return done_at(f"{plural(purged.cancelled, 'job')} of {name} cancelled.{more}", back(url_for("ui.queues")))

"""The application: `create_app()` puts routes, errors, limits and logs together. gunicorn calls it, and so do tests.

Nothing connects before the first request, so that it starts while Redis is away and answers 503 until Redis is there.
"""

from flask import Flask

from lib.settings import Settings, load_settings
from services.api import access_log, audit, auth, conditional, drawing, hosts, http_metrics, live, problems, replies, spans
from services.api.backend import attach, make_backend
from services.api.dashboard import views
from services.api.prefix import Prefixed, check_prefix
from services.api.routes import (
    backup,
    batches,
    bulk,
    course,
    data,
    deliveries,
    direct,
    docs,
    doctor,
    events,
    failures,
    health,
    history,
    jobs,
    operations,
    queues,
    results,
    schedules,
)


def create_app(settings: Settings | None = None) -> Flask:
    """The API as a WSGI application.

    Args:
        settings: read from the environment by default.

    Raises:
        SettingsError: a variable has a value that cannot be used, or others could reach it without signing in.
    """
    settings = settings or load_settings()
    app = Flask("trafficjobs", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.url_map.strict_slashes = False  # `/get` and `/get/` are both in use
    attach(app.extensions, made := make_backend(settings))
    live.attach(app.extensions, made.store)
    drawing.attach(app.extensions, settings.api_threads)
    replies.install(app)
    access_log.install(app)
    spans.install(app)
    http_metrics.install(app)
    audit.install(app)
    hosts.install(app, settings)
    auth.install(app, settings)
    conditional.install(app)
    problems.install(app)
    jobs_routes = (jobs, bulk, batches, failures, results, deliveries, events, course)
    for module in (health, doctor, backup, docs, *jobs_routes, operations, data, queues, history, schedules):
        app.register_blueprint(module.blueprint)
    app.register_blueprint(views.blueprint)
    direct.add_routes(app, made.catalog)  # last, because they give way to every other route
    if settings.path_prefix:
        check_prefix(settings.path_prefix, (rule.rule for rule in app.url_map.iter_rules()))
        app.wsgi_app = Prefixed(app.wsgi_app, settings.path_prefix)  # type: ignore[method-assign]
    return app

"""Who may call which route: every route against everybody who may knock, as the table here says.

The table is written out by hand, so that a role changes only on purpose and a new route fails until somebody has said who may
call it. What stands behind the routes is replaced by a word, so that the gate alone answers and nothing is changed.
"""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient

from lib.settings import Settings
from services.api.app import create_app
from services.api.contract import contract_of
from services.api.tokens import Role
from tests.api.conftest import backend_of
from tests.api.sign_in import RANKS, TOKENS, csrf, signed_in

ROLES = {
    Role.OPEN: """
GET /
GET /docs
GET /docs/<name>
GET /healthz
GET /metrics
GET /openapi.json
GET /problems
GET /problems/<slug>
GET /readyz
GET /ui/assets/<mark>/<name>
GET|POST /ui/sign-in
POST /ui/sign-out
""",
    Role.VIEW: """
GET /anomalies
GET /average_response_time
GET /batches
GET /batches/<bid>
GET /batches/<bid>/deliveries
GET /by_hour
GET /by_weekday
GET /compare
GET /data
GET /data/<report_id>
GET /data/versions
GET /describe
GET /events
GET /failures
GET /get
GET /heatmap
GET /history
GET /hotspots
GET /incident_count_by_date
GET /incidents_by_road
GET /issue_breakdown
GET /job/result/<jid>
GET /jobs
GET /jobs/<jid>
GET /jobs/<jid>/deliveries
GET /jobs/<jid>/events
GET /jobs/<jid>/files
GET /jobs/<jid>/files/<name>
GET /jobs/<jid>/log
GET /jobs/<jid>/results
GET /nearby
GET /operations
GET /operations/<name>
GET /plot
GET /print
GET /queues
GET /queues/<name>
GET /schedules
GET /schedules/<sid>
GET /status/<jid>
GET /templates
GET /time_on_feed
GET /top_locations
GET /trend
GET /ui
GET /ui/<path:rest>
GET /ui/batches
GET /ui/batches/<bid>
GET /ui/data
GET /ui/failures
GET /ui/jobs
GET /ui/jobs/<jid>
GET /ui/jobs/<jid>/result.csv
GET /ui/map
GET /ui/queues
GET /ui/schedules
GET /ui/schedules/<sid>/change
GET /ui/schedules/new
GET /ui/submit
GET /ui/submit/<name>
GET /ui/workers
GET /unique_issues
GET /workers
""",
    Role.SUBMIT: """
POST /batches
POST /batches/<bid>/cancel
POST /batches/<bid>/deliveries/<delivery>/resend
POST /batches/<bid>/retry
POST /bulk/cancel
POST /bulk/delete
POST /bulk/retry
POST /data
POST /failures/<fingerprint>/retry
POST /failures/retry
POST /job/submit
POST /jobs
DELETE /jobs/<jid>
POST /jobs/<jid>/cancel
POST /jobs/<jid>/deliveries/<delivery>/resend
POST /jobs/<jid>/retry
POST /schedules
DELETE|PUT /schedules/<sid>
POST /schedules/<sid>/pause
POST /schedules/<sid>/resume
POST /schedules/<sid>/trigger
POST /submit
POST /ui/batches/<bid>/cancel
POST /ui/batches/<bid>/retry
POST /ui/data/file
POST /ui/data/url
POST /ui/failures/retry
POST /ui/jobs/<jid>/cancel
POST /ui/jobs/<jid>/delete
POST /ui/jobs/<jid>/retry
POST /ui/jobs/many
POST /ui/schedules/<sid>/change
POST /ui/schedules/<sid>/delete
POST /ui/schedules/<sid>/pause
POST /ui/schedules/<sid>/resume
POST /ui/schedules/<sid>/trigger
POST /ui/schedules/new
POST /ui/submit/<name>
""",
    Role.ADMIN: """
GET /backup
DELETE /data/versions/<version>
POST /data/versions/<version>/activate
GET /doctor
POST /queues/<name>/drain
POST /queues/<name>/open
POST /queues/<name>/pause
POST /queues/<name>/purge
POST /queues/<name>/resume
POST /restore
POST /ui/data/versions/<version>/activate
POST /ui/data/versions/<version>/remove
POST /ui/queues/<name>/drain
POST /ui/queues/<name>/open
POST /ui/queues/<name>/pause
POST /ui/queues/<name>/purge
POST /ui/queues/<name>/resume
POST /ui/workers/<name>/drain
POST /ui/workers/<name>/resume
POST /workers/<name>/drain
POST /workers/<name>/resume
""",
}
# The views of these check the CSRF token themselves, because nobody has signed in yet, or whoever did wants to leave.
OPEN_FORMS = {"/ui/sign-in", "/ui/sign-out"}
METRICS = "the-token-of-prometheus"
THROUGH = "let through"
_addresses = count(1)


def table() -> dict[tuple[str, str], Role]:
    """The table by method and rule."""
    found: dict[tuple[str, str], Role] = {}
    for role, text in ROLES.items():
        for each in text.split("\n"):
            methods, _, rule = each.partition(" ")
            found |= {(method, rule): role for method in methods.split("|") if method}
    return found


@pytest.fixture
def app(settings: Settings, tokens_file: Path, tmp_path: Path) -> Iterator[Flask]:
    """An application with a token of each role and one for /metrics."""
    more = {"tokens_file": tokens_file, "metrics_token": METRICS, "data_file": tmp_path / "absent.csv"}
    made = create_app(settings.model_copy(update=more))
    yield made
    backend_of(made).jobs.close()


def routes(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Method, rule and an address of every route."""
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<path:{name}>", "x").replace(f"<{name}>", "x")
        yield from ((method, rule.rule, path) for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))


def gate_alone(app: Flask) -> None:
    """Put a word in the place of every view; what the gate reads of a view stays."""
    for endpoint, view in app.view_functions.items():

        def word(**_: object) -> Response:
            return Response(THROUGH, 200)

        if (contract := contract_of(view)) is not None:
            setattr(word, "__contract__", contract)  # noqa: B010
        app.view_functions[endpoint] = word


def asked(client: FlaskClient, method: str, path: str, token: str | None = None, **headers: str) -> str:
    """What the gate says, each time to another address, since wrong tokens are counted by it."""
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    number = next(_addresses)
    answer = client.open(
        path, method=method, headers=headers, environ_overrides={"REMOTE_ADDR": f"10.9.{number >> 8}.{number & 255}"}
    )
    if answer.status_code == 303 and answer.headers["Location"].startswith("/ui/sign-in"):
        return "401"
    return THROUGH if answer.text == THROUGH or (method == "HEAD" and answer.status_code == 200) else str(answer.status_code)


def test_every_route_stands_in_the_table_with_its_role(app: Flask) -> None:
    declared: dict[tuple[str, str], Role] = {}
    for rule in app.url_map.iter_rules():
        contract = contract_of(app.view_functions[rule.endpoint])
        assert contract is not None, f"{rule.rule} ({rule.endpoint}) has no contract: nobody said who may call it"
        declared |= {(method, rule.rule): contract.role for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert declared == table()


def test_what_changes_something_is_not_for_those_who_only_look() -> None:
    for (method, rule), role in table().items():
        assert method in ("GET", "POST", "PUT", "DELETE")
        assert method == "GET" or role >= Role.SUBMIT or rule in OPEN_FORMS, f"{method} {rule}"
    assert [rule for (method, rule), role in table().items() if role is Role.ADMIN and method == "GET"] == ["/backup", "/doctor"]


def test_every_route_with_every_token(app: Flask) -> None:
    wanted, client = table(), app.test_client()
    gate_alone(app)
    for method, rule, path in routes(app):
        needed = Role.VIEW if rule == "/metrics" else wanted[method, rule]
        for methods in (method, "HEAD") if method == "GET" else (method,):
            opened = needed is Role.OPEN
            nobody = THROUGH if opened else "401"
            said: dict[str | None, str] = {
                None: nobody,
                "": nobody,
                "wrong": nobody,
                METRICS: THROUGH if opened or rule == "/metrics" else "401",
                **{TOKENS[role]: THROUGH if rank >= needed else "403" for role, rank in RANKS.items()},
            }
            assert {token: asked(client, methods, path, token) for token in said} == said, f"{methods} {rule}"
        assert asked(client, "OPTIONS", path) != THROUGH, rule  # only the names of methods, and Flask says those itself


def test_every_route_with_every_session(app: Flask) -> None:
    wanted = table()
    browsers = {role: signed_in(app, role) for role in RANKS}
    shown = {role: csrf(client) for role, client in browsers.items()}
    gate_alone(app)
    for method, rule, path in routes(app):
        needed = Role.VIEW if rule == "/metrics" else wanted[method, rule]
        for role, client in browsers.items():
            allowed = THROUGH if RANKS[role] >= needed else "403"
            other = "view" if role == "admin" else "admin"
            plain = allowed if method == "GET" or rule in OPEN_FORMS else "403"
            assert asked(client, method, path) == plain, f"{method} {rule} as {role} without a CSRF token"
            assert asked(client, method, path, **{"X-CSRF-Token": shown[other]}) == plain, f"{method} {rule} as {role}"
            assert asked(client, method, path, **{"X-CSRF-Token": shown[role]}) == allowed, f"{method} {rule} as {role}"


def test_without_sign_in_pages_of_other_origins_change_nothing(settings: Settings) -> None:
    app = create_app(settings)
    client = app.test_client()
    shown, own = (
        {"X-CSRF-Token": browser.get("/ui/jobs").text.partition('data-csrf="')[2].partition('"')[0]}
        for browser in (app.test_client(), client)
    )
    gate_alone(app)
    for method, rule, path in routes(app):
        form = rule.startswith("/ui") and method == "POST"
        said = [asked(client, method, path, **given) for given in ({}, shown, own)]
        assert said == (["403", "403", THROUGH] if form else [THROUGH] * 3), f"{method} {rule}"
        for site in ("cross-site", "same-site"):
            theirs = asked(client, method, path, **{"Sec-Fetch-Site": site, **own})
            assert theirs == (THROUGH if method == "GET" else "403"), f"{method} {rule} from {site}"
    backend_of(app).jobs.close()

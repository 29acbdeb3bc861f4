"""The API on the real server, with Flask's test client, and the few things its tests do again and again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient

from lib.claims import Claim, complete, failed
from lib.context import Recorder, running
from lib.jobs import Jobs
from lib.operations import run
from lib.settings import Settings
from services.api import tokens
from services.api.app import create_app
from services.api.backend import Backend
from tests.api.sign_in import TOKENS
from tests.servers import Server
from tests.tokens import line

_CONGRESS = "POINT (-97.74 30.26),30.26,-97.74,S CONGRESS AVE & E RIVERSIDE DR,ARCHIVED"
_FIFTH = "POINT (-97.75 30.27),30.27,-97.75,W 5TH ST & LAMAR BLVD,ARCHIVED"
CSV = f"""Traffic Report ID,Published Date,Issue Reported,Location,Latitude,Longitude,Address,Status,Status Date
A_1,01/01/2023 06:10:00 AM +0000,Crash Urgent,{_CONGRESS},01/01/2023 07:00:00 AM +0000
A_2,01/01/2023 06:00:00 PM +0000,Stalled Vehicle,{_FIFTH},01/01/2023 07:00:00 PM +0000
A_3,01/02/2023 08:30:00 PM +0000,Crash Service,{_CONGRESS},01/02/2023 09:00:00 PM +0000
""".encode()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pages are the same on every server of Redis: what they call is tested on each elsewhere."""
    for item in items:
        if item.path.parent == Path(__file__).parent and item.path.name.startswith(("test_dashboard", "test_path_prefix")):
            item.add_marker(pytest.mark.once)


@pytest.fixture
def app(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """An application with a release of its own."""
    made = create_app(settings.model_copy(update={"data_file": tmp_path / "absent.csv", "max_body_bytes": 64 * 1024}))
    yield made
    backend_of(made).jobs.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Server]:
    """A server of this test alone, which it may make ill or kill."""
    with Server(tmp_path / "redis") as running:
        yield running


@pytest.fixture(autouse=True)
def _looks_at_tokens_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "LOOK_EVERY", 0.0)


@pytest.fixture
def tokens_file(tmp_path: Path) -> Path:
    """A file with a token of each role, and another submitter's."""
    made = tmp_path / "tokens"
    roles = {"view": "view", "submit": "submit", "admin": "admin", "other": "submit"}
    made.write_text("# who may come in\n\n" + "".join(line(f"{name}-name", role, TOKENS[name]) for name, role in roles.items()))
    return made


@pytest.fixture
def guarded_app(settings: Settings, tokens_file: Path, tmp_path: Path) -> Iterator[Flask]:
    """An application that wants those tokens."""
    made = create_app(settings.model_copy(update={"tokens_file": tokens_file, "data_file": tmp_path / "absent.csv"}))
    yield made
    backend_of(made).jobs.close()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def queue(app: Flask) -> Jobs:
    """The queue as the application sees it."""
    return backend_of(app).jobs


def backend_of(app: Flask) -> Backend:
    found: Backend = app.extensions["trafficjobs"]
    return found


def submit(client: FlaskClient, operation: str = "unique_issues", **more: Any) -> str:
    """Submit a job; its id."""
    answer = client.post("/jobs", json={"operation": operation, **more})
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["id"])


def claim(queue: Jobs) -> Claim:
    """Claim the next job."""
    found = queue.claim("child", "worker", queue.settings.all_queues)
    assert found is not None
    return found


def end(queue: Jobs, result: Any = None) -> str:
    """Run the next job to its end: complete with `result`; its id."""
    taken = claim(queue)
    queue.finish(taken, complete(orjson.dumps(result)))
    return taken.id


def fail(queue: Jobs, message: str = "division by zero") -> str:
    """Run the next job to its end: failed; its id."""
    taken = claim(queue)
    queue.finish(taken, failed({"type": "ZeroDivisionError", "message": message, "reason": "exception"}, may_retry=False))
    return taken.id


@pytest.fixture
def work(app: Flask) -> Callable[[], Any]:
    """Runs the next job as a worker would, within this process; its result."""
    backend = backend_of(app)

    def next_job() -> Any:
        taken = claim(backend.jobs)
        operation = backend.catalog.get(taken.operation)
        frame = backend.dataset.frame()[0] if operation.needs_data else None
        recorder = Recorder(versions=backend.dataset.store)
        with running(recorder):
            result = run(operation, taken.params, frame)
        for name, (data, content_type) in recorder.files.items():
            backend.jobs.stage_file(taken, name, data, content_type)
        backend.jobs.finish(taken, complete(orjson.dumps(result)))
        return result

    return next_job


@pytest.fixture
def loaded(client: FlaskClient, work: Callable[[], Any]) -> FlaskClient:
    """A client of an API that has the three incidents of CSV."""
    assert client.post("/data", data=CSV).status_code == 202
    assert work()["rows"] == 3
    return client

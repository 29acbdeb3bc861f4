"""A user's own operations: where they appear, what they may not have, and what a broken file of them does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import backend_of

OWN = '''
from lib.operations import operation, save_file


@operation(params=None, needs_data=False, example={"name": "Ada"})
def hello(name: str, times: int = 1) -> dict[str, str]:
    """Greet somebody."""
    return {"hello": name * times}


@operation(needs_data=False)
def jobs() -> str:
    """Has the name of a route."""
    return "not the jobs"


@operation(needs_data=False)
def breaks() -> None:
    """Raises."""
    raise ValueError("as it must")


@operation(needs_data=False)
def listed(values: list[int]) -> int:
    """Adds numbers."""
    return sum(values)


@operation(needs_data=False, direct=False)
def by_job_only() -> int:
    """Has no route."""
    return 1


@operation(needs_data=False, external_effects=True)
def effects() -> int:
    """Changes the world."""
    return 1


@operation(needs_data=False, rate="10/m")
def limited() -> int:
    """Has a limit."""
    return 1


@operation(needs_data=False, memory_limit=2**30, direct=True)
def limited_and_direct() -> int:
    """Has a limit for jobs, and says that a request needs none."""
    return 1
'''


@pytest.fixture
def own(settings: Settings, tmp_path: Path) -> Iterator[FlaskClient]:
    folder = tmp_path / "operations"
    folder.mkdir()
    (folder / "own.py").write_text(OWN)
    (folder / "broken.py").write_text("import nothing_of_that_name\n")
    app = create_app(settings.model_copy(update={"operations_dir": folder}))
    yield app.test_client()
    backend_of(app).jobs.close()


def test_a_users_operation_appears_wherever_the_built_in_ones_do(own: FlaskClient) -> None:
    assert own.get("/operations/hello").get_json()["summary"] == "Greet somebody."
    assert own.get("/templates").get_json()["hello"] == {"operation": "hello", "params": {"name": "Ada"}}
    assert own.get("/hello?name=a&times=3").get_json() == {"hello": "aaa"}
    assert own.post("/jobs", json={"operation": "hello", "params": {"name": 1}}).status_code == 422
    assert own.post("/jobs", json={"operation": "hello", "params": {"name": "x"}}).status_code == 202
    assert own.get("/listed?values=1&values=2").get_json() == 3
    assert own.get("/by_job_only").status_code == 404


def test_what_a_request_could_not_bound_is_run_by_jobs_only(own: FlaskClient) -> None:
    assert {own.get(f"/{name}").status_code for name in ("effects", "limited")} == {404}
    assert own.get("/limited_and_direct").get_json() == 1


def test_a_users_operation_never_takes_the_path_of_a_route(own: FlaskClient) -> None:
    assert own.get("/jobs").get_json() == {"jobs": [], "next": None, "searched_to": None}


def test_an_operation_that_raises_is_a_problem_with_its_message(own: FlaskClient) -> None:
    answer = own.get("/breaks")
    assert (answer.status_code, answer.get_json()["type"]) == (500, "/problems/operation-failed")
    assert answer.get_json()["detail"] == "ValueError: as it must"
    assert "Traceback" not in answer.text


def test_a_broken_file_of_the_user_is_shown_and_takes_nothing_down(own: FlaskClient) -> None:
    checks = own.get("/readyz").get_json()["checks"]
    assert [each["file"] for each in checks["operations_broken"]] == ["broken.py"]
    assert "nothing_of_that_name" in checks["operations_broken"][0]["reason"]

"""Operations, templates and direct routes, the built-in ones and a user's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from lib.settings import Settings
from services.api.app import create_app
from tests.api.conftest import backend_of, submit

COURSE = ["incident_count_by_date", "top_locations", "average_response_time", "unique_issues", "incidents_by_road"]


def test_operations_are_listed_without_the_hidden_ones(client: FlaskClient) -> None:
    names = [each["name"] for each in client.get("/operations").get_json()["operations"]]
    assert names[:5] == COURSE
    assert {"plot", "describe", "print"} <= set(names)
    assert "load" not in names


def test_an_operation_shows_its_schema_summary_and_template(client: FlaskClient) -> None:
    found = client.get("/operations/top_locations").get_json()
    assert found["summary"]
    assert found["schema"]["properties"]["n"]["default"] == 10
    assert found["schema"]["additionalProperties"] is False
    assert found["template"] == {"operation": "top_locations", "params": {"n": 5}}


@pytest.mark.parametrize("name", ["nope", "top_location", "%00", "%C3%BC", "x" * 2_000])
def test_an_unknown_operation_is_a_404(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/operations/{name}")
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    assert len(answer.data) < 2_000


def test_every_template_can_be_submitted_as_it_is(client: FlaskClient) -> None:
    templates = client.get("/templates").get_json()
    assert "load" not in templates
    for name, body in templates.items():
        assert body["operation"] == name
        assert client.post("/jobs", json=body).status_code == 202


def test_a_direct_route_answers_what_a_job_would(loaded: FlaskClient, work: Callable[[], Any]) -> None:
    for path, body in (
        ("/top_locations?n=1", {"operation": "top_locations", "params": {"n": 1}}),
        ("/average_response_time", {"operation": "average_response_time"}),
        ("/unique_issues", {"operation": "unique_issues"}),
        ("/incidents_by_road?road=s+congress", {"operation": "incidents_by_road", "params": {"road": "s congress"}}),
        ("/describe?start=2023-01-01", {"operation": "describe", "params": {"start": "2023-01-01"}}),
    ):
        submit(loaded, **body)  # type: ignore[arg-type]
        answer = loaded.get(path)
        assert (answer.status_code, answer.get_json()) == (200, work())


def test_the_direct_count_has_the_name_of_the_course_and_that_of_the_job(loaded: FlaskClient) -> None:
    answer = loaded.get("/incident_count_by_date?date=2023-01-01")
    assert answer.get_json() == {"count": 2, "incident_count": 2}


def test_a_direct_plot_is_the_picture_unless_json_is_asked_for(loaded: FlaskClient) -> None:
    assert loaded.get("/plot").mimetype == "image/png"
    assert loaded.get("/plot", headers={"Accept": "application/json"}).get_json()["incident_count"] == 3


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/incident_count_by_date", ["date"]),
        ("/incident_count_by_date?date=", ["date"]),
        ("/incident_count_by_date?date=soon", ["date"]),
        ("/incident_count_by_date?date=2023-01-01&date=2023-01-02", ["date"]),
        ("/top_locations?n=five", ["n"]),
        ("/top_locations?n=1e3000", ["n"]),
        ("/top_locations?n=" + "9" * 3_000, ["n"]),
        ("/top_locations?N=5", ["N"]),
        ("/incidents_by_road?rode=x", ["road", "rode"]),
        ("/unique_issues?%00=%00", ["\x00"]),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_direct_route_refuses_wrong_parameters_by_name(loaded: FlaskClient, path: str, fields: list[str]) -> None:
    answer = loaded.get(path)
    assert (answer.status_code, [error["field"] for error in answer.get_json()["errors"]]) == (422, fields)
    assert len(answer.data) < 4_000


@pytest.mark.parametrize("road", ["(", "\\", "[", "*", "%00", "%F0%9F%9A%97", "%ff"])
def test_a_road_is_text_and_no_pattern(loaded: FlaskClient, road: str) -> None:
    answer = loaded.get(f"/incidents_by_road?road={road}")
    assert (answer.status_code, answer.get_json()) == (200, {"count": 0})


@pytest.mark.parametrize("path", ["/unique_issues", "/data", "/data/A_1", "/data/versions"])
def test_without_data_the_answer_says_how_to_load_it(client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.get_json()["type"]) == (404, "/problems/no-data")
    assert "POST /data" in answer.get_json()["detail"]


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


def test_a_users_operation_never_takes_the_path_of_a_route(own: FlaskClient) -> None:
    assert own.get("/jobs").get_json() == {"jobs": [], "next": None}


def test_an_operation_that_raises_is_a_problem_with_its_message(own: FlaskClient) -> None:
    answer = own.get("/breaks")
    assert (answer.status_code, answer.get_json()["type"]) == (500, "/problems/operation-failed")
    assert answer.get_json()["detail"] == "ValueError: as it must"
    assert "Traceback" not in answer.text


def test_a_broken_file_of_the_user_is_shown_and_takes_nothing_down(own: FlaskClient) -> None:
    checks = own.get("/readyz").get_json()["checks"]
    assert [each["file"] for each in checks["operations_broken"]] == ["broken.py"]
    assert "nothing_of_that_name" in checks["operations_broken"][0]["reason"]


def test_direct_routes_share_the_data_until_a_new_version_comes(
    loaded: FlaskClient, work: Callable[[], Any], queue: Jobs
) -> None:
    assert loaded.get("/unique_issues").get_json() == {"unique_issues": 3}
    one = loaded.get("/data").text
    assert one.count("report_id") == 3
    header = b"Traffic Report ID,Published Date,Issue Reported,Address\n"
    loaded.post("/data", data=header + b"B_1,01/05/2024 06:10:00 AM +0000,Boat,MAIN ST\n")
    work()
    assert loaded.get("/unique_issues").get_json() == {"unique_issues": 1}

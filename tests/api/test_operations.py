"""Operations, templates and direct routes of what is built in."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from lib.settings import Settings
from services.api.routes import direct
from services.api.tables import csv_of
from tests.api.conftest import submit

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


@pytest.mark.parametrize(("query", "form"), [("", "image/png"), ("&pictures=svg&pictures=png", "image/svg+xml")])
@pytest.mark.parametrize("kind", ["map", "heatmap"])
def test_a_direct_plot_is_its_picture_whatever_other_files_its_numbers_have(
    loaded: FlaskClient, kind: str, query: str, form: str
) -> None:
    answer = loaded.get(f"/plot?kind={kind}{query}")
    assert (answer.status_code, answer.mimetype) == (200, form)


@pytest.mark.parametrize(
    ("path", "accept", "form", "begins"),
    [
        ("/heatmap", "*/*", "application/json", b"{"),
        ("/heatmap", "image/avif,image/webp,image/svg+xml,image/*,*/*;q=0.8", "image/svg+xml", b"<?xml"),
        ("/trend?by=day", "image/png", "image/png", b"\x89PNG"),
        ("/trend?pictures=svg", "image/svg+xml", "image/svg+xml", b"<?xml"),
        ("/trend", "text/csv", "text/csv", b"period,incident_count,baseline,complete\r\n2023-01,3"),
        ("/heatmap", "text/csv", "text/csv", b"weekday,hour,days,incident_count,per_hour\r\nMonday,0,1,"),
        ("/by_weekday", "text/csv", "text/csv", b"weekday,incident_count,days,per_day\r\nMonday,1,1,1.0"),
        ("/hotspots", "application/geo+json", "application/geo+json", b'{"type":"FeatureCollection"'),
        (
            "/nearby?latitude=30.25&longitude=-97.75",
            "application/geo+json",
            "application/geo+json",
            b'{"type":"FeatureCollection"',
        ),
    ],
)
def test_accept_picks_the_form_of_a_direct_answer(loaded: FlaskClient, path: str, accept: str, form: str, begins: bytes) -> None:
    answer = loaded.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (200, form), answer.data[:500]
    assert answer.data.startswith(begins)
    assert "Accept" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/issue_breakdown?start=1999-01-01&end=1999-01-02", "issue,incident_count,share,per_day,first,last"),
        ("/trend?end=1999-01-02", "period,incident_count,baseline,complete"),
        ("/top_locations?issue=none", "top_locations,count"),
        ("/time_on_feed?issue=none", "issue,incident_count,median_minutes,p90_minutes"),
        ("/hotspots?issue=none", "rank,latitude,longitude,incident_count,share,address,issue"),
        ("/nearby?latitude=0&longitude=0", "report_id,published,issue,address,latitude,longitude,distance_metres"),
    ],
)
def test_a_table_without_rows_has_its_header(loaded: FlaskClient, path: str, header: str) -> None:
    answer = loaded.get(path, headers={"Accept": "text/csv"})
    assert (answer.status_code, answer.text) == (200, f"{header}\r\n")
    everything = path.partition("?")[0] + ("?latitude=30.25&longitude=-97.75" if "nearby" in path else "")
    assert loaded.get(everything, headers={"Accept": "text/csv"}).text.partition("\r\n")[0] == header


def test_csv_is_made_for_those_who_may_want_it(loaded: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    written = 0

    def counted(*args: Any) -> bytes | None:
        nonlocal written
        written += 1
        return csv_of(*args)

    monkeypatch.setattr(direct, "csv_of", counted)
    for accept in ("application/json", "*/*", "*/*;q=0.8", "application/json, text/csv;q=0.9"):
        assert loaded.get("/trend?by=day", headers={"Accept": accept}).mimetype == "application/json"
    assert written == 0
    assert loaded.get("/trend?by=day", headers={"Accept": "text/csv"}).mimetype == "text/csv"
    assert written == 1


def test_the_result_of_a_job_without_rows_has_its_header_too(loaded: FlaskClient, work: Callable[[], Any]) -> None:
    jid = submit(loaded, operation="issue_breakdown", params={"end": "1999-01-01", "pictures": []})
    work()
    answer = loaded.get(f"/jobs/{jid}/results", headers={"Accept": "text/csv"})
    assert answer.text == "issue,incident_count,share,per_day,first,last\r\n"


def test_a_form_that_the_answer_does_not_have_is_a_406_that_names_those_it_has(loaded: FlaskClient) -> None:
    answer = loaded.get("/unique_issues?pictures=png", headers={"Accept": "image/png"})
    assert answer.status_code == 422
    answer = loaded.get("/unique_issues", headers={"Accept": "image/png"})
    assert (answer.status_code, answer.get_json()["type"]) == (406, "/problems/not-acceptable")
    assert answer.get_json()["detail"] == "unique_issues answers with application/json, text/csv only."


def test_requests_that_draw_leave_threads_for_the_others(loaded: FlaskClient, settings: Settings) -> None:
    """What draws waits until the test lets it go on; as many draw as may, and the next one is told to come again."""
    most = settings.api_threads - settings.api_threads // 2 - 1
    application, begun, lifted = loaded.application, threading.Semaphore(0), threading.Event()
    png = {"Accept": "image/png"}

    def slowly(*_: Any, **__: Any) -> Any:
        begun.release()
        assert lifted.wait(30)
        raise RuntimeError("drawn enough")

    with pytest.MonkeyPatch.context() as patched, ThreadPoolExecutor(most) as pool:
        patched.setattr("lib.analysis.pictures.draw", slowly)
        drawn = [pool.submit(application.test_client().get, "/heatmap", headers=png) for _ in range(most)]
        assert all(begun.acquire(timeout=20) for _ in range(most))
        refused = loaded.get("/heatmap", headers=png)
        assert (refused.get_json()["type"], refused.headers["Retry-After"]) == ("/problems/too-many-pictures", "2")
        assert loaded.get("/heatmap").get_json()["incident_count"] == 3  # numbers need no place
        lifted.set()
        assert {each.result().status_code for each in drawn} == {500}
    assert loaded.get("/heatmap", headers=png).mimetype == "image/png"  # and a failure gives its place back


@pytest.mark.parametrize("box", ["bbox=-98,30.2,-97,30.3", "bbox=-98&bbox=30.2&bbox=-97&bbox=30.3", "bbox=-97,30.3,-98,30.2"])
def test_filters_stand_in_the_query_string(loaded: FlaskClient, box: str) -> None:
    assert loaded.get(f"/by_hour?{box}").get_json()["incident_count"] == 3
    one = loaded.get(f"/by_hour?{box}&issue=crash+service&issue=zSTALLED+VEHICLE&road=congress&tz=UTC").get_json()
    assert (one["incident_count"], one["timezone"]) == (1, "UTC")
    assert [hour["hour"] for hour in one["hours"] if hour["incident_count"]] == [20]


def test_a_job_keeps_its_pictures_and_tables_unless_it_is_told_otherwise(loaded: FlaskClient, work: Callable[[], Any]) -> None:
    jid = submit(loaded, operation="heatmap")
    work()
    kept = {each["name"]: each["content_type"] for each in loaded.get(f"/jobs/{jid}/files").get_json()["files"]}
    assert kept == {"heatmap.csv": "text/csv", "heatmap.png": "image/png", "heatmap.svg": "image/svg+xml"}
    assert loaded.get(f"/jobs/{jid}/results", headers={"Accept": "image/svg+xml"}).data.startswith(b"<?xml")
    jid = submit(loaded, operation="trend", params={"pictures": []})
    work()
    assert loaded.get(f"/jobs/{jid}/files").get_json()["files"] == []
    assert loaded.get(f"/jobs/{jid}/results", headers={"Accept": "text/csv"}).data.startswith(b"period,")


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

"""A job after its submission: listed, looked at, cancelled, retried, deleted; and ids that cannot be."""

import time

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from tests.api.conftest import claim, end, fail, submit


def test_jobs_are_listed_the_newest_first_and_page_by_page(client: FlaskClient) -> None:
    ids = [submit(client) for _ in range(5)]
    seen, address = [], "/jobs?limit=2"
    while address:
        answer = client.get(address)
        seen += [job["id"] for job in answer.get_json()["jobs"]]
        link = answer.headers.get("Link", "")
        assert (answer.get_json()["next"] is None) == (link == "")
        address = link.partition(">")[0].removeprefix("<")
    assert seen == ids[::-1]


def test_jobs_are_filtered_by_status_operation_and_time(client: FlaskClient, queue: Jobs) -> None:
    first, second = submit(client), submit(client, "top_locations")
    end(queue)
    third = submit(client)

    def listed(query: str) -> list[str]:
        return [job["id"] for job in client.get(f"/jobs?{query}").get_json()["jobs"]]

    assert listed("status=complete") == [first]
    assert listed("status=submitted") == [third, second]
    assert listed("operation=top_locations") == [second]
    assert listed("operation=unique_issues&status=submitted&limit=1") == [third]
    moment = client.get(f"/jobs/{third}").get_json()["submitted"]
    assert listed(f"since={moment}") == [third]
    assert listed(f"until={moment}") == [second, first]
    assert listed("since=2020-01-01") == [third, second, first]
    assert listed("since=2020-01-01T00:00:00%2B02:00") == [third, second, first]
    assert listed(f"since={time.time() + 100:.3f}") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=done", "status"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=-1", "limit"),
        ("limit=ten", "limit"),
        ("limit=", "limit"),
        ("limit=" + "9" * 400, "limit"),
        ("limit=٣", "limit"),
        ("cursor=abc", "cursor"),
        ("cursor=-1", "cursor"),
        ("cursor=" + "9" * 17, "cursor"),
        ("since=yesterday", "since"),
        ("since=nan", "since"),
        ("since=inf", "since"),
        ("since=1e300", "since"),
        ("until=-5", "until"),
        ("until=9999-12-31T23:59:59-14:00", "until"),
        ("until=", "until"),
    ],
)
def test_a_list_with_an_unusable_query_is_refused_by_field(client: FlaskClient, query: str, field: str) -> None:
    answer = client.get(f"/jobs?{query}")
    assert (answer.status_code, answer.get_json()["field"]) == (400, field)


def test_a_waiting_job_is_cancelled_at_once(client: FlaskClient) -> None:
    jid = submit(client)
    answer = client.post(f"/jobs/{jid}/cancel")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "cancelled")
    assert client.post(f"/jobs/{jid}/cancel").status_code == 200


def test_the_cancel_of_a_running_job_is_passed_on_to_its_worker(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    claim(queue)
    answer = client.post(f"/jobs/{jid}/cancel")
    assert answer.status_code == 202
    assert (answer.get_json()["status"], answer.get_json()["cancel_requested"]) == ("in-progress", True)


def test_an_ended_job_cannot_be_cancelled(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    end(queue)
    assert client.post(f"/jobs/{jid}/cancel").status_code == 409


def test_a_failed_job_can_be_retried_once_per_failure(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    fail(queue)
    answer = client.post(f"/jobs/{jid}/retry")
    assert (answer.status_code, answer.headers["Location"]) == (202, f"/jobs/{jid}")
    assert (answer.get_json()["status"], answer.get_json()["run"]) == ("submitted", 1)
    assert answer.get_json()["runs"][0]["status"] == "failed"
    assert client.post(f"/jobs/{jid}/retry").status_code == 409


def test_a_retry_of_the_same_run_is_the_same_retry_also_when_the_next_run_has_failed(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    fail(queue)
    first, again = (client.post(f"/jobs/{jid}/retry", json={"run": 0}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert [answer.headers.get("Idempotent-Replayed") for answer in (first, again)] == [None, "true"]
    fail(queue)
    late = client.post(f"/jobs/{jid}/retry", json={"run": 0})
    assert (late.status_code, late.get_json()["status"], late.get_json()["run"]) == (202, "failed", 1)
    assert client.post(f"/jobs/{jid}/retry", json={"run": 1}).get_json()["run"] == 2
    stale = client.post(f"/jobs/{jid}/retry", json={"run": 0})
    assert (stale.status_code, stale.get_json()["detail"]) == (409, f"Job {jid} is in run 2, not 0; look at it again.")


@pytest.mark.parametrize(
    ("body", "field"),
    [(b"{", None), (b"[]", None), (b"null", None), (b'{"run": -1}', "run"), (b'{"run": "0"}', "run"), (b'{"rum": 0}', "rum")],
)
def test_a_retry_that_says_nonsense_is_refused_and_retries_nothing(
    client: FlaskClient, queue: Jobs, body: bytes, field: str | None
) -> None:
    jid = submit(client)
    fail(queue)
    answer = client.post(f"/jobs/{jid}/retry", data=body)
    assert (answer.status_code, answer.get_json().get("field")) == (400, field)
    assert client.get(f"/jobs/{jid}").get_json()["run"] == 0


def test_a_complete_job_cannot_be_retried(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    end(queue)
    assert client.post(f"/jobs/{jid}/retry").status_code == 409


def test_a_deleted_job_is_gone(client: FlaskClient, queue: Jobs) -> None:
    waiting, done = submit(client), submit(client)
    client.post(f"/jobs/{waiting}/cancel")
    end(queue)
    for jid in (waiting, done):
        answer = client.delete(f"/jobs/{jid}")
        assert (answer.status_code, answer.data) == (204, b"")
        assert client.get(f"/jobs/{jid}").status_code == 404
        assert client.delete(f"/jobs/{jid}").status_code == 404
    assert client.get("/jobs").get_json() == {"jobs": [], "next": None, "searched_to": None}


def test_a_running_job_cannot_be_deleted(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    claim(queue)
    assert client.delete(f"/jobs/{jid}").status_code == 409


STRANGE_IDS = [
    "unknown",
    "a.log",
    "a.files",
    "a%00b",
    "a%0A",
    "%C3%BC",
    "%ff%fe",
    "..",
    "a b",
    "x" * 65,
    "x" * 3_000,
    "*",
    "job.a",
    "%F0%9F%9A%97",
]


@pytest.mark.parametrize("jid", STRANGE_IDS, ids=lambda jid: jid[:20])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/jobs/{}"),
        ("DELETE", "/jobs/{}"),
        ("POST", "/jobs/{}/cancel"),
        ("POST", "/jobs/{}/retry"),
        ("GET", "/jobs/{}/results"),
        ("GET", "/jobs/{}/files"),
        ("GET", "/jobs/{}/files/plot.png"),
        ("GET", "/jobs/{}/log"),
        ("GET", "/status/{}"),
        ("GET", "/job/result/{}"),
    ],
)
def test_a_job_that_cannot_be_found_is_a_404(client: FlaskClient, queue: Jobs, method: str, path: str, jid: str) -> None:
    prefix = queue.store.prefix
    queue.store.records.xadd(f"{prefix}job.a.log", {"line": "x"})  # beside a record lie keys of other types
    queue.store.records.hset(f"{prefix}job.a.files", "v", "x")
    answer = client.open(path.format(jid), method=method)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")


def test_a_tombstone_is_no_job(client: FlaskClient) -> None:
    jid = submit(client)
    assert client.delete(f"/jobs/{jid}").status_code == 204  # its id is still listed, so something is kept
    assert client.get(f"/jobs/{jid}").status_code == 404
    assert client.post(f"/jobs/{jid}/retry").status_code == 404
    assert client.post(f"/jobs/{jid}/cancel").status_code == 404


def test_jobs_are_searched_by_text_and_the_page_says_how_far_it_looked(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lib.listing._STEP", 3)
    jid = submit(client, "print", params={"msg": "needle"})
    for _ in range(40):
        submit(client)
    first = client.get("/jobs?search=NEEDLE")
    page = first.get_json()
    assert (page["jobs"], page["next"] is not None) == ([], True)
    assert page["searched_to"] > client.get(f"/jobs/{jid}").get_json()["submitted"]
    following = client.get(first.headers["Link"].partition(">")[0][1:]).get_json()
    assert ([job["id"] for job in following["jobs"]], following["searched_to"]) == ([jid], None)
    assert [job["id"] for job in client.get(f"/jobs?search={jid}").get_json()["jobs"]] == [jid]
    assert len(client.get("/jobs?search=").get_json()["jobs"]) == 41
    assert client.get(f"/jobs?search={'x' * 201}").get_json()["field"] == "search"

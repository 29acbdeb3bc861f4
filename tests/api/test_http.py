"""What every answer has in common: ETag and 304, gzip, forms of a result; and what a job leaves when it has expired."""

import gzip
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from lib.jobs import Jobs
from lib.settings import Settings
from services.api.app import create_app
from services.api.tables import csv_of
from tests.api.conftest import CSV, claim, end, submit
from tests.commands import commands_sent
from tests.servers import Server


@pytest.mark.parametrize(
    "path",
    ["/jobs/{}", "/jobs", "/jobs/{}/results", "/jobs/{}/files", "/status/{}", "/templates", "/operations", "/openapi.json"],
)
def test_what_has_not_changed_is_not_sent_again(client: FlaskClient, queue: Jobs, path: str) -> None:
    jid = submit(client)
    end(queue, {"unique_issues": 3})
    address = path.format(jid)
    first = client.get(address)
    tag = first.headers["ETag"]
    again = client.get(address, headers={"If-None-Match": tag})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert "private" in first.headers["Cache-Control"]
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get(address, headers={"If-None-Match": f'"x", W/{tag}'}).status_code == 304
    assert client.head(address).headers["ETag"] == tag


def test_a_record_that_changes_has_another_tag(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    tag = client.get(f"/jobs/{jid}").headers["ETag"]
    end(queue)
    answer = client.get(f"/jobs/{jid}", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.get_json()["status"]) == (200, "complete")


def test_problems_and_what_is_not_there_yet_have_no_tag(client: FlaskClient) -> None:
    jid = submit(client)
    for answer in (client.get("/jobs/none"), client.get(f"/jobs/{jid}/results"), client.get("/queues")):
        assert "ETag" not in answer.headers


def test_long_texts_are_compressed_for_those_who_want_it(client: FlaskClient) -> None:
    plain = client.get("/problems")
    packed = client.get("/problems", headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Content-Length"] == str(len(packed.data))
    assert gzip.decompress(packed.data) == plain.data
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Content-Encoding" not in client.get("/problems", headers={"Accept-Encoding": "gzip;q=0"}).headers
    assert "Content-Encoding" not in client.get("/healthz", headers={"Accept-Encoding": "gzip"}).headers
    same = client.get("/problems", headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")


def test_pictures_are_not_compressed(client: FlaskClient, queue: Jobs) -> None:
    submit(client)
    taken = claim(queue)
    queue.stage_file(taken, "plot.png", b"\x89PNG" * 1_000, "image/png")
    queue.stage_file(taken, "plot.svg", b"<svg>" + b" " * 5_000, "image/svg+xml")
    from lib.jobs import complete

    queue.finish(taken, complete(b"{}"))
    wants = {"Accept-Encoding": "gzip"}
    assert "Content-Encoding" not in client.get(f"/jobs/{taken.id}/files/plot.png", headers=wants).headers
    drawn = client.get(f"/jobs/{taken.id}/results", headers=wants | {"Accept": "image/svg+xml"})
    assert (drawn.mimetype, drawn.headers["Content-Encoding"]) == ("image/svg+xml", "gzip")
    assert {"Accept", "Accept-Encoding"} <= set(drawn.headers["Vary"].split(", "))


@pytest.mark.parametrize(
    ("result", "table"),
    [
        ({"top_locations": {"A & B": 2, 'C "x", D': 1}}, 'top_locations,count\r\nA & B,2\r\n"C ""x"", D",1\r\n'),
        ({"incident_count": 3}, "incident_count\r\n3\r\n"),
        ({"file": "plot.png", "labels": ["00", "01"], "counts": [5, None]}, "labels,counts\r\n00,5\r\n01,\r\n"),
        ([{"a": 1}, {"a": 2, "b": "ü"}], "a,b\r\n1,\r\n2,ü\r\n"),
        ({"rows": [{"a": True}]}, "rows-less"),
        ({"a": 1, "nested": {"b": 2}}, None),
        ({"labels": [1, 2], "counts": [1]}, None),
        ([1, 2], None),
        ("text", None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_result_that_is_a_table_is_csv(result: Any, table: str | None) -> None:
    if table == "rows-less":
        table = "a\r\nTrue\r\n"
    assert csv_of(result) == (None if table is None else table.encode())


def test_csv_is_offered_where_it_is_asked_for(client: FlaskClient, queue: Jobs) -> None:
    jid = submit(client)
    end(queue, {"top_locations": {"A": 2}})
    answer = client.get(f"/jobs/{jid}/results", headers={"Accept": "text/csv"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    refused = client.get(f"/jobs/{jid}/results", headers={"Accept": "application/pdf"})
    assert refused.status_code == 406
    assert "text/csv" in refused.get_json()["detail"]


def test_a_job_that_has_expired_is_gone_and_one_that_was_deleted_unknown(client: FlaskClient, queue: Jobs) -> None:
    expired, deleted = submit(client, result_ttl=1), submit(client)
    end(queue)
    end(queue)
    client.delete(f"/jobs/{deleted}")
    queue.store.records.zadd(f"{queue.store.prefix}jobs.expiry", {expired: 1})
    queue.store.run("expire", 100)
    for path in ("", "/results", "/log", "/files", "/files/x"):
        answer = client.get(f"/jobs/{expired}{path}")
        assert (answer.status_code, answer.get_json()["type"]) == (410, "/problems/job-expired")
        assert client.get(f"/jobs/{deleted}{path}").status_code == 404
    assert client.post(f"/jobs/{expired}/retry").status_code == 410
    assert submit(client, id=expired) == expired
    assert client.get(f"/jobs/{expired}").status_code == 200


def test_a_submit_and_a_look_are_one_command_each(client: FlaskClient, server: Server) -> None:
    jid = submit(client)
    client.get(f"/jobs/{jid}")
    with commands_sent(server.port) as commands:
        submit(client)
        client.get(f"/jobs/{jid}")
    assert commands == ["EVALSHA"] * 2


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "POST"])
def test_a_method_that_a_direct_route_does_not_take_is_405(client: FlaskClient, method: str) -> None:
    assert client.open("/print?msg=x", method=method).status_code == 405


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Same-Origin", ""])
def test_a_page_of_another_origin_changes_nothing_where_nobody_signs_in(client: FlaskClient, site: str) -> None:
    headers = {"Sec-Fetch-Site": site, "Content-Type": "text/plain"}
    answer = client.post("/jobs", data=b'{"operation": "unique_issues"}', headers=headers)
    assert (answer.status_code, answer.get_json()["type"]) == (403, "/problems/cross-site")
    assert client.get("/jobs", headers=headers).get_json()["jobs"] == []


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}, {}])
def test_pages_of_this_service_and_other_clients_change_things_where_nobody_signs_in(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    assert client.post("/jobs", json={"operation": "unique_issues"}, headers=headers).status_code == 202


@pytest.mark.parametrize(
    "name", ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000", "[::1]", "LOCALHOST", "tj.localhost"]
)
def test_where_nobody_signs_in_the_service_is_asked_under_names_of_this_machine(client: FlaskClient, name: str) -> None:
    assert client.get("/jobs", headers={"Host": name}).status_code == 200


@pytest.mark.parametrize(
    "name", ["evil.example", "evil.example:5000", "localhost.evil.example", "127.0.0.1.evil.example:80", "a b", "x:y:z"]
)
def test_a_name_that_was_pointed_here_by_others_is_refused(client: FlaskClient, name: str) -> None:
    for answer in (client.get("/jobs", headers={"Host": name}), client.post("/jobs", headers={"Host": name}, json={})):
        assert (answer.status_code, answer.get_json()["type"]) == (403, "/problems/foreign-host")
        assert "TRUSTED_HOSTS" in answer.get_json()["detail"]


def test_names_of_the_service_are_named_in_a_setting(settings: Settings) -> None:
    app = create_app(settings.model_copy(update={"trusted_hosts": ["jobs.example", ".team.example"]}))
    got = [
        app.test_client().get("/healthz", headers={"Host": name}).status_code
        for name in ("jobs.example", "a.team.example", "b.example")
    ]
    assert got == [200, 200, 403]
    everybody = create_app(settings.model_copy(update={"auth": "off"}))
    assert everybody.test_client().get("/healthz", headers={"Host": "b.example"}).status_code == 200


# The data


def test_a_load_that_is_sent_again_with_its_key_is_one_job(client: FlaskClient, queue: Jobs) -> None:
    key = {"Idempotency-Key": "load-1"}
    first = client.post("/data", data=CSV, headers=key)
    again = client.post("/data", data=CSV, headers=key)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(client.get("/jobs").get_json()["jobs"]) == 1
    assert client.post("/data", data=CSV + b"\n", headers=key).status_code == 409
    assert client.post("/data?mode=append", data=CSV, headers=key).status_code == 409
    uploads = list(queue.store.records.scan_iter(f"{queue.store.prefix}uploads.*"))
    assert len({key.split(b".")[1] for key in uploads}) == 1
    claim(queue)
    assert client.post("/data", data=CSV, headers=key).get_json()["status"] == "in-progress"


def test_an_older_version_is_made_current_again_and_the_others_removed(loaded: FlaskClient, work: Callable[[], Any]) -> None:
    loaded.post("/data?mode=append", data=CSV.replace(b"A_", b"B_"))
    work()
    newer, older = (each["id"] for each in loaded.get("/data/versions").get_json()["versions"])
    assert len(loaded.get("/data").get_json()) == 6
    answer = loaded.post(f"/data/versions/{older}/activate")
    assert (answer.status_code, answer.get_json()["current"], answer.get_json()["id"]) == (200, True, older)
    assert loaded.post(f"/data/versions/{older}/activate").status_code == 200
    assert len(loaded.get("/data").get_json()) == 3
    assert loaded.delete(f"/data/versions/{older}").status_code == 409
    assert loaded.delete(f"/data/versions/{newer}").status_code == 204
    assert [each["id"] for each in loaded.get("/data/versions").get_json()["versions"]] == [older]
    for answer in (loaded.delete(f"/data/versions/{newer}"), loaded.post(f"/data/versions/{newer}/activate")):
        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
    loaded.post("/data?mode=append", data=CSV.replace(b"A_", b"C_"))
    assert work()["rows"] == 6

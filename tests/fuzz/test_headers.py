"""Headers with any value, on routes of every kind: each is answered as the document says, never with a fault of ours."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

REFUSED = {400, 401, 403, 404, 406, 412, 413, 415, 416, 422}
ROUTES = [
    ("GET", "/jobs"),
    ("GET", "/openapi.json"),
    ("GET", "/metrics"),
    ("GET", "/data/export"),
    ("GET", "/data/preview"),
    ("GET", "/ui"),
    ("GET", "/ui/jobs"),
    ("GET", "/static/base.css"),
    ("POST", "/jobs"),
    ("POST", "/batches"),
    ("POST", "/bulk/cancel"),
    ("POST", "/data"),
    ("POST", "/ui/submit/unique_issues"),
]
# By name, values that nearly are right.
NEARLY: dict[str, list[str]] = {
    "Accept": ["text/html;q=", "*/*;q=9", "application/json;q=nan", "a/b;q=0.1," * 400, ";;;", "text/html, */*;q=0"],
    "Accept-Encoding": ["gzip;q=x", "gzip;q=1e400", "identity;q=0", "*;q=0", "br,," * 400],
    "Accept-Language": ["de-AT;q=x", "*", "-" * 300],
    "Authorization": ["Bearer", "Bearer ", "Basic !!!", "Basic " + "/" * 400, "Bearer a b", "Digest x=", "Bearer \xff"],
    "Content-Encoding": ["gzip", "gzip, gzip", "deflate", "br", "identity, gzip", ","],
    "Content-Type": [
        "application/json; charset=utf-99",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "text/csv; x=\xff",
        "/",
    ],
    "Cookie": ["=", "session=" + "x" * 4_000, "session=%00; session=a", ";" * 2_000, "session=eyJ9.x.y"],
    "Expect": ["100-continue", "200-ok"],
    "Idempotency-Key": ["", " ", "\x7f", "k" * 255, "k" * 256, "{}", "ü", "a\tb", '"', "\xa0"],
    "If-Modified-Since": ["yesterday", "Mon, 99 Foo 99999 99:99:99 GMT", "Thu, 01 Jan 1970 00:00:00 -9999"],
    "If-None-Match": ["*", '"', 'W/"', '"a", "b' * 300, "W/*"],
    "If-Range": ["x", '"x"', "Thu, 01 Jan 0000 00:00:00 GMT"],
    "Last-Event-ID": ["-", "0-0", "9" * 40, "1-1-1"],
    "Origin": ["null", "http://evil.example", "x://[", "http://[::1"],
    "Prefer": ["wait=", "wait=-1", "wait=0", "respond-async, wait=0", "wait=x;" * 300],
    "Range": ["bytes=0-0", "bytes=-1--5", "bytes=9-1", "bytes=" + "0-0," * 500, "lines=1-2", "bytes=-" + "9" * 40],
    "Referer": ["http://[", "javascript:x"],
    "traceparent": ["00-" + "0" * 32 + "-" + "0" * 16 + "-00", "ff-" + "a" * 32 + "-" + "a" * 16 + "-01", "0" * 500],
    "tracestate": ["a=" + "b" * 600, "=", ",".join(f"k{n}=v" for n in range(60))],
    "Transfer-Encoding": ["gzip", "x"],
    "X-Forwarded-For": ["x, y", "1.2.3.4, [::", "," * 300],
    "X-Forwarded-Host": ["evil.example", "a b", "[", "x:99999999"],
    "X-Forwarded-Prefix": ["//evil.example", "/a/../..", "/" + "p" * 300, "x"],
    "X-Forwarded-Proto": ["gopher", "https, http", ""],
    "X-Request-ID": ["a b<>", "r" * 500, "\xff"],
}
# What a server passes on: a line's end never comes so far.
VALUES = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\x00"), max_size=80)
HEADERS = st.sampled_from(sorted(NEARLY)).flatmap(lambda name: st.tuples(st.just(name), st.sampled_from(NEARLY[name]) | VALUES))


def ask(client: FlaskClient, route: tuple[str, str], headers: list[tuple[str, str]]) -> Any:
    method, path = route
    body: dict[str, Any] = {"json": {"operation": "unique_issues"}} if method == "POST" else {}
    if any(name == "Content-Type" for name, _ in headers):
        body = {"data": b'{"operation": "unique_issues"}'}
    return client.open(path, method=method, headers=headers, **body)


def check(answer: Any, said: object) -> None:
    assert answer.status_code < 400 or answer.status_code in REFUSED, (said, answer.status_code, answer.text[:500])
    assert not any("\n" in value or "\r" in value for value in answer.headers.values()), said
    assert "evil.example" not in answer.headers.get("Location", ""), said
    if answer.status_code in REFUSED and answer.content_type == "application/problem+json":
        problem = answer.get_json()
        assert problem["detail"], said
        assert problem["status"] == answer.status_code, said


def test_each_value_that_is_nearly_right_is_taken_or_refused_by_every_route(client: FlaskClient) -> None:
    for route in ROUTES:
        for name, values in NEARLY.items():
            for value in values:
                check(ask(client, route, [(name, value)]), (route, name, value))


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ROUTES), st.lists(HEADERS, min_size=1, max_size=4))
def test_any_headers_are_taken_or_refused(client: FlaskClient, route: tuple[str, str], headers: list[tuple[str, str]]) -> None:
    check(ask(client, route, headers), (route, headers))


KEYS = [("k", 202), ("k" * 255, 202), ("", 400), ("k" * 256, 400), ("a\tb", 400), ("\x7f", 400)]


@pytest.mark.parametrize(("key", "status"), KEYS)
def test_an_idempotency_key_is_taken_as_it_is_or_refused_by_its_name(client: FlaskClient, key: str, status: int) -> None:
    answers = [ask(client, ("POST", "/jobs"), [("Idempotency-Key", key)]) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status] * 2
    if status == 202:
        assert answers[0].get_json()["id"] == answers[1].get_json()["id"]
    else:
        assert "Idempotency-Key" in answers[0].get_json()["detail"]

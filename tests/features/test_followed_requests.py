"""One request is followed from the API through the queue to what a job says, by the log lines of real programs; and whatever
these programs say is one JSON object a line, without a token, a body or a query string in it.
"""

import json
import os
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis

from lib.settings import load_settings
from tests.receivers import SECRET, receiver
from tests.servers import Server
from tests.service import Service, whole_service
from tests.waiting import until
from trafficjobs.token_files import new

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
FIRST = ["timestamp", "level", "logger", "event", "program"]
OPERATIONS = '''
"""What says much."""

import logging
import os
import signal
import sys
import threading
import warnings

from lib.operations import log, operation

logger = logging.getLogger("their.own")


@operation(needs_data=False)
def talk() -> int:
    """Say something in every way there is."""
    logger.debug("quietly", extra={"rows": 3})
    threading.Thread(target=logger.info, args=("from a thread",)).start()
    broken = threading.Thread(target=lambda: 1 / 0)
    broken.start()
    broken.join()
    warnings.warn("careful", stacklevel=1)
    print("to stderr", file=sys.stderr)
    print("to the job's log")
    log("to the job's log as well")
    return 1


@operation(needs_data=False)
def die() -> None:
    """End the process."""
    os.kill(os.getpid(), signal.SIGKILL)
'''


@dataclass
class Programs:
    """The service and what its programs have said."""

    service: Service
    http: httpx.Client
    said: list[Path]
    secrets: list[str]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for path in self.said for line in path.read_text().splitlines()]

    def about(self, **fields: Any) -> list[dict[str, Any]]:
        """Lines that have these fields."""
        return [line for line in self.lines if line.items() >= fields.items()]

    def submit(self, operation: str, headers: dict[str, str] | None = None, **more: Any) -> str:
        answer = self.http.post("/jobs", json={"operation": operation, **more}, headers=headers)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def ended(self, jid: str) -> dict[str, Any]:
        answer = self.http.get(f"/jobs/{jid}", headers={"Prefer": "wait=20"})
        record: dict[str, Any] = answer.json()
        assert record["status"] in ("complete", "failed"), record
        return record


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """API, upkeep and worker at LOG_LEVEL=debug, with a password for Redis and a token for callers."""
    folder = tmp_path_factory.mktemp("followed")
    (folder / "operations").mkdir()
    (folder / "operations" / "talking.py").write_text(OPERATIONS)
    password = secrets.token_hex(12)
    token, entry = new("alice", "admin")
    (folder / "tokens").write_text(f"{entry}\n")
    with Server(folder / "redis", binary=os.environ.get("TRAFFICJOBS_SERVER")) as server:
        with redis.Redis(port=server.port) as admin:
            admin.execute_command("ACL", "SETUSER", "app", "on", f">{password}", "~*", "&*", "+@all")
        settings = load_settings(
            redis_ip="127.0.0.1",
            redis_port=server.port,
            lease_seconds=2.0,
            upkeep_interval=0.1,
            data_cache=folder / "cache",
            worker_state_dir=folder / "worker",
            log_level="debug",
        )
        more: dict[str, Any] = {"redis_url": f"redis://app:{password}@127.0.0.1:{server.port}", "tokens_file": folder / "tokens"}
        more |= {"operations_dir": folder / "operations", "webhook_secret": SECRET, "webhook_allow": "127.0.0.1/32"}
        more |= {"data_urls": "127.0.0.1:1", "data_urls_allow": "127.0.0.1/32"}
        with whole_service(settings, folder, token, worker_children=1, **more) as running:
            headers = {"Authorization": f"Bearer {token}"}
            with httpx.Client(base_url=running.url, headers=headers, timeout=30) as http:
                said = [*folder.glob("api-*.log"), folder / "upkeep.log", folder / "worker.log"]
                yield Programs(running, http, said, [password, token])


def test_one_id_leads_from_the_request_to_every_line_of_its_job(programs: Programs) -> None:
    asked = {"X-Request-ID": "follow-me", "traceparent": PARENT}
    jid = programs.submit("talk", headers=asked)
    record = programs.ended(jid)
    assert (record["request_id"], record["traceparent"], record["by"]) == ("follow-me", PARENT, "alice")
    assert programs.http.get(f"/jobs/{jid}/results").headers["traceparent"] == PARENT
    (access,) = programs.about(logger="trafficjobs.access", request_id="follow-me")
    assert access.items() >= {"trace_id": TRACE, "job": jid, "by": "alice", "status": 202, "program": "api"}.items()
    about = {"job": jid, "attempt": 1, "operation": "talk", "request_id": "follow-me", "trace_id": TRACE, "program": "worker"}
    until(lambda: programs.about(event="from a thread", **about), 5, "the thread's line")
    assert [line["rows"] for line in programs.about(event="quietly", **about)] == [3]
    assert programs.about(logger="stderr", event="to stderr", **about)
    assert [line for line in programs.about(logger="py.warnings", **about) if "careful" in line["event"]]
    (uncaught,) = programs.about(logger="python", **about)
    assert "ZeroDivisionError" in uncaught["exception"]
    assert not [line for line in programs.lines if "to the job's log" in line["event"]]
    other = programs.ended(programs.submit("talk"))["id"]
    until(lambda: programs.about(job=other, event="from a thread"), 5, "the other job's line")
    assert not [line for line in programs.about(job=other) if "trace_id" in line or line["request_id"] == "follow-me"]


def test_the_lines_of_a_death_name_the_job(programs: Programs) -> None:
    jid = programs.submit("die")
    assert programs.ended(jid)["error"]["reason"] == "crash"
    died = [line for line in programs.about(job=jid, program="worker") if "died" in line["event"]]
    assert len(died) == 3
    assert {line["operation"] for line in died} == {"die"}
    assert len([line for line in programs.about(job=jid) if "is now" in line["event"]]) == 3


def test_a_webhook_goes_on_with_the_trace(programs: Programs) -> None:
    with receiver() as there:
        traced = programs.submit("talk", headers={"traceparent": PARENT}, notify=[{"webhook": there.url}])
        plain = programs.submit("talk", headers={"traceparent": f"ff{PARENT[2:]}"}, notify=[{"webhook": there.url}])
        (told,) = until(lambda: there.of(traced), 20, "the webhook")
        assert told.headers["traceparent"] == PARENT
        (told,) = until(lambda: there.of(plain), 20, "the other webhook")
        assert "traceparent" not in told.headers
        assert "traceparent" not in programs.ended(plain)


def test_no_line_holds_a_secret_and_every_line_is_json(programs: Programs) -> None:
    hidden = [secrets.token_hex(12) for _ in range(8)]
    header, wrong, body, query, login, broken, line, extra = hidden
    http = programs.http
    assert http.get("/jobs", headers={"Authorization": f"Bearer tj_{wrong}", "X-Api-Key": header}).status_code == 401
    assert http.post("/jobs", json={"operation": "talk", "params": {"token": body}}).status_code == 422
    assert http.post("/jobs", content=f'{{"token": "{body}'.encode()).status_code == 400
    assert http.get(f"/jobs?token={query}&limit=x").status_code == 400
    assert http.post("/data", params={"url": f"http://me:{login}@127.0.0.1:1/x.csv?key={query}"}).status_code in (202, 400)
    address = (httpx.URL(programs.service.url).host, httpx.URL(programs.service.url).port)
    for raw in (f"GET /?token={line} HTTP/9.9\r\n\r\n", f"GET / HTTP/1.1\r\nAuthoriz ation: Bearer {broken}\r\n\r\n"):
        with socket.create_connection(address) as connection:
            connection.sendall(raw.encode())
            assert b" 400 " in connection.recv(100)
    assert http.post("/jobs", json={"operation": "talk"}, headers={"traceparent": extra, "X-Request-ID": f"?{extra}"}).is_success
    programs.ended(programs.submit("talk", headers={"X-Request-ID": "the-last"}))
    until(lambda: programs.about(request_id="the-last", program="worker"), 5, "the last lines")
    text = "".join(path.read_text() for path in programs.said)
    assert [secret for secret in [*hidden, *programs.secrets, SECRET] if secret in text] == []
    for each in programs.lines:
        assert list(each)[: len(FIRST)] == FIRST
    assert {each["program"] for each in programs.lines} == {"api", "upkeep", "worker"}
    assert programs.about(level="debug", program="api")

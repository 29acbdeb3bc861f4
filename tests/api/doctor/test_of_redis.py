"""GET /doctor on Redis itself: what may be wrong is brought about on a real server, and told with its remedy."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
import redis
from flask.testing import FlaskClient

from lib.examination import answering
from lib.examination.rights import COMMANDS
from lib.jobs import Jobs
from lib.scripts import FOLDER
from lib.settings import load_settings
from services.api.app import create_app
from tests.api.conftest import backend_of
from tests.api.doctor.conftest import Rules, amiss, asked, only
from tests.servers import Server

SERVER: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "redis 6": ({"redis_version": "6.2.1"}, "server", "failed", "Redis 6.2.1 → take Redis 7.0"),
    "valkey 7": ({"valkey_version": "7.2.9"}, "server", "failed", "Valkey 7.2.9 → take Valkey 8.0"),
    "loading": ({"loading": 1}, "persistence", "warning", "is loading its data → wait"),
    "write": ({"aof_last_write_status": "err"}, "persistence", "failed", "append-only file failed → make room on the volume"),
    "rewrite": ({"aof_last_bgrewrite_status": "err"}, "persistence", "warning", "last rewrite of the append-only file failed →"),
    "evicted": ({"evicted_keys": 3}, "eviction", "warning", "3 keys were thrown away since Redis was started → look"),
    "high": ({"used_memory": 85, "maxmemory": 100}, "memory", "warning", "(85%) → raise maxmemory"),
    "full": ({"used_memory": 96, "maxmemory": 100}, "memory", "failed", "(96%) → raise maxmemory"),
    "fragmented": (
        {"used_memory": 2**28, "used_memory_rss": 2**29, "mem_fragmentation_ratio": 2.0},
        "memory",
        "warning",
        "256 MiB are lost to fragmentation (ratio 2) → set activedefrag yes",
    ),
}


@pytest.mark.parametrize(("info", "check", "status", "told"), SERVER.values(), ids=SERVER)
def test_what_info_tells_is_judged(
    healthy: FlaskClient, queue: Jobs, monkeypatch: pytest.MonkeyPatch, info: dict[str, Any], check: str, status: str, told: str
) -> None:
    said: dict[str, Any] = queue.store.records.info() | info
    if check == "server" and "redis_version" in info:
        said.pop("valkey_version", None)
    monkeypatch.setattr(queue.store.records, "info", lambda: said)
    name, state, text = only(healthy)
    assert (name, state) == (check, status)
    assert told in text


def test_a_policy_that_evicts_and_a_file_that_is_off_are_told(healthy: FlaskClient, queue: Jobs) -> None:
    queue.store.records.config_set("maxmemory-policy", "allkeys-lru")
    queue.store.records.config_set("appendonly", "no")
    (off, _, remedy), (evicts, _, policy) = amiss(healthy)
    assert (off, evicts) == ("persistence", "eviction")
    assert "the append-only file is off → set appendonly yes" in remedy
    assert "maxmemory-policy is allkeys-lru → set maxmemory-policy noeviction" in policy


def test_strict_durability_without_waitaof_is_told(own: Server, tmp_path: Path) -> None:
    strict = load_settings(redis_ip="127.0.0.1", redis_port=own.port, durability="strict", data_cache=tmp_path / "cache")
    app = create_app(strict)
    assert "persistence" not in [name for name, *_ in amiss(app.test_client())]
    with pytest.MonkeyPatch.context() as patch:

        def gone(*_: int) -> None:
            raise redis.ResponseError("unknown command 'WAITAOF'")

        patch.setattr(backend_of(app).store.records, "waitaof", gone)
        found = {name: text for name, _, text in amiss(app.test_client())}
    assert "DURABILITY=strict, and WAITAOF answers: unknown command 'WAITAOF' → take Redis 7.2" in found["persistence"]
    backend_of(app).jobs.close()


@pytest.mark.parametrize(("ahead", "told"), [(5, "5.0 s behind the API's"), (-5, "5.0 s ahead of the API's")])
def test_clocks_that_differ_are_told(healthy: FlaskClient, monkeypatch: pytest.MonkeyPatch, ahead: int, told: str) -> None:
    real = time.time
    monkeypatch.setattr("lib.examination.answering.time.time", lambda: real() + ahead)
    name, status, text = only(healthy)
    assert (name, status) == ("redis clock", "warning")
    assert told in text
    assert "let NTP keep the clocks" in text


def test_a_clock_that_jumps_is_told(healthy: FlaskClient, queue: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = queue.store.records.time, iter(range(100))
    monkeypatch.setattr(queue.store.records, "time", lambda: (real()[0] + 30 * next(calls), 0))
    (found,) = [text for name, status, text in amiss(healthy) if (name, status) == ("redis clock", "failed")]
    assert "has just jumped by +" in found


def test_a_slow_server_is_told(healthy: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "_seconds", lambda action: 0.1 + 0 * bool(action()))
    name, status, text = only(healthy)
    assert (name, status) == ("latency", "warning")
    assert "a ping takes 100.0 ms" in text


def test_commands_that_the_user_may_not_send_are_named(healthy: FlaskClient, signed_in: Rules) -> None:
    client = signed_in("~*", "&*", "+@all", "-xadd", "-blpop", "-script|load")
    found = {name: (status, text) for name, status, text in amiss(client)}
    assert found["rights"][0] == "failed"
    assert "the user few may not: BLPOP, XADD → allow them: +blpop +xadd in its ACL rule" in found["rights"][1]
    assert found["scripts"][0] == "unknown" or "cannot be loaded" in found["scripts"][1]


def test_keys_that_the_user_may_not_use_are_named(healthy: FlaskClient, signed_in: Rules) -> None:
    found = {name: text for name, _, text in amiss(signed_in("~d:*", "&*", "+@all", "-@admin", "-@dangerous", "+info"))}
    assert "may not use keys such as hotqueue:d:doctor → allow them: ~hotqueue:d:*" in found["rights"]


def test_a_user_with_just_enough_rights_has_nothing_amiss(healthy: FlaskClient, signed_in: Rules) -> None:
    assert amiss(signed_in("~d:*", "~hotqueue:d:*", "+@all", "-@admin", "-@dangerous", "+info")) == []


def test_a_user_that_may_not_ask_for_info_gets_the_rest(healthy: FlaskClient, signed_in: Rules) -> None:
    found = {name: status for name, status, _ in amiss(signed_in("~*", "+@all", "-@dangerous"))}
    assert found == dict.fromkeys(["server", "persistence", "eviction", "memory"], "unknown") | {"rights": "failed"}


def test_every_command_of_the_scripts_is_among_those_asked_for() -> None:
    text = "".join(path.read_text() for path in FOLDER.rglob("*.lua"))
    sent = set(re.findall(r"(?:rec|que|redis\.p?call)\(\s*'([A-Z]+)'", text))
    assert len(sent) > 40
    assert sent <= {line.split()[0] for line in re.split(r"[|\n]", COMMANDS.strip())}


def test_a_script_that_does_not_compile_is_named(healthy: FlaskClient, queue: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    real = queue.store.script
    bad = real("pace").__class__("pace", "this is no Lua", "0" * 40)
    monkeypatch.setattr(queue.store, "script", lambda name: bad if name == "pace" else real(name))
    name, status, text = only(healthy)
    assert (name, status) == ("scripts", "failed")
    assert "cannot be loaded: pace (" in text


def test_a_redis_that_is_away_is_a_finding_and_no_503(own: Server, healthy: FlaskClient) -> None:
    own.kill()
    told = asked(healthy)
    assert (told["status"], [one["check"] for one in told["checks"]]) == ("failed", ["redis"])
    assert told["checks"][0]["remedy"].startswith("see that Redis runs")
    own.start()
    assert asked(healthy)["checks"][-1]["check"] == "orphans"


def test_a_full_redis_is_told_by_its_memory(healthy: FlaskClient, queue: Jobs) -> None:
    queue.store.records.config_set("maxmemory", 1)
    found = {name: (status, text) for name, status, text in amiss(healthy)}
    assert found["memory"][0] == "failed"
    assert set(found) <= {"memory", "scripts"}
    queue.store.records.config_set("maxmemory", 0)

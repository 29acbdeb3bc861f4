"""The users of Redis, on a server that the chart's own script has started: each can do its work, and nothing beyond it.

The programs are the real ones: the API's application, a worker process, upkeep, HotQueue; KEDA is the script that its scaler
sends.
"""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hotqueue
import pytest
import redis

from lib.jobs import Jobs, Submission
from lib.upkeep import Upkeep
from services.api.app import create_app
from tests.api.conftest import CSV
from tests.chart.guarded import PREFIX, USERS, GuardedRedis
from tests.chart.rendering import Chart
from tests.waiting import until
from tests.workers import Worker

LIST, LEASES = f"hotqueue:{PREFIX}job-queue", f"{PREFIX}job-queue.leases"
# What the scaler of KEDA 2.21 sends for each trigger (pkg/scalers/redis_scaler.go), shortened to the types that we have.
COUNT = """
local listName = KEYS[1]
local listType = redis.call('type', listName).ok
if listType == 'zset' then return redis.call('zcard', listName)
elseif listType == 'list' or listType == 'none' then return redis.call('llen', listName)
else return redis.error_reply('ERR unsupported key type: ' .. listType) end
"""


@pytest.fixture(scope="module")
def guarded(chart: Chart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedRedis]:
    """A running server with a job in its queue and one under a lease."""
    with GuardedRedis(chart, tmp_path_factory.mktemp("guarded")) as running:
        admin = Jobs(running.settings("api"))
        for _ in range(2):
            admin.submit(Submission("print", params={"msg": "x"}))
        assert admin.claim("a child", "a worker", ["job-queue"])
        admin.close()
        yield running


def test_api_upkeep_and_worker_do_all_their_work_as_their_users(guarded: GuardedRedis, tmp_path: Path) -> None:
    own: Any = {"key_prefix": f"{secrets.token_hex(4)}:", "data_file": tmp_path / "absent.csv", "data_cache": tmp_path / "cache"}
    api = guarded.settings("api", **own)
    app, jobs = create_app(api), Jobs(api)
    client = app.test_client()
    worker = guarded.settings("worker", **own | {"worker_state_dir": tmp_path / "marks", "upkeep_interval": 0.1})
    login = {"redis_username": "worker", "redis_password": guarded.password("worker"), "worker_children": 2}
    upkeep = Upkeep(jobs)

    def complete(*ids: str) -> bool:
        upkeep.round()
        return all(jobs.get(jid).status == "complete" for jid in ids)

    with Worker(worker, **login):
        load = client.post("/data", data=CSV).get_json()["id"]
        until(lambda: complete(load), 60, "the data")
        bodies: list[dict[str, Any]] = [
            {"operation": "unique_issues"},
            {"operation": "plot", "params": {"kind": "by_hour"}},
            {"operation": "print", "params": {"msg": "later"}, "run_in": 0.5},
        ]
        ids = [client.post("/jobs", json=body).get_json()["id"] for body in bodies]
        until(lambda: complete(*ids), 60, "the end of all jobs")
    assert client.get(f"/jobs/{ids[0]}/results").get_json() == {"unique_issues": 3}
    for path in ("/readyz", "/queues", "/workers", "/metrics", "/data/versions", f"/jobs/{ids[1]}/files"):
        assert client.get(path).status_code == 200, path
    checks = client.get("/doctor").get_json()["checks"]
    assert [one for one in checks if one["status"] != "ok" and one["check"] not in ("workers", "latency")] == []
    assert upkeep.verify() == 0
    upkeep.release()
    assert client.delete(f"/jobs/{ids[0]}").status_code in (200, 204)
    jobs.pause("job-queue")
    jobs.resume("job-queue")
    jobs.close()


def test_strict_durability_waits_for_the_disk_as_the_apis_user(guarded: GuardedRedis) -> None:
    if b"waitaof" not in guarded.client("debug").command_list():
        pytest.skip("this server has no WAITAOF")
    jobs = Jobs(guarded.settings("api", key_prefix="strict:", durability="strict"))
    jobs.submit(Submission("print"))
    assert jobs.counts()["submitted"] == 1
    jobs.close()


def test_keda_counts_lists_leases_and_keys_that_are_not_there(guarded: GuardedRedis) -> None:
    keda = guarded.client("keda", db=1)
    assert keda.ping()
    assert keda.eval(COUNT, 1, LIST) == 1
    assert keda.eval(COUNT, 1, LEASES) == 1
    assert keda.eval(COUNT, 1, f"{LIST}:high") == 0
    assert keda.eval(COUNT, 1, "hotqueue:job_queue") == 0


def test_a_producer_puts_with_the_hotqueue_package(guarded: GuardedRedis) -> None:
    login = {"username": "producer", "password": guarded.password("producer")}
    queue = hotqueue.HotQueue("fed", host="127.0.0.1", port=guarded.port, db=1, **login)
    queue.put({"type": "print", "params": {"msg": "x"}}, "an id")
    assert len(queue) == 2


def test_the_exporter_reads_the_servers_numbers(guarded: GuardedRedis) -> None:
    exporter = guarded.client("exporter")
    assert exporter.info("all")["redis_version"]
    assert exporter.config_get("maxmemory")["maxmemory"] == str(768 * 2**20)
    assert exporter.slowlog_len() >= 0
    assert exporter.slowlog_get() is not None
    assert exporter.latency_latest() is not None
    assert exporter.dbsize() >= 0


def test_the_debug_pod_looks_at_everything_and_puts_what_it_likes(guarded: GuardedRedis) -> None:
    debug = guarded.client("debug", db=1)
    assert LIST.encode() in debug.keys("*")
    assert debug.lrange(LIST, 0, -1)
    login = {"username": "debug", "password": guarded.password("debug")}
    queue = hotqueue.HotQueue("exercise", host="127.0.0.1", port=guarded.port, db=1, socket_timeout=None, **login)
    queue.put("a", "b")
    assert [queue.get(), queue.get(), len(queue)] == ["a", "b", 0]


DESTRUCTIVE = ["FLUSHALL", "FLUSHDB", "CONFIG SET maxmemory 1", "SHUTDOWN NOSAVE", "ACL LIST", "ACL SETUSER x on", "SWAPDB 0 1"]
DESTRUCTIVE += ["REPLICAOF a 1", "MONITOR", "CLIENT KILL TYPE normal", "CLIENT PAUSE 1", "CLIENT LIST", "MODULE LIST"]
READING = ["GET blue:x", "HGETALL blue:job.x", "KEYS *", "SCAN 0", f"LRANGE {LIST} 0 -1", f"ZRANGE {LEASES} 0 -1", "SUBSCRIBE a"]
WRITING = ["SET blue:x 1", "DEL blue:x", f"DEL {LIST}", f"LPOP {LIST}", f"ZADD {LEASES} 1 x", "PUBLISH a b"]
REFUSED: dict[str, list[str]] = dict.fromkeys(USERS, DESTRUCTIVE)
REFUSED["api"] = REFUSED["worker"] = [*DESTRUCTIVE, "KEYS *", "CONFIG GET *", "SORT blue:x"]
REFUSED["debug"] = [*DESTRUCTIVE, "CONFIG GET *"]
REFUSED["keda"] = [*DESTRUCTIVE, *READING, *WRITING, "INFO", f"RPUSH {LIST} x", "LLEN blue:jobs", "TYPE blue:job.x"]
REFUSED["producer"] = [*DESTRUCTIVE, *READING, *WRITING, "INFO", "RPUSH blue:x x", "EVAL x 0"]
REFUSED["exporter"] = [*DESTRUCTIVE, *READING, *WRITING, f"LLEN {LIST}", "EVAL x 0"]
REFUSED["probe"] = [*REFUSED["exporter"], "INFO"]


@pytest.mark.parametrize("user", USERS)
def test_nobody_can_do_more_than_its_work(guarded: GuardedRedis, user: str) -> None:
    client = guarded.client(user, db=1 if user != "probe" else 0)
    for command in REFUSED[user]:
        try:
            answer = client.execute_command(*command.split(" "))
        except redis.exceptions.NoPermissionError:
            continue
        pytest.fail(f"{user} may {command}: {answer!r}")


@pytest.mark.parametrize("command", ["get", "lpop", "flushall", "keys", "incr"])
def test_a_script_of_kedas_user_can_do_no_more_than_the_user(guarded: GuardedRedis, command: str) -> None:
    with pytest.raises(redis.ResponseError, match=r"ACL|permission|can't run"):
        guarded.client("keda", db=1).eval(f"return redis.call('{command}', KEYS[1])", 1, LIST)


def test_everything_is_there_again_after_a_restart(chart: Chart, tmp_path: Path) -> None:
    with GuardedRedis(chart, tmp_path) as server:
        jobs = Jobs(server.settings("api"))
        ids = [jobs.submit(Submission("print", params={"msg": str(n)})).id for n in range(3)]
        assert jobs.claim("a child", "a worker", ["job-queue"])
        server.restart()
        assert [jobs.get(jid).status for jid in ids] == ["in-progress", "submitted", "submitted"]
        jobs.close()
        assert "NOPERM" not in (tmp_path / "log").read_text()


@pytest.mark.parametrize(("user", "password"), [(None, None), (None, "x"), ("default", ""), ("api", "x"), ("root", "x")])
def test_nobody_gets_in_without_the_right_password(guarded: GuardedRedis, user: str | None, password: str | None) -> None:
    with guarded.client("", username=user, password=password) as client, pytest.raises(redis.exceptions.AuthenticationError):
        client.ping()


def test_the_file_of_users_holds_hashes_only_and_nobody_else_can_read_it(guarded: GuardedRedis) -> None:
    path = guarded.folder / "run" / "users.acl"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not [user for user in USERS if guarded.password(user) in path.read_text()]


def test_redis_is_configured_as_the_promises_need_it(guarded: GuardedRedis) -> None:
    told = guarded.client("exporter").config_get("*")
    wanted = {"appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction"}
    assert {name: told[name] for name in wanted} == wanted


@pytest.mark.parametrize("user", USERS)
def test_a_secret_without_a_password_stops_the_start_by_its_name(chart: Chart, tmp_path: Path, user: str) -> None:
    redis_without = GuardedRedis(chart, tmp_path)
    (tmp_path / "passwords" / f"{user}-password").write_text("")
    assert redis_without.start().wait(20) == 1
    assert f"lacks the key {user}-password" in (tmp_path / "log").read_text()


def test_lines_of_the_user_are_the_last_word_of_the_configuration(chart: Chart) -> None:
    conf = chart.render({"redis": {"extraConfig": "slowlog-max-len 7\nappendfsync always\n"}})
    text = conf.of("ConfigMap")[0]["data"]["redis.conf"]
    assert text.rstrip().endswith("slowlog-max-len 7\nappendfsync always")

"""Connections and scripts: databases, URLs, strict durability, and what is sent again."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from lib.connections import FOREVER
from lib.errors import StoreUnavailable
from lib.jobs import Jobs, Submission, complete
from lib.scripts import FOLDER, compose, script_names
from lib.settings import Settings
from lib.store import Store, members_of
from lib.upkeep import Upkeep
from tests.chaos.killing import kill_redis
from tests.servers import Server
from tests.waiting import until


def live_through(jobs: Jobs) -> None:
    """One job of each end, with every duty of upkeep."""
    done, cancelled, delayed = (jobs.submit(Submission("x", run_in=delay)).id for delay in (0, 0, 0.001))
    jobs.cancel(cancelled)
    Upkeep(jobs).round()
    held = jobs.claim("c", "w", jobs.settings.served_queues)
    assert held is not None
    jobs.finish(held, complete(b"1"))
    jobs.pause()
    jobs.resume()
    assert (jobs.get(done).status, jobs.get(cancelled).status) == ("complete", "cancelled")
    assert jobs.get(delayed).status in ("scheduled", "submitted")


@pytest.mark.parametrize(("records", "queues"), [(0, 1), (0, 0), (3, 2)])
def test_both_databases_may_be_the_same_or_any_other(settings: Settings, records: int, queues: int) -> None:
    jobs = Jobs(settings.model_copy(update={"redis_db": records, "queue_db": queues}))
    live_through(jobs)
    with redis.Redis(port=settings.redis_port, db=queues) as client:
        assert client.exists(f"{settings.key_prefix}paused") == 0
        assert client.type(f"{settings.key_prefix}holds") == b"none"
    with redis.Redis(port=settings.redis_port, db=records) as client:
        assert client.zcard(f"{settings.key_prefix}jobs") == 3


def test_a_url_wins_over_host_and_port(settings: Settings) -> None:
    url = f"redis://127.0.0.1:{settings.redis_port}/7"
    jobs = Jobs(settings.model_copy(update={"redis_url": url, "redis_port": 1}))
    live_through(jobs)
    with redis.Redis(port=settings.redis_port, db=0) as client:
        assert client.zcard(f"{settings.key_prefix}jobs") == 3


def test_every_script_opens_with_its_keys_and_its_returns(settings: Settings) -> None:
    for name in script_names():
        text = compose(name, settings).text
        head = (FOLDER / f"{name}.lua").read_text().split("--@include")[0]
        assert text.startswith("#!lua"), name
        assert "Keys: " in head, name
        assert "ARGV: " in head, name
        assert "Returns " in head or name == "turn", name
        assert "@" not in text, name


def test_a_script_unknown_to_the_server_is_loaded_and_runs(jobs: Jobs) -> None:
    jobs.submit(Submission("x"))
    jobs.store.records.script_flush()
    assert not jobs.submit(Submission("x")).replayed
    assert jobs.counts()["submitted"] == 2


def test_strict_submits_are_on_disk_and_share_one_wait(settings: Settings) -> None:
    jobs = Jobs(settings.model_copy(update={"durability": "strict"}))
    if tuple(map(int, jobs.store.records.info("server")["redis_version"].split(".")[:2])) < (7, 2):
        with pytest.raises(StoreUnavailable, match="WAITAOF"):
            jobs.submit(Submission("x"))
        return
    jobs.submit(Submission("x"))
    before = jobs.store.records.info("commandstats")["cmdstat_waitaof"]["calls"]
    threads = [threading.Thread(target=jobs.submit, args=(Submission("x", id=f"s{n}"),)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waits = jobs.store.records.info("commandstats")["cmdstat_waitaof"]["calls"] - before
    assert jobs.counts()["submitted"] == 21
    assert 1 <= waits < 20
    assert jobs.submit(Submission("x", id="s1")).replayed
    assert jobs.store.records.hget(f"{settings.key_prefix}job.s1", "replays") == b"1"  # a write for this connection to wait on


def test_strict_without_an_aof_is_refused_by_name(tmp_path: Path, settings: Settings) -> None:
    with Server(tmp_path / "redis", appendonly="no") as server:
        jobs = Jobs(settings.model_copy(update={"durability": "strict", "redis_port": server.port}))
        jobs.store.patience = 0.1
        with pytest.raises(StoreUnavailable, match="WAITAOF"):
            jobs.submit(Submission("x"))


def test_what_was_acknowledged_outlives_a_kill_of_the_server(tmp_path: Path, settings: Settings) -> None:
    with Server(tmp_path / "redis") as server:
        jobs = Jobs(settings.model_copy(update={"redis_port": server.port}))
        ids = [jobs.submit(Submission("x")).id for _ in range(50)]
        kill_redis(server)
        jobs.store.patience = 0.1
        with pytest.raises(StoreUnavailable):
            jobs.submit(Submission("x"))
        server.start()
        assert [job.id for job in jobs.page().jobs] == ids[::-1]
        assert jobs.claim("c", "w", ["job-queue"]) is not None


def test_the_login_that_redis_refuses_is_named(tmp_path: Path, settings: Settings) -> None:
    with Server(tmp_path / "redis") as server:
        with redis.Redis(port=server.port) as client:
            client.acl_setuser("default", enabled=True, passwords=["+right"])
        store = Store(settings.model_copy(update={"redis_port": server.port, "redis_password": "wrong"}))
        with pytest.raises(StoreUnavailable, match="REDIS_PASSWORD"):
            store.run("lock", "me", 1)


@pytest.mark.parametrize(
    ("away", "back", "code", "remedy"),
    [
        (("resetpass", ">other"), (">right",), "WRONGPASS", "REDIS_PASSWORD"),
        (("-@scripting",), ("+@scripting",), "NOPERM", "REDIS_USERNAME"),
    ],
)
def test_who_tries_for_ever_outlasts_a_login_and_rights_in_change_and_says_what_is_wrong(
    tmp_path: Path,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    away: tuple[str, ...],
    back: tuple[str, ...],
    code: str,
    remedy: str,
) -> None:
    login = {"redis_username": "user", "redis_password": "right"}
    with (
        Server(tmp_path / "redis") as server,
        redis.Redis(port=server.port) as admin,
        closing(Jobs(settings.model_copy(update=login | {"redis_port": server.port}))) as jobs,
        ThreadPoolExecutor(1) as thread,
        caplog.at_level(logging.WARNING, "trafficjobs.store"),
    ):

        def rule(*words: str) -> None:
            admin.execute_command("ACL", "SETUSER", "user", *words)

        def refusals() -> int:
            return int(admin.info("errorstats").get(f"errorstat_{code}", {"count": 0})["count"])

        rule("on", ">right", "~*", "&*", "+@all")
        jobs.submit(Submission("x", id="one"))
        claim = jobs.claim("c", "w", ["job-queue"])
        assert claim is not None
        rule(*away)
        admin.execute_command("CLIENT", "KILL", "USER", "user")
        finish = thread.submit(jobs.finish, claim, complete(b"1"), FOREVER)
        until(lambda: finish.done() or refusals() > 2, 20, "refusals")
        rule(*back)
        finish.result(30)
        assert jobs.get("one").status == "complete"
    (said,) = (record.message for record in caplog.records if record.name == "trafficjobs.store")
    assert remedy in said


def test_of_many_keys_only_what_is_of_another_type_is_left_out_and_other_errors_are_raised(jobs: Jobs) -> None:
    key = f"{jobs.settings.key_prefix}odd"
    jobs.store.records.set(key, "text")
    assert jobs.store.read_each(lambda pipeline: pipeline.get(key).hgetall(key).hgetall(f"{key}.none")) == [b"text", None, {}]
    with pytest.raises(redis.ResponseError, match="wrong number of arguments"):
        jobs.store.read_each(lambda pipeline: pipeline.get(key).execute_command("HGETALL"))


@pytest.mark.parametrize("most", [3, 4, 5, 100])
def test_members_of_one_score_are_all_read_where_two_calls_meet(jobs: Jobs, most: int) -> None:
    key = f"{jobs.settings.key_prefix}odd"
    scores = {b"a": 1, b"b": 2, b"c": 2, b"d": 2.5, b"e": 2.5, b"f": 2.5 + 2**-40, b"g": 9}
    jobs.store.records.zadd(key, scores)

    def command(name: str, *args: Any, **options: Any) -> Any:
        return jobs.store.read(lambda rd: getattr(rd, name)(*args, **options))

    assert list(members_of(command, key, most)) == list(scores.items())
    jobs.store.records.zadd(key, dict.fromkeys(scores, 5.0))
    assert len(list(members_of(command, key, 3))) >= 3  # one score that is longer than a call ends, too

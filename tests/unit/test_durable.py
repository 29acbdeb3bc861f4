"""Strict durability where the disk or a replica does not confirm: nothing is given up that Redis may have done."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from lib.connections import FOREVER
from lib.errors import StoreUnavailable
from lib.jobs import Claim, Jobs, Submission, complete
from lib.settings import Settings
from tests.servers import Server
from tests.waiting import until
from tests.workers import Worker

WAITING = '''
import time
from pathlib import Path
from lib.operations import operation

@operation(needs_data=False)
def wait_for(path: str) -> dict:
    """Waits for a file."""
    while not Path(path).exists():
        time.sleep(0.05)
    return {}
'''


@contextmanager
def strict(settings: Settings, server: Server, replicas: int = 0) -> Iterator[Jobs]:
    """The queue under strict durability on a server of its own, which waits for 0.4 s to be confirmed."""
    more = {"redis_port": server.port, "durability": "strict", "strict_replicas": replicas, "redis_timeout": 0.5}
    jobs = Jobs(settings.model_copy(update=more))
    yield jobs
    jobs.close()


def claimed(jobs: Jobs) -> Claim:
    """A job in the hands of `child`."""
    claim = jobs.claim("w/child", "w", ["job-queue"])
    assert claim is not None
    return claim


def failures(server: Server, code: str) -> int:
    """How often the server has answered with that error."""
    with redis.Redis(port=server.port) as client:
        return int(client.info("errorstats").get(f"errorstat_{code}", {"count": 0})["count"])


def test_a_script_that_the_server_does_not_know_is_sent_whole_also_where_nothing_confirms(
    tmp_path: Path, settings: Settings
) -> None:
    with Server(tmp_path / "redis") as server, strict(settings, server, replicas=1) as jobs:
        jobs.store.patience = 0.1
        with pytest.raises(StoreUnavailable, match="STRICT_REPLICAS=1"):
            jobs.submit(Submission("x", id="one"))
        assert jobs.get("one").status == "submitted"


@pytest.mark.slow
def test_a_child_says_its_result_until_a_replica_has_it_and_claims_nothing_before(
    tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    fast = {"repl-diskless-sync-delay": "0"}
    with (
        Server(tmp_path / "redis", **fast) as server,
        Server(tmp_path / "replica", **fast) as replica,
        strict(settings, server, replicas=1) as jobs,
        ThreadPoolExecutor(1) as thread,
        redis.Redis(port=server.port) as master,
        redis.Redis(port=replica.port) as other,
        caplog.at_level(logging.WARNING, "trafficjobs.store"),
    ):
        everysec = Jobs(settings.model_copy(update={"redis_port": server.port}))
        for name in ("one", "two"):
            everysec.submit(Submission("x", id=name))
        turn = thread.submit(jobs.turn, claimed(jobs), complete(b"1"), "w/child", "w", ["job-queue"])
        until(lambda: turn.done() or master.info("commandstats").get("cmdstat_waitaof", {"calls": 0})["calls"] > 2, 20, "waits")
        assert not turn.done()
        assert [everysec.get(name).status for name in ("one", "two")] == ["complete", "submitted"]
        other.replicaof("127.0.0.1", str(server.port))
        counted, following = turn.result(30)
        assert (counted, following and following.id) == (True, "two")
        assert everysec.get("one").result == 1
        everysec.close()
    assert [record.levelname for record in caplog.records if record.name == "trafficjobs.store"] == ["WARNING"]


def test_a_result_outlasts_a_server_that_is_a_replica_for_a_while(tmp_path: Path, settings: Settings) -> None:
    with (
        Server(tmp_path / "redis") as server,
        strict(settings, server) as jobs,
        ThreadPoolExecutor(1) as thread,
        redis.Redis(port=server.port) as master,
    ):
        jobs.submit(Submission("x", id="one"))
        claim = claimed(jobs)
        master.replicaof("127.0.0.1", "1")
        before = failures(server, "READONLY")
        finish = thread.submit(jobs.finish, claim, complete(b"1"), FOREVER)
        until(lambda: finish.done() or failures(server, "READONLY") > before + 1, 20, "refusals")
        master.replicaof("NO", "ONE")
        finish.result(30)
        assert (jobs.get("one").status, jobs.get("one").result) == ("complete", 1)


@pytest.mark.slow
def test_a_worker_keeps_its_result_and_its_job_is_not_charged_while_the_server_is_a_replica(
    tmp_path: Path, settings: Settings
) -> None:
    operations = tmp_path / "operations"
    operations.mkdir()
    (operations / "mine.py").write_text(WAITING)
    go = tmp_path / "go"
    with Server(tmp_path / "redis") as server, strict(settings, server) as jobs, redis.Redis(port=server.port) as master:
        more = {"redis_port": server.port, "durability": "strict", "operations_dir": operations}
        with Worker(settings, **more):
            for name in ("one", "two"):
                jobs.submit(Submission("wait_for", {"path": str(go)}, id=name))
            until(lambda: jobs.get("one").status == "in-progress", 60, "the run")
            master.replicaof("127.0.0.1", "1")
            before = failures(server, "READONLY")
            go.touch()
            until(lambda: failures(server, "READONLY") > before + 5, 20, "refusals")
            master.replicaof("NO", "ONE")
            until(lambda: all(jobs.get(name).status == "complete" for name in ("one", "two")), 30, "the results")
            assert [(jobs.get(name).attempt, jobs.get(name).crashes) for name in ("one", "two")] == [(1, 0)] * 2
            assert jobs.workers()[0]["deaths"] == 0


def test_calls_of_a_sender_that_is_interrupted_are_sent_again_by_their_threads(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Told(BaseException):
        pass

    def interrupted(*_: Any, **__: Any) -> None:
        monkeypatch.undo()
        raise Told

    heard: list[object] = []

    def submit(jobs: Jobs, name: str) -> None:
        try:
            heard.append(jobs.submit(Submission("x", id=name)).id)
        except BaseException as error:
            heard.append(type(error))

    with Server(tmp_path / "redis") as server, strict(settings, server) as jobs:
        commit = jobs.store._commit
        assert commit is not None
        threads = [threading.Thread(target=submit, args=(jobs, name)) for name in ("one", "two")]
        with commit._turn:
            for thread in threads:
                thread.start()
            until(lambda: len(commit._waiting) == 2, 10, "two calls")
            monkeypatch.setattr(redis.client.Pipeline, "execute", interrupted)
        for thread in threads:
            thread.join()
        (name,) = (word for word in heard if word is not Told)
        assert len(heard) == 2
        assert isinstance(name, str)
        assert jobs.get(name).status == "submitted"

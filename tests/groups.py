"""Several servers that belong together: a master with a replica and three sentinels, and a Redis Cluster of two nodes."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
from redis.crc import key_slot

from tests.servers import Server, free_port
from tests.waiting import until

MASTER = "mymaster"
DOWN_AFTER = 500  # milliseconds without an answer after which a sentinel takes the master to be down


class SentinelProcess(Server):
    """One sentinel: the same program, with a file that it keeps its knowledge in."""

    def __init__(self, folder: Path, master: int, binary: str | None = None) -> None:
        super().__init__(folder, binary)
        folder.mkdir(parents=True)
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {folder}", f"sentinel monitor {MASTER} 127.0.0.1 {master} 2"]
        lines += [f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER}", f"sentinel failover-timeout {MASTER} 4000"]
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n")

    def command(self) -> list[str]:
        return [self.binary, str(self.folder / "sentinel.conf"), "--sentinel"]


@dataclass
class Group:
    """A master, its replica, and the sentinels that watch them."""

    master: Server
    replica: Server
    sentinels: list[SentinelProcess]

    @property
    def addresses(self) -> str:
        """REDIS_SENTINELS."""
        return ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)

    def master_port(self) -> int:
        """The port of the master that the first sentinel knows."""
        with redis.Redis(port=self.sentinels[0].port, socket_timeout=2) as sentinel:
            told: Any = sentinel.sentinel_get_master_addr_by_name(MASTER)
        return int(told[1])

    def replicated(self) -> None:
        """Wait until the replica has everything that the master has."""
        with redis.Redis(port=self.master.port, socket_timeout=5) as client:
            client.set("replicated", 1)
            assert client.wait(1, 5000) == 1


@contextmanager
def sentinel_group(folder: Path, binary: str | None = None) -> Iterator[Group]:
    """A group in which the sentinels know each other and the replica is in step."""
    with ExitStack() as stack:
        soon: Any = {"repl-diskless-sync-delay": "0"}
        master, replica = (stack.enter_context(Server(folder / name, binary, **soon)) for name in ("master", "replica"))
        with redis.Redis(port=replica.port) as follower:
            link: Any = follower
            follower.replicaof("127.0.0.1", master.port)
            until(lambda: link.info("replication")["master_link_status"] == "up", 20, "the link to the master")
        sentinels = [SentinelProcess(folder / f"sentinel-{n}", master.port, binary) for n in range(3)]
        for each in sentinels:
            stack.enter_context(each)
        for each in sentinels:
            with redis.Redis(port=each.port) as client:
                until(lambda: _complete(client), 30, "the sentinels' knowledge of each other")
        yield Group(master, replica, sentinels)


def _complete(sentinel: redis.Redis) -> bool:
    masters: Any = sentinel.sentinel_masters()
    state = masters[MASTER]
    return bool(state["num-other-sentinels"] == 2 and state["num-slaves"] == 1 and not state["is_sdown"])


@dataclass
class Cluster:
    """A cluster of two nodes with one slot, that of the tag: a key of any other slot is an error. The first node has it, the
    second is its replica until `fail_over`."""

    nodes: list[Server]

    @property
    def addresses(self) -> str:
        """REDIS_CLUSTER."""
        return ",".join(f"127.0.0.1:{each.port}" for each in self.nodes)

    def fail_over(self) -> None:
        """Give the slot to the second node; the first one answers MOVED from then on."""
        first, second = (redis.Redis(port=node.port) for node in self.nodes)
        with first, second:
            second.execute_command("CLUSTER FAILOVER")
            until(lambda: second.info("replication")["role"] == "master", 20, "the failover")
            until(lambda: first.info("replication")["role"] == "slave", 20, "the first node's new role")


@contextmanager
def two_masters(folder: Path, binary: str | None = None) -> Iterator[tuple[redis.Redis, redis.Redis]]:
    """A cluster of two nodes with half of the slots each; clients of the two."""
    options = {"cluster-enabled": "yes", "cluster-node-timeout": "2000"}
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(Server(folder / name, binary, **options | {"cluster-port": str(free_port())}))
            for name in ("lower", "upper")
        ]
        lower, upper = (stack.enter_context(redis.Redis(port=node.port)) for node in nodes)
        lower.execute_command("CLUSTER ADDSLOTSRANGE", 0, 8191)
        upper.execute_command("CLUSTER ADDSLOTSRANGE", 8192, 16383)
        lower.execute_command("CLUSTER MEET", "127.0.0.1", nodes[1].port, nodes[1].options["cluster-port"])
        until(lambda: _is_up(lower) and _is_up(upper), 20, "the cluster")
        yield lower, upper


@contextmanager
def cluster(folder: Path, tag: str, binary: str | None = None) -> Iterator[Cluster]:
    """A cluster that is up and serves the slot of `{tag}`, its replica in step."""
    options = {"cluster-enabled": "yes", "repl-diskless-sync-delay": "0", "cluster-node-timeout": "2000"}
    options["cluster-require-full-coverage"] = "no"
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(Server(folder / name, binary, **options | {"cluster-port": str(free_port())}))
            for name in ("first", "second")
        ]
        first, second = (stack.enter_context(redis.Redis(port=node.port)) for node in nodes)
        first.execute_command("CLUSTER ADDSLOTS", key_slot(tag.encode()))
        first.execute_command("CLUSTER MEET", "127.0.0.1", nodes[1].port, nodes[1].options["cluster-port"])
        myself = first.execute_command("CLUSTER MYID").decode()
        until(lambda: myself in str(second.execute_command("CLUSTER NODES")), 20, "the nodes' knowledge of each other")
        until(lambda: _is_up(first) and _is_up(second), 20, "the cluster")
        second.execute_command("CLUSTER REPLICATE", myself)
        until(lambda: second.info("replication").get("master_link_status") == "up", 20, "the replica")
        yield Cluster(nodes)


def _is_up(node: redis.Redis) -> bool:
    told: Any = node.execute_command("CLUSTER INFO")
    return bool(told["cluster_state"] == "ok")

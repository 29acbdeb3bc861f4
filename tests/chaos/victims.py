"""What the forge's victims do: real requests of the API, rounds of upkeep, senders, and whole workers.

Imported by the forge alone. Chunks and parts are made small here, so that a short file has many of them.
"""

import functools
import importlib
import os
import socket
from pathlib import Path
from typing import Any

from flask import Flask

from lib import sending
from lib.jobs import Jobs
from lib.operations import load_catalog
from lib.settings import load_settings
from lib.upkeep import Upkeep
from services.api.app import create_app
from services.worker.processes import adopt_orphans

UPLOADED, STORED = 1024, 4096  # bytes of a chunk of an upload, and of a version
PART = 2  # jobs in a part of a batch


def warm_up() -> None:
    """What a victim need not do itself."""
    catalog = load_catalog(load_settings().operations_dir)
    assert not catalog.broken, catalog.broken
    _replace("load_catalog", lambda _: catalog, "lib.operations", "services.api.backend")
    _replace("CHUNK_BYTES", UPLOADED, "lib.uploads")
    _replace("CHUNK_BYTES", STORED, "lib.versions")
    _replace("MANY", PART, "lib.submitting", "lib.batches")
    for durability in ("everysec", "strict"):
        app(durability)
    for durability in ("everysec", "strict"):  # what is imported and composed at first use
        client = app(durability).test_client()
        client.get("/healthz")
        client.post("/jobs", data="{")
        client.post("/jobs", json={"operation": "nonesuch"})
    for name in ("child", "deletion_cost", "health", "links", "nursery"):  # after the operations, which replace a part of it
        importlib.import_module(f"services.worker.{name}")
    adopt_orphans()


def _replace(name: str, value: Any, *modules: str) -> None:
    """Let these modules have another value of that name."""
    for module in modules:
        assert hasattr(importlib.import_module(module), name)
        setattr(importlib.import_module(module), name, value)


@functools.cache
def app(durability: str) -> Flask:
    """The API, which connects at its first request."""
    return create_app(load_settings(durability=durability))


def send(durability: str, requests: list[dict[str, Any]]) -> None:
    """Send requests to an API of this process; it ends with an error where one is not answered as it should be.

    Args:
        requests: what `werkzeug.test.Client.open` takes, and `wanted`, the status of the answer; 0 for any below 500.
    """
    client = app(durability).test_client()
    for request in requests:
        wanted = request.pop("wanted", 0)
        answer = client.open(**request)
        if answer.status_code != wanted and (wanted or answer.status_code >= 500):
            raise AssertionError(f"{request} was answered {answer.status_code}, not {wanted}: {answer.text}")


def upkeep() -> None:
    """One round of every duty, as an upkeep process does it that has just started and is told to stop."""
    keeper = Upkeep(Jobs(load_settings()))
    if not keeper.round():
        raise AssertionError("another one holds the lock")
    keeper.release()


def duty(script: str, *args: Any) -> None:
    """One duty of upkeep alone, which is repeated while it comes back with a full batch."""
    keeper = Upkeep(Jobs(load_settings()))
    while keeper.store.run(script, *args) > 0 and keeper._lock():
        pass


def deliver(number: int) -> None:
    """Send so many deliveries, one after the other."""
    senders = sending.Senders(Jobs(load_settings()))
    for _ in range(number):
        delivery = senders._next()
        assert delivery is not None
        senders._handle(delivery)


def work(child_port: str) -> None:
    """A whole worker. Its nursery is forked before it has a thread, and need import nothing; all else is as it is.

    Args:
        child_port: where its children find Redis.
    """
    ours, theirs = socket.socketpair()
    nursery = os.fork()
    if nursery == 0:
        ours.close()
        _be_nursery(theirs, child_port)
    theirs.close()
    spawn = os.posix_spawn

    def fork(path: str, arguments: list[str], environment: Any) -> int:
        nonlocal nursery
        if not nursery:  # it has died, and the next one starts as it does in life
            return spawn(path, arguments, environment)
        command, report = map(int, arguments[4:6])
        socket.send_fds(ours, ["\n".join(arguments).encode()], [command, report])
        found, nursery = nursery, 0
        return found

    os.posix_spawn = fork  # type: ignore[assignment]
    code = importlib.import_module("services.worker.__main__").main()
    assert code == 0, code


def _be_nursery(link: socket.socket, child_port: str) -> None:
    """Wait to be started."""
    words, fds, _, _ = socket.recv_fds(link, 65_536, 2)
    if not words:
        os._exit(0)
    link.close()
    parent, marks = words.decode().split("\n")[3], words.decode().split("\n")[6]
    os.environ["REDIS_PORT"] = child_port
    importlib.import_module("services.worker.nursery").main([parent, *map(str, fds), str(Path(marks))])
    os._exit(0)

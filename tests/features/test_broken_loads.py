"""Loads that break off anywhere change nothing: the version before stays, nothing is left behind, and the next load works."""

import io
import os
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import redis

from lib.settings import Settings
from tests.api.conftest import CSV
from tests.service import Service, whole_service
from tests.unit.test_downloads import answer, site
from tests.waiting import until
from trafficjobs import Client
from trafficjobs.errors import Unavailable

HEADER, *LINES = CSV.splitlines(keepends=True)
LONG = HEADER + b"".join(LINES[0].replace(b"A_1", b"L_%06d" % number) for number in range(60_000))  # more than two chunks


@dataclass
class Site:
    """Where the service may fetch from. While `open` is not set, it sends one half and waits; `asked` once it has begun."""

    url: str
    asked: threading.Event
    open: threading.Event


@dataclass
class Place:
    """A service that has three incidents in one version."""

    service: Service
    client: Client
    site: Site
    records: "redis.Redis"

    def keys(self, kind: str) -> list[bytes]:
        return list(self.records.scan_iter(f"{self.service.settings.key_prefix}{kind}*"))

    def unchanged(self, versions: int = 1) -> None:
        """Assert that no version came, and that nothing of an upload is there."""
        assert len(self.client.versions()) == versions
        assert self.client.versions()[0]["rows"] == 3
        assert self.keys("uploads.") == []


@pytest.fixture
def place(settings: Settings, tmp_path: Path) -> Iterator[Place]:
    asked, opened = threading.Event(), threading.Event()

    def talk(client: socket.socket, path: str) -> None:
        if opened.is_set():
            answer(LONG)(client, path)
            return
        answer(LONG[: len(LONG) // 2], f"Content-Length: {len(LONG)}")(client, path)
        asked.set()
        opened.wait(60)

    with (
        site(talk) as url,
        whole_service(settings, tmp_path, worker_children=2, data_urls=url, data_urls_allow="127.0.0.0/8") as running,
        Client(running.url) as client,
        redis.Redis(port=settings.redis_port, db=settings.redis_db) as records,
    ):
        client.load(io.BytesIO(CSV)).result(60)
        yield Place(running, client, Site(url, asked, opened), records)
        opened.set()


@pytest.mark.parametrize("chunked", [False, True], ids=["with a length", "in chunks"])
def test_a_client_that_leaves_in_the_middle_leaves_nothing(place: Place, chunked: bool) -> None:
    host, port = place.service.url.removeprefix("http://").split(":")
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(LONG)}"
    half = LONG[: 5 * 2**20]
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(f"POST /data HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n".encode())
        connection.sendall((b"%x\r\n" % len(half) + half + b"\r\n") if chunked else half)
        until(lambda: place.keys("uploads."), 20, "the first chunk in Redis")
        assert all(0 < place.records.ttl(key) <= 3_600 for key in place.keys("uploads."))
    until(lambda: not place.keys("uploads."), 20, "the end of what came")
    place.unchanged()
    assert place.client.load(io.BytesIO(LONG)).result(60)["rows"] == 60_000


def test_a_process_killed_while_it_loads_changes_nothing_and_the_load_is_done_by_the_next(place: Place) -> None:
    job = place.client.load(f"{place.site.url}/a.csv")
    assert place.site.asked.wait(30)
    _loading(place).kill()
    place.site.open.set()
    assert job.result(60)["rows"] == len(LONG.splitlines()) - 1
    assert job.record["crashes"] + job.record["lost"] == 1
    assert len(place.client.versions()) == 2
    assert {place.records.ttl(key) for key in place.keys("data.")} == {-1}


def _loading(place: Place) -> psutil.Process:
    """The process that is connected to the site."""
    port = int(place.site.url.rpartition(":")[2])
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and any(
                each.raddr and each.raddr.port == port for each in process.net_connections("tcp")
            ):
                return process
        except psutil.Error:
            continue
    raise AssertionError("nobody loads")


def test_redis_that_is_full_in_the_middle_refuses_the_upload_and_keeps_the_data(place: Place) -> None:
    def filling() -> Iterator[bytes]:
        for start in range(0, len(LONG), 2**20):
            if start == 5 * 2**20:
                until(lambda: place.keys("uploads."), 20, "the first chunk in Redis")
                place.records.config_set("maxmemory", place.records.info("memory")["used_memory"])
            yield LONG[start : start + 2**20]

    try:
        with pytest.raises(Unavailable, match="maxmemory"):
            place.client.load(Pipe(filling()))  # type: ignore[arg-type]
        until(lambda: not place.keys("uploads."), 20, "the end of what came")
    finally:
        place.records.config_set("maxmemory", 0)
    place.unchanged()
    assert place.client.load(io.BytesIO(LONG)).result(60)["rows"] == 60_000


def test_two_loads_at_once_are_both_there_and_the_same_file_twice_adds_nothing(place: Place) -> None:
    files = [HEADER + b"".join(line.replace(b"A_", name + b"_") for line in LINES) for name in (b"B", b"C")]
    for _ in range(2):
        jobs = [place.client.load(io.BytesIO(file), mode="append") for file in files]
        for job in jobs:
            job.result(60)
        assert place.client.versions()[0]["rows"] == 9
    newer = HEADER + LINES[0].replace(b"07:00:00 AM", b"08:00:00 AM").replace(b"ARCHIVED", b"ACTIVE")
    older = HEADER + LINES[0].replace(b"07:00:00 AM", b"06:30:00 AM").replace(b"ARCHIVED", b"GONE")
    for file in (newer, older):
        assert place.client.load(io.BytesIO(file), mode="append").result(60)["rows"] == 9
    assert place.client.incident("A_1")["status"] == "ACTIVE"
    assert place.client.load(io.BytesIO(CSV)).result(60)["rows"] == 3


class Pipe(io.RawIOBase):
    """A file of which nobody knows how long it is."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, b""

    def read(self, size: int = -1) -> bytes:
        self._rest = self._rest or next(self._parts, b"")
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def tell(self) -> int:
        raise OSError("a pipe")

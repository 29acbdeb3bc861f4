"""The hotqueue package as producer, and our face of it: the wire format is the same both ways."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hotqueue import HotQueue as Package

from lib.errors import InvalidInput
from lib.jobs import HotQueue, Jobs, Submission
from lib.settings import Settings

QUEUE = "compat"


@pytest.fixture
def package(settings: Settings) -> Package:
    """The hotqueue package on this test's queue."""
    return Package(settings.key_prefix + "job-queue", host="127.0.0.1", port=settings.redis_port, db=1)


@pytest.fixture
def face(settings: Settings) -> Iterator[HotQueue]:
    """Our face on the same queue."""
    queue = HotQueue.of(settings, "job-queue")
    yield queue
    queue.close()


@pytest.mark.parametrize("serializer", [..., json, None])
def test_ids_put_by_the_package_are_claimed(jobs: Jobs, settings: Settings, serializer: Any) -> None:
    arguments = {} if serializer is ... else {"serializer": serializer}
    package = Package(settings.key_prefix + "job-queue", host="127.0.0.1", port=settings.redis_port, db=1, **arguments)
    jid = jobs.submit(Submission("x")).id
    package.clear()
    package.put(jid)
    assert len(package) == 1
    claim = jobs.claim("c", "w", ["job-queue"])
    assert claim is not None
    assert claim.id == jid
    assert len(package) == 0


def test_ids_we_submit_are_read_by_the_package_without_a_serializer(jobs: Jobs, settings: Settings) -> None:
    jid = jobs.submit(Submission("x")).id
    package = Package(settings.key_prefix + "job-queue", serializer=None, host="127.0.0.1", port=settings.redis_port, db=1)
    assert package.get() == jid.encode()


def test_items_we_put_are_read_by_the_package_and_the_other_way_round(package: Package, face: HotQueue) -> None:
    values = ["text", 7, None, {"type": "print", "msg": "hi"}, [1, 2]]
    face.put(*values)
    assert len(face) == len(package) == 5
    assert [package.get() for _ in values] == values
    package.put(*values)
    assert [face.get() for _ in range(2)] == ["text", 7]


def test_an_item_nobody_could_read_is_refused(face: HotQueue) -> None:
    with pytest.raises(InvalidInput, match="plain data"):
        face.put({1, 2})
    assert len(face) == 0


def test_without_a_serializer_items_are_bytes(settings: Settings) -> None:
    queue = HotQueue("bytes", serializer=None, host="127.0.0.1", port=settings.redis_port)
    queue.put("one", b"two")
    assert [queue.get(), queue.get(), queue.get()] == [b"one", b"two", None]
    queue.close()


def test_consume_with_a_timeout_ends(face: HotQueue) -> None:
    face.put("a", "b")
    assert list(face.consume(timeout=0.1)) == ["a", "b"]
    assert face.get(block=True, timeout=0.05) is None


def test_clear_throws_away_what_waits_and_cancels_jobs(face: HotQueue, jobs: Jobs) -> None:
    jid = jobs.submit(Submission("x")).id
    face.put("a")
    face.clear()
    assert len(face) == 0
    assert jobs.get(jid).status == "cancelled"
    assert face.get() is None
    assert repr(face).startswith("<HotQueue: 'job-queue'")


def test_clear_finds_jobs_behind_any_number_of_newer_ones_of_another_queue(settings: Settings) -> None:
    several = settings.model_copy(update={"queues": ["other"]})
    with closing(Jobs(several)) as jobs, closing(HotQueue.of(several, "job-queue")) as face:
        mine = jobs.submit(Submission("x")).id
        jobs.submit_many([Submission("y") for _ in range(1_000)], queue="other")
        face.clear()
        assert jobs.get(mine).status == "cancelled"
        assert jobs.queue("other").depth == 1_000


ELSEWHERE = [
    {"REDIS_URL": "redis://127.0.0.1:1"},
    {"REDIS_SENTINELS": "127.0.0.1:1"},
    {"REDIS_CLUSTER": "127.0.0.1:1", "KEY_PREFIX": "{tj}:", "QUEUE_DB": "0"},
]


@pytest.mark.parametrize("elsewhere", ELSEWHERE)
def test_the_server_that_a_program_names_is_the_one_that_is_asked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, elsewhere: dict[str, str]
) -> None:
    for name, value in elsewhere.items():
        monkeypatch.setenv(name, value)
    name = f"named-{settings.key_prefix.rstrip(':')}"
    package = Package(name, host="127.0.0.1", port=settings.redis_port, db=1)
    with closing(HotQueue(name, host="127.0.0.1", port=settings.redis_port, db=1)) as queue:
        queue.put("here")
        assert package.get() == "here"

"""The consumer by itself; programs that use it are in tests/compat."""

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import redis

from lib.consumer import Consumer
from lib.errors import StoreUnavailable
from lib.jobs import Jobs, Submission
from lib.settings import Settings
from lib.store import Store
from tests.servers import Server
from tests.waiting import until


def test_a_message_that_another_worker_has_now_is_told_once_and_not_renewed_again(
    jobs: Jobs, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs.settings.lease_seconds = 0.3
    asked: list[int] = []

    def beat(_worker: str, _info: dict[str, Any], held: list[tuple[str, str]]) -> tuple[None, list[str]]:
        asked.append(len(held))
        return None, ["LOST"] * len(held)

    monkeypatch.setattr(jobs, "beat", beat)
    jobs.store.queues.rpush(f"hotqueue:{jobs.settings.key_prefix}job-queue", '"a message"')
    consumer = Consumer(jobs, ["job-queue"])
    with caplog.at_level(logging.WARNING, "trafficjobs.consumer"):
        assert consumer.next(block=True, timeout=10) is not None
        until(lambda: asked[-3:] == [0, 0, 0], 10, "three beats without it")
        consumer.close()
    assert asked.count(1) == 1
    assert len([record for record in caplog.records if "what this one writes is dropped" in record.message]) == 1


def test_leases_are_renewed_again_after_an_answer_that_nobody_expects(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    beat, refused = jobs.beat, [redis.exceptions.NoPermissionError("not now"), OSError("nor now")]
    renewed: list[list[str]] = []

    def failing(*args: Any, **more: Any) -> Any:
        if refused:
            raise refused.pop()
        renewed.append(beat(*args, **more)[1])
        return None, renewed[-1]

    monkeypatch.setattr(jobs, "beat", failing)
    jobs.submit(Submission("x"))
    with closing(Consumer(jobs, ["job-queue"])) as consumer:
        assert consumer.next(block=False, timeout=None) is not None
        until(lambda: renewed[-1:] == [["HELD"]], 20, "a renewal")


@pytest.mark.parametrize("end", ["complete", "failed"])
def test_the_end_of_an_item_is_said_when_redis_is_back(
    tmp_path: Path, settings: Settings, caplog: pytest.LogCaptureFixture, end: str
) -> None:
    with (
        Server(tmp_path / "redis", appendfsync="always") as server,
        closing(Jobs(settings, store=Store(settings.model_copy(update={"redis_port": server.port}), 0.1, 0.5))) as jobs,
        closing(Consumer(jobs, ["job-queue"])) as consumer,
        ThreadPoolExecutor(1) as thread,
        caplog.at_level(logging.WARNING, "trafficjobs.consumer"),
    ):
        for name in ("one", "two"):
            jobs.submit(Submission("x", id=name))
        assert thread.submit(consumer.next, True, 10).result() is not None
        server.kill()
        if end == "failed":
            thread.submit(consumer.fail, ValueError("bad luck")).result()
        following = thread.submit(consumer.next, True, 60)
        until(lambda: following.done() or "trying again" in caplog.text, 20, "a try without Redis")
        assert consumer.held("one") is not None
        server.start()
        claim = following.result(30)
        assert claim is not None
        assert (claim.id, jobs.get("one").status) == ("two", end)
        assert consumer.held("one") is None


@pytest.mark.parametrize("block", [True, False])
def test_an_item_that_was_given_out_unheard_is_given_out_again(jobs: Jobs, monkeypatch: pytest.MonkeyPatch, block: bool) -> None:
    claim = jobs.claim

    def unheard(*args: Any, **more: Any) -> None:
        assert claim(*args, **more) is not None
        monkeypatch.undo()
        raise StoreUnavailable("the reply is lost")

    for name in ("one", "two"):
        jobs.submit(Submission("x", id=name))
    with closing(Consumer(jobs, ["job-queue"])) as consumer:
        monkeypatch.setattr(jobs, "claim", unheard)
        if not block:
            with pytest.raises(StoreUnavailable):
                consumer.next(block=False, timeout=None)
        taken = [consumer.next(block=block, timeout=None) for _ in range(2)]
        assert [claim and claim.id for claim in taken] == ["one", "two"]


def test_a_wait_ends_in_its_time_where_redis_is_away(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: Any, **_more: Any) -> None:
        raise StoreUnavailable("away")

    with closing(Consumer(jobs, ["job-queue"])) as consumer:
        monkeypatch.setattr(jobs, "claim", away)
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match="away"):
            consumer.next(block=True, timeout=0.7)
        assert 0.7 <= time.monotonic() - began < 3.5

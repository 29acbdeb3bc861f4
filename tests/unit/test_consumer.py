"""The consumer by itself; programs that use it are in tests/compat."""

import logging
from typing import Any

import pytest

from lib.consumer import Consumer
from lib.jobs import Jobs
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

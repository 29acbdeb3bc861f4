"""The Redis pod is deleted while jobs run and wait: they go on, the API says that it is away, and nothing is lost."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.release import FULL, Release
from tests.e2e.waits import until

VALUES = {"worker": {"concurrency": 2, "keda": {"maxReplicas": 2}}, "redis": {"persistence": {"enabled": True}}}
pytestmark = pytest.mark.usefixtures("at_zero")
AWAY = 30.0  # seconds; a fresh pod on the same volume is promised within


def test_redis_may_go_and_come_back_under_running_and_waiting_jobs(release: Release, figure: Callable[[str], None]) -> None:
    running = release.accepted.submit("nap", 4, seconds=45)
    until(lambda: release.accepted.running(running), lambda all_run: all_run, 5 * 30, "four jobs on two pods")
    waiting = release.accepted.submit("nap", 6, seconds=1)
    before, began = _redis(release), time.time()
    answers: list[httpx.Response] = []

    def is_back() -> bool:
        replaced = _redis(release) not in ("", before)
        answers.append(_ask(release))
        return replaced and answers[-1].status_code == 200

    release.cluster.core.delete_namespaced_pod(f"{FULL}-redis-0", release.namespace)
    with ThreadPoolExecutor() as pool:
        # The client's promise: it sends again until the job is accepted, and nothing is doubled.
        meanwhile = [pool.submit(release.accepted.submit, "where") for _ in range(4)]
        until(is_back, lambda back: back, 5 * AWAY, "the API with another Redis")
        # The API waits for it for a moment, so one that is back soon is not missed by anybody.
        refused = [each for each in answers if each.status_code != 200]
        assert {each.status_code for each in refused} <= {503}, refused
        assert all(int(each.headers["Retry-After"]) > 0 for each in refused)
        assert all(each.headers["Content-Type"] == "application/problem+json" for each in refused)
        said = ": " + refused[0].json()["detail"] if refused else ""
        figure(
            f"Redis deleted to the API answering: {time.time() - began:.1f} s; refused: {len(refused)} of {len(answers)}{said}"
        )
        accepted = [job for each in meanwhile for job in each.result(5 * AWAY)]
    ended = release.accepted.end(running + waiting + accepted, 5 * 60)
    assert all(each.untouched for each in ended), [str(each) for each in ended]
    assert all(each.ended_at > began for each in ended[: len(running)])
    told = [pod for pod in release.pods.pods("worker", since=began) if pod.deleting and began < pod.deleting < ended[0].ended_at]
    assert not told, f"replicas hold while Redis is away; told to go: {'; '.join(map(str, told))}"
    release.accepted.check()


def _redis(release: Release) -> str:
    """Which pod Redis is; empty while there is none."""
    pods = release.cluster.core.list_namespaced_pod(release.namespace, field_selector=f"metadata.name={FULL}-redis-0").items
    return str(pods[0].metadata.uid) if pods else ""


def _ask(release: Release) -> httpx.Response:
    return httpx.get(f"{release.url}/jobs?limit=1", headers={"Authorization": f"Bearer {release.token('view')}"}, timeout=30)

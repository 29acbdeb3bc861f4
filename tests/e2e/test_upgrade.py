"""From the previous version of the chart to this one by `helm upgrade`, and back by `helm rollback`, while jobs are
submitted without a pause. The previous chart is kept as a package in tests/e2e/previous; its images have a tag of their own.
"""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.load import Load, met
from tests.e2e.release import FULL, Release
from tests.e2e.values import TAG, Values
from tests.e2e.waits import until
from tests.unit.incident_files import csv_file, row
from trafficjobs import Client, Job, __version__

(PREVIOUS,) = (Path(__file__).parent / "previous").glob("trafficjobs-*.tgz")
PREVIOUS_TAG = PREVIOUS.stem.rpartition("-")[2]
VALUES: Values = {
    "image": {"tag": PREVIOUS_TAG},
    "api": {"replicas": 2},
    "redis": {"persistence": {"enabled": True}},
    "worker": {"keda": {"minReplicas": 1}},
}
MORE = 40  # jobs that are accepted after each step, before the next


@pytest.fixture(scope="module")
def release(installed: Callable[..., AbstractContextManager[Release]]) -> Iterator[Release]:
    """The previous chart with its own images."""
    with installed("upgrade", VALUES, chart=PREVIOUS) as found:
        yield found


@pytest.fixture(scope="module")
def secrets_before(release: Release) -> dict[str, Any]:
    return _secrets(release)


@pytest.fixture(scope="module")
def early(release: Release, secrets_before: dict[str, Any]) -> Client:
    """A client with the token of the first install, and data and a job loaded by it."""
    client = release.client()
    (job,) = release.accepted.submit("where")
    loading = release.accepted.note(client.load(io.BytesIO(csv_file(row("A1")))))
    release.accepted.end([job, loading], 150)
    assert _incidents(client) == ["A1"]
    return client


@pytest.fixture(scope="module")
def load(release: Release, early: Client) -> Load:
    started = Load(release)
    started.wait_for_more(MORE)
    return started


def _secrets(release: Release) -> dict[str, Any]:
    """All that the release keeps secret."""
    names = (f"{FULL}-redis", f"{FULL}-tokens")
    return {name: release.cluster.core.read_namespaced_secret(name, release.namespace).data for name in names}


def _incidents(client: Client) -> list[str]:
    return [str(found["report_id"]) for found in client.data()]


def _redis(release: Release) -> tuple[str, int, Any]:
    """The pod of Redis, its restarts, and what it is made of."""
    (pod,) = release.cluster.pods(release.namespace, component="redis")
    config = release.cluster.core.read_namespaced_config_map(f"{FULL}-redis", release.namespace).data
    (status,) = pod.status.container_statuses
    return pod.metadata.uid, status.restart_count, (config, pod.spec.containers[0].image)


def _tags(release: Release) -> set[str]:
    """Tags of the images that API and workers run."""
    pods = [pod for name in ("api", "worker") for pod in release.cluster.pods(release.namespace, component=name)]
    alive = [pod for pod in pods if pod.metadata.deletion_timestamp is None]
    return {container.image.rpartition(":")[2] for pod in alive for container in pod.spec.containers}


def _move(release: Release, load: Load, move: Callable[[], object], tag: str) -> str:
    """One step, and that it changed what it should and nothing else; what became of Redis."""
    before = _redis(release)
    move()
    until(lambda: _tags(release), lambda tags: tags == {tag}, 120, f"API and workers on {tag}")
    after = _redis(release)
    if before[2] == after[2]:
        assert after[:2] == before[:2], "Redis was restarted although nothing of its own changed"
    load.wait_for_more(MORE)
    return "Redis ran on" if before[0] == after[0] else "Redis was replaced, because its own settings had changed"


def test_an_upgrade_replaces_api_and_workers_and_leaves_redis_alone(
    release: Release, load: Load, figure: Callable[[str], None]
) -> None:
    assert _tags(release) == {PREVIOUS_TAG}
    tag = TAG or __version__
    figure(_move(release, load, lambda: release.upgrade({"image": {"tag": tag}}), tag))


def test_passwords_tokens_and_data_are_kept(release: Release, secrets_before: dict[str, Any], early: Client) -> None:
    assert _secrets(release) == secrets_before
    assert _incidents(early) == ["A1"]
    assert early.submit("where").id


def test_a_rollback_goes_the_same_way_back(release: Release, load: Load, secrets_before: dict[str, Any], early: Client) -> None:
    _move(release, load, lambda: release.rollback(1), PREVIOUS_TAG)
    assert _secrets(release) == secrets_before
    assert _incidents(early) == ["A1"]


def test_no_job_was_lost_or_doubled_and_every_answer_was_right(
    release: Release, load: Load, figure: Callable[[str], None]
) -> None:
    submitted = load.stop()
    answers = met(submitted)
    figure(f"{len(submitted)} jobs accepted over an upgrade and a rollback; every sending met: {dict(answers)}")
    # What the client sends again by itself: 503, and connections that end with their pod.
    assert {status for status in answers if status.isdigit()} <= {"202", "503"}, answers
    troubled = [each for each in submitted if len(each["met"]) > 1]
    assert len(troubled) <= len(submitted) / 10, troubled
    assert len(submitted) > 3 * MORE
    until(lambda: _open(release), lambda number: number == 0, 150, "the end of all jobs")
    release.accepted.check()
    harmed = _not_run_once(release, [each["id"] for each in submitted])
    assert not harmed, harmed


def _open(release: Release) -> int:
    return sum(not job.ended for job in release.client().jobs())


def _not_run_once(release: Release, ids: list[str]) -> dict[str, Any]:
    """Jobs that did not run once, from beginning to end, with what happened to them."""
    wanted = set(ids)
    jobs = [job for job in release.client().jobs() if job.id in wanted]

    def look(job: Job) -> tuple[Job, list[str]]:
        return job, release.accepted.pods_of(job)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(look, jobs))
    assert Counter(job.id for job, _ in found) == Counter(ids)
    return {job.id: (job.record, pods) for job, pods in found if job.status != "complete" or len(pods) != 1}

"""Two releases on a Redis of somebody else's, over TLS with a password: each with its own prefix, jobs and workers."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import pytest

from tests.e2e.bystanders import run_in
from tests.e2e.cluster import Cluster
from tests.e2e.release import Release
from tests.e2e.tls_redis import TlsRedis
from tests.e2e.values import COOLDOWN, POLL
from tests.e2e.waits import until
from trafficjobs.errors import NotFound

QUIET = 5 * (COOLDOWN + 2 * POLL)


@pytest.fixture(scope="module")
def releases(cluster: Cluster, installed: Callable[..., AbstractContextManager[Release]]) -> Iterator[tuple[Release, Release]]:
    """Two that share one Redis."""
    with ExitStack() as stack:
        redis = stack.enter_context(TlsRedis(cluster))
        one, two = (stack.enter_context(installed(f"external-{name}", redis.values(f"{name}:"))) for name in ("one", "two"))
        yield one, two


def _without_redis(release: Release) -> None:
    assert release.cluster.pods(release.namespace, component="redis") == []


def test_keda_scales_from_zero_and_back_over_tls(releases: tuple[Release, Release], figure: Callable[[str], None]) -> None:
    one, _ = releases
    _without_redis(one)
    one.wait_for_zero(300)
    (ended,) = one.accepted.end(one.accepted.submit("where"), 150)
    figure(str(ended))
    assert ended.untouched
    one.wait_for_zero(QUIET)


def test_two_releases_do_not_see_each_others_jobs(releases: tuple[Release, Release]) -> None:
    submitted = [release.accepted.submit("where", 6) for release in releases]
    for release, jobs in zip(releases, submitted, strict=True):
        own = {pod.name for pod in release.pods.pods("worker")}
        ended = release.accepted.end(jobs, 150)
        assert {each.pods[0] for each in ended} <= own | {pod.name for pod in release.pods.pods("worker")}
        release.accepted.check()
    one, two = releases
    assert not {job.id for job in one.client().jobs()} & {job.id for job in two.client().jobs()}
    with pytest.raises(NotFound):
        two.client().job(submitted[0][0].id)


def test_the_api_says_that_it_does_not_trust_the_certificate(
    releases: tuple[Release, Release], figure: Callable[[str], None]
) -> None:
    _, release = releases
    # With the old pod gone nothing answers in place of the new one, which never gets ready.
    release.upgrade({"api": {"strategy": {"type": "Recreate"}}})
    release.upgrade({"externalRedis": {"tls": {"caSecret": "tj-wrong-ca"}}}, wait=False)
    status, body = until(lambda: _readyz(release), lambda seen: seen[0] == 503, 120, "/readyz of the new pod")
    reason = json.loads(body)
    figure(f"/readyz with the wrong CA: {status} {reason['detail']}")
    assert "certificate" in reason["detail"].lower()


def _readyz(release: Release) -> tuple[int, str]:
    """What the API's own pod says, which no Service leads to while it is not ready."""
    pods: list[Any] = [pod for pod in release.pods.alive("api") if pod.started]
    if len(pods) != 1:
        return 0, f"pods: {pods}"
    url = "http://127.0.0.1:5000/readyz"
    status, body = run_in(release.namespace, f"pod/{pods[0].name}", "get.py", url, container="api")[url]
    return status, body

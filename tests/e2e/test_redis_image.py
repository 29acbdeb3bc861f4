"""The chart on Redis instead of Valkey: an image with Debian's redis-server in it, named by redis.image and nothing else."""

import json
from collections.abc import Callable

from tests.e2e.cluster import kubectl
from tests.e2e.release import FULL, Release
from tests.e2e.values import image_parts

VALUES = {"redis": {"image": image_parts("e2e-redis"), "persistence": {"enabled": True}}}
POD = f"{FULL}-redis-0"


def _in_redis(release: Release, *command: str) -> str:
    return kubectl("-n", release.namespace, "exec", POD, "-c", "redis", "--", *command)


def _as(release: Release, user: str, *command: str) -> str:
    """What the server answers one of its users."""
    script = 'REDISCLI_AUTH=$(cat /run/secrets/redis/$0-password) redis-cli --user "$0" "$@" 2>&1'
    return _in_redis(release, "sh", "-c", script, user, *command).strip()


def test_it_is_redis(release: Release, figure: Callable[[str], None]) -> None:
    version = _in_redis(release, "redis-server", "--version")
    figure(version.strip())
    assert version.startswith("Redis server v=")
    assert "valkey" not in _as(release, "exporter", "info", "server").lower()


def test_its_users_may_what_the_chart_says(release: Release) -> None:
    assert _as(release, "probe", "ping") == "PONG"
    assert _as(release, "keda", "eval", "return redis.call('llen', KEYS[1])", "1", "hotqueue:job-queue") == "0"
    assert _as(release, "producer", "rpush", "hotqueue:exercise", "a message") == "1"
    for user, command in (("keda", "get"), ("producer", "get"), ("probe", "get"), ("exporter", "get"), ("api", "keys")):
        assert _as(release, user, command, "job.1").startswith("NOPERM"), (user, command)
    assert _in_redis(release, "redis-cli", "ping").startswith("NOAUTH")


def test_its_probes_say_what_is(release: Release) -> None:
    for probe in ("ready", "alive"):
        assert _in_redis(release, "sh", "/etc/redis/probe-redis.sh", probe, "6379") == ""
    shut = 'sh /etc/redis/probe-redis.sh alive 6380; echo "ended with $?"'
    assert "ended with 1" in _in_redis(release, "sh", "-c", shut)


def test_jobs_and_their_results_are_there_after_the_pod_was_deleted(release: Release) -> None:
    (before,) = release.accepted.submit("where")
    (ended,) = release.accepted.end([before], 150)
    (old,) = release.cluster.pods(release.namespace, component="redis")
    release.cluster.core.delete_namespaced_pod(POD, release.namespace)
    (after,) = release.accepted.end(release.accepted.submit("where"), 150)
    (new,) = release.cluster.pods(release.namespace, component="redis")
    assert new.metadata.uid != old.metadata.uid
    assert after.untouched
    assert json.dumps(before.refresh().record["result"]) == json.dumps(ended.record["result"])
    release.accepted.check()


def test_no_probe_has_restarted_it(release: Release) -> None:
    assert [pod.restarts for pod in release.pods.pods("redis")] == [0, 0]

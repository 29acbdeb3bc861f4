"""What is left of a release after `helm uninstall`: the volume of Redis, from which the next install has all jobs again."""

import secrets
from collections.abc import Callable

from tests.e2e.cluster import Cluster, kubectl
from tests.e2e.release import FULL, Release
from tests.e2e.waits import until
from trafficjobs import Client

VALUES = {"redis": {"persistence": {"enabled": True}, "exporter": {"enabled": True}}, "debug": {"enabled": True}}
# What the cluster tells about objects, and goes by itself.
_PASSING = ("events", "metrics.k8s.io")


def _objects(namespace: str) -> set[str]:
    """Every object of every kind in a namespace."""
    kinds = kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").split()
    lasting = [kind for kind in kinds if not kind.startswith(_PASSING[0]) and not kind.endswith(_PASSING[1])]
    return set(kubectl("-n", namespace, "get", ",".join(lasting), "-o", "name", "--ignore-not-found").split())


def _of_every_namespace(cluster: Cluster) -> set[str]:
    """What stands in one to which nobody has done anything."""
    empty = f"e2e-empty-{secrets.token_hex(2)}"
    cluster.create_namespace(empty)
    try:
        return until(lambda: _objects(empty), lambda seen: len(seen) >= 2, 30, "the objects of an empty namespace")
    finally:
        cluster.core.delete_namespace(empty)


def test_uninstall_leaves_the_volume_of_redis_and_the_next_install_finds_the_jobs(
    release: Release, figure: Callable[[str], None]
) -> None:
    jobs = release.accepted.submit("where", 3)
    release.accepted.end(jobs, 150)
    token = release.token("admin")
    release.helm.test()
    before = _objects(release.namespace)
    always = _of_every_namespace(release.cluster)
    release.helm.uninstall()
    # The claim with the data, and the ended pod of `helm test`, which Helm itself never takes away.
    stays = {f"persistentvolumeclaim/data-{FULL}-redis-0", f"pod/{FULL}-test"}
    left = until(lambda: _objects(release.namespace) - always, lambda seen: seen == stays, 120, f"nothing left but {stays}")
    figure(f"{len(before - always)} objects before, after: {', '.join(sorted(left))}")

    release.helm.install(release.values)
    release.wait_until_ready()
    assert release.token("admin") != token
    with Client(release.url, release.token("admin"), patience=90) as client:
        again = {job.id: job.status for job in client.jobs()}
    assert {job.id: "complete" for job in jobs}.items() <= again.items()

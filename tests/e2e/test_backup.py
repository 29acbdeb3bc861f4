"""The CronJob of backups, run by hand; then everything is taken away, and the file brings it back in place."""

from collections.abc import Callable
from typing import Any

from kubernetes import client as kubernetes

from tests.e2e.cluster import kubectl
from tests.e2e.release import FULL, Release
from tests.e2e.waits import until

VALUES = {
    "backup": {
        "enabled": True,
        "persistence": {"size": "1Gi"},
        "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
    }
}
WITHIN = 120.0  # seconds for a pod that is made, runs and ends


def test_what_the_cronjob_saved_is_restored_after_everything_is_gone(release: Release, figure: Callable[[str], None]) -> None:
    batch = kubernetes.BatchV1Api()
    ended = release.accepted.end(release.accepted.submit("where", 3), 150)
    release.client().pause("job-queue")
    waiting = release.accepted.submit("where", 5)
    kubectl("-n", release.namespace, "create", "job", f"--from=cronjob/{FULL}-backup", f"{FULL}-backup-now")
    _await(batch, release, f"{FULL}-backup-now")
    said = kubectl("-n", release.namespace, "logs", f"job/{FULL}-backup-now").strip().splitlines()[-1]
    assert said.startswith(f"/backups/{FULL}-")
    assert said.endswith(".backup")

    # Redis without a volume: with its pod all is gone.
    release.cluster.core.delete_namespaced_pod(f"{FULL}-redis-0", release.namespace)
    until(lambda: [job.id for job in release.client().jobs()], lambda seen: seen == [], WITHIN, "an empty release")
    release.wait_until_ready()
    batch.create_namespaced_job(release.namespace, _restoring(batch, release, said))
    _await(batch, release, f"{FULL}-restore")
    figure(kubectl("-n", release.namespace, "logs", f"job/{FULL}-restore").strip().splitlines()[-1])

    again = {job.id: job for job in release.client().jobs()}
    assert {job.id for job in waiting} | {each.record["id"] for each in ended} == again.keys()
    for each in ended:
        assert again[each.record["id"]].record["result"] == each.record["result"]
    assert {again[job.id].status for job in waiting} == {"submitted"}
    release.client().resume("job-queue")
    release.accepted.end(waiting, 150)
    release.accepted.check()


def _restoring(batch: Any, release: Release, file: str) -> kubernetes.V1Job:
    """The job of docs/backup.md: that of the CronJob with another command."""
    template = batch.read_namespaced_cron_job(f"{FULL}-backup", release.namespace).spec.job_template
    template.spec.template.spec.containers[0].command = ["python", "-m", "services.api.backup", "restore", file]
    return kubernetes.V1Job(metadata=kubernetes.V1ObjectMeta(name=f"{FULL}-restore"), spec=template.spec)


def _await(batch: Any, release: Release, name: str) -> None:
    def look() -> Any:
        return batch.read_namespaced_job(name, release.namespace).status

    status = until(look, lambda seen: seen.succeeded or seen.failed, WITHIN, f"the end of {name}")
    assert status.succeeded, kubectl("-n", release.namespace, "logs", f"job/{name}", check=False)

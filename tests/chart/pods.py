"""The pods that objects make, whatever kind makes them, and the parts of a pod that tests ask for."""

from collections.abc import Iterator
from typing import Any

from tests.chart.rendering import Object, Release

_WORKLOADS = ("Deployment", "StatefulSet")


def pods(release: Release) -> Iterator[tuple[str, Object]]:
    """Name and pod (`metadata` and `spec`) of every workload and of every bare pod."""
    for found in release.objects:
        if found["kind"] in _WORKLOADS:
            yield f"{found['kind']} {found['metadata']['name']}", found["spec"]["template"]
        elif found["kind"] == "CronJob":
            yield f"CronJob {found['metadata']['name']}", found["spec"]["jobTemplate"]["spec"]["template"]
        elif found["kind"] == "Pod":
            yield f"Pod {found['metadata']['name']}", found


def containers(pod: Object) -> list[Object]:
    """All containers of a pod."""
    return [*pod["spec"].get("initContainers", []), *pod["spec"]["containers"]]


def container(workload: Object, name: str) -> Object:
    """The container of a workload with that name."""
    return next(found for found in workload["spec"]["template"]["spec"]["containers"] if found["name"] == name)


def environment(of: Object) -> dict[str, Any]:
    """The variables of a container: a text, or where it comes from."""
    return {entry["name"]: entry["value"] if "value" in entry else entry["valueFrom"] for entry in of["env"]}

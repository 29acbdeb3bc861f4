"""What is kept of a release when a test fails: pods, events, logs of all containers, the scaler, and the records of jobs.

Everything goes into files, because pods and namespaces are gone afterwards. Nothing here ever fails a test.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.cluster import kubectl

_LISTS = {
    "objects.txt": ("get", "pods,deployments,replicasets,statefulsets,services,hpa,scaledobjects,pvc", "-o", "wide"),
    "events.txt": ("get", "events", "--sort-by=.lastTimestamp"),
    "pods.txt": ("describe", "pods"),
    "scalers.txt": ("describe", "scaledobjects,hpa"),
    "usage.txt": ("top", "pods", "--containers"),
}


def collect(namespace: str, folder: Path, jobs: Callable[[], list[dict[str, Any]]] | None = None) -> None:
    """Write what can be found out about a namespace into a folder.

    Args:
        jobs: asks for the records of all jobs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in _LISTS.items():
        _keep(folder / name, _told(namespace, *command))
    for pod in _names(namespace):
        logs = ("logs", pod, "--all-containers", "--prefix", "--timestamps", "--tail=5000")
        _keep(folder / f"{pod}.log", _told(namespace, *logs))
        _keep(folder / f"{pod}.previous.log", _told(namespace, *logs, "--previous"))
    if jobs is not None:
        _keep(folder / "jobs.json", lambda: json.dumps(jobs(), indent=1))


def _told(namespace: str, *command: str) -> Callable[[], str]:
    return lambda: kubectl("-n", namespace, *command, check=False)


def _names(namespace: str) -> list[str]:
    try:
        return kubectl("-n", namespace, "get", "pods", "-o", "jsonpath={.items[*].metadata.name}", check=False).split()
    except (OSError, subprocess.SubprocessError):
        return []


def _keep(path: Path, text: Callable[[], str]) -> None:
    try:
        path.write_text(text())
    except Exception as error:  # the release may be half there, and its API away
        path.write_text(f"could not be found out: {type(error).__name__}: {error}\n")
